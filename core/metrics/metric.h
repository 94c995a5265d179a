// Counters, gauges and histograms: plain integers of one node.
//
// A node is one thread, so an increment is an increment. Durations are kept in nanoseconds and
// become seconds where they are written out (exposition.h).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/time.h"

namespace flux::metrics {

// Only grows, from 0 at the start of the node.
class Counter {
 public:
  void add(std::uint64_t n = 1) { value_ += n; }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0;
};

// How long things took: how many were within each of the bounds, and their sum.
class Histogram {
 public:
  // Upper bounds, inclusive. From a read out of the page cache to a request that waited for a disk
  // that came back.
  static constexpr std::array kBounds = {
      microseconds(10),   microseconds(25),  microseconds(50),  microseconds(100),
      microseconds(250),  microseconds(500), milliseconds(1),   microseconds(2'500),
      milliseconds(5),    milliseconds(10),  milliseconds(25),  milliseconds(50),
      milliseconds(100),  milliseconds(250), milliseconds(500), seconds(1),
      milliseconds(2500), seconds(5),        seconds(10),       seconds(30),
  };
  static_assert(std::ranges::is_sorted(kBounds));

  void observe(Duration took) {
    const auto* bound = std::ranges::lower_bound(kBounds, took);
    ++counts_[static_cast<std::size_t>(bound - kBounds.begin())];
    ++count_;
    sum_ += std::max(took, Duration(0));
  }

  // Of those within kBounds[i] and above the bound before; the last entry is above all of them.
  const std::array<std::uint64_t, kBounds.size() + 1>& counts() const { return counts_; }
  std::uint64_t count() const { return count_; }
  Duration sum() const { return sum_; }

 private:
  std::array<std::uint64_t, kBounds.size() + 1> counts_{};
  std::uint64_t count_ = 0;
  Duration sum_;
};

}  // namespace flux::metrics
