#include "core/log/ranges.h"

#include <vector>

#include <gtest/gtest.h>

namespace flux::log {
namespace {

// Against a set of positions, for every way to add three ranges of a small line.
TEST(RangesTest, HoldsWhatWasAddedAsFewRanges) {
  constexpr std::uint32_t kEnd = 4;
  std::vector<Range> ranges;
  for (std::uint32_t from = 0; from <= kEnd; ++from) {
    for (std::uint32_t to = 0; to <= kEnd; ++to) ranges.push_back({from, to});
  }
  for (const Range& a : ranges) {
    for (const Range& b : ranges) {
      for (const Range& c : ranges) {
        Ranges held;
        std::vector<bool> expected(kEnd + 1);
        for (const Range& range : {a, b, c}) {
          held.add(range);
          for (std::uint32_t i = range.from; i < range.to; ++i) expected[i] = true;
        }
        // Disjoint, ascending, and no two side by side.
        std::vector<Range> few;
        for (std::uint32_t i = 0; i < kEnd; ++i) {
          if (!expected[i]) continue;
          if (few.empty() || few.back().to != i) few.push_back({i, i});
          few.back().to = i + 1;
        }
        ASSERT_EQ(held.all(), few);
        for (const Range& range : ranges) {
          bool all = true;
          for (std::uint32_t i = range.from; i < range.to; ++i) all = all && expected[i];
          ASSERT_EQ(held.contains(range), all) << range.from << " " << range.to;
        }
      }
    }
  }
}

}  // namespace
}  // namespace flux::log
