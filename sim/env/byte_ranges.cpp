#include "sim/env/byte_ranges.h"

#include <algorithm>
#include <utility>

namespace flux::sim {

void add_range(ByteRanges& ranges, ByteRange range) {
  if (range.empty()) return;
  // Mostly at the end, where appends and what is reported in order come.
  if (ranges.empty() || ranges.back().end < range.begin) return ranges.push_back(range);
  const auto first = std::ranges::lower_bound(ranges, range.begin, {}, &ByteRange::end);
  auto last = first;
  for (; last != ranges.end() && last->begin <= range.end; ++last) {
    range = {std::min(range.begin, last->begin), std::max(range.end, last->end)};
  }
  if (first == last) {
    ranges.insert(first, range);
  } else {
    *first = range;
    ranges.erase(first + 1, last);
  }
}

void remove_range(ByteRanges& ranges, ByteRange range) {
  ByteRanges left;
  left.reserve(ranges.size() + 1);
  for (const ByteRange& old : ranges) {
    const ByteRange before{old.begin, std::min(old.end, range.begin)};
    const ByteRange after{std::max(old.begin, range.end), old.end};
    if (!before.empty()) left.push_back(before);
    if (!after.empty()) left.push_back(after);
  }
  ranges = std::move(left);
}

bool covers(const ByteRanges& ranges, ByteRange range) {
  return std::ranges::any_of(ranges, [&](const ByteRange& one) {
    return one.begin <= range.begin && range.end <= one.end;
  });
}

}  // namespace flux::sim
