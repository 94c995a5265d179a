// Ranges of bytes of one file, and sets of them: disjoint, ascending, none of them empty, so that
// whether a range is covered is a question to one element.
#pragma once

#include <cstdint>
#include <vector>

namespace flux::sim {

// [begin, end) of a file.
struct ByteRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

  bool empty() const { return begin >= end; }
  std::uint64_t size() const { return empty() ? 0 : end - begin; }
  bool touches(ByteRange other) const { return begin < other.end && other.begin < end; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

using ByteRanges = std::vector<ByteRange>;

void add_range(ByteRanges& ranges, ByteRange range);
void remove_range(ByteRanges& ranges, ByteRange range);
bool covers(const ByteRanges& ranges, ByteRange range);

}  // namespace flux::sim
