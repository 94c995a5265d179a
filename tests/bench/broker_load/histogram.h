// Histogram: counts of durations in nanoseconds, exact below 128 and within 0.8 % above.
//
// Log-linear, as HdrHistogram: each power of two is cut into 128 equal parts, so that the memory is
// fixed and adding one is a shift and an increment.
#pragma once

#include <cstdint>
#include <vector>

namespace flux::load {

class Histogram {
 public:
  Histogram();

  void add(std::uint64_t nanoseconds);

  std::uint64_t count() const { return count_; }
  std::uint64_t max() const { return max_; }
  // The smallest bucket's end that `share` (0 to 1) of all values do not exceed; never above max().
  // 0 of an empty histogram.
  std::uint64_t at(double share) const;

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace flux::load
