// Time as integer nanoseconds, in three types that do not mix: a span, a reading of the monotonic
// clock, a reading of the wall clock. No floating point: a rate or a probability is a Ratio
// (ratio.h).
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace flux {

class Duration {
 public:
  constexpr Duration() = default;
  constexpr explicit Duration(std::int64_t ns) : ns_(ns) {}

  constexpr std::int64_t ns() const { return ns_; }
  constexpr std::int64_t us() const { return ns_ / 1'000; }
  constexpr std::int64_t ms() const { return ns_ / 1'000'000; }
  static constexpr Duration max() { return Duration(std::numeric_limits<std::int64_t>::max()); }

  friend constexpr auto operator<=>(const Duration&, const Duration&) = default;
  friend constexpr Duration operator+(Duration a, Duration b) { return Duration(a.ns_ + b.ns_); }
  friend constexpr Duration operator-(Duration a, Duration b) { return Duration(a.ns_ - b.ns_); }
  friend constexpr Duration operator*(Duration a, std::int64_t n) { return Duration(a.ns_ * n); }
  friend constexpr Duration operator/(Duration a, std::int64_t n) { return Duration(a.ns_ / n); }
  constexpr Duration& operator+=(Duration d) {
    ns_ += d.ns_;
    return *this;
  }

 private:
  std::int64_t ns_ = 0;
};

constexpr Duration nanoseconds(std::int64_t n) { return Duration(n); }
constexpr Duration microseconds(std::int64_t n) { return Duration(n * 1'000); }
constexpr Duration milliseconds(std::int64_t n) { return Duration(n * 1'000'000); }
constexpr Duration seconds(std::int64_t n) { return Duration(n * 1'000'000'000); }

namespace detail {
// A point on a clock named by Tag. Adding to max() stays max(): "never" plus a second is never.
template <class Tag>
class Point {
 public:
  constexpr Point() = default;
  constexpr explicit Point(std::int64_t ns) : ns_(ns) {}

  constexpr std::int64_t ns() const { return ns_; }
  constexpr std::int64_t ms() const { return ns_ / 1'000'000; }
  static constexpr Point max() { return Point(std::numeric_limits<std::int64_t>::max()); }

  friend constexpr auto operator<=>(const Point&, const Point&) = default;
  friend constexpr Point operator+(Point a, Duration d) {
    if (d.ns() > 0 && a.ns_ > max().ns_ - d.ns()) return max();
    return Point(a.ns_ + d.ns());
  }
  friend constexpr Point operator-(Point a, Duration d) { return Point(a.ns_ - d.ns()); }
  friend constexpr Duration operator-(Point a, Point b) { return Duration(a.ns_ - b.ns_); }

 private:
  std::int64_t ns_ = 0;
};
}  // namespace detail

// Monotonic clock of one node. Its zero means nothing; two nodes' instants cannot be compared.
using Instant = detail::Point<struct InstantTag>;
// Wall clock: nanoseconds since 1970-01-01 UTC. May jump either way.
using WallTime = detail::Point<struct WallTimeTag>;

}  // namespace flux
