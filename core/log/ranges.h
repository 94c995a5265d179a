// Ranges: a set of byte positions as disjoint ranges, ascending; neighbours are merged.
#pragma once

#include <cstdint>
#include <vector>

namespace flux::log {

struct Range {
  std::uint32_t from = 0;
  std::uint32_t to = 0;  // exclusive

  friend bool operator==(const Range&, const Range&) = default;
};

class Ranges {
 public:
  void add(Range range);
  bool contains(Range range) const;
  const std::vector<Range>& all() const { return ranges_; }

 private:
  std::vector<Range> ranges_;
};

}  // namespace flux::log
