// A probability or rate as a fraction of integers, so that no decision hangs on floating point.
#pragma once

#include <cstdint>

namespace flux {

struct Ratio {
  std::uint64_t numerator = 0;
  std::uint64_t denominator = 1;

  constexpr bool never() const { return numerator == 0; }
  constexpr bool always() const { return numerator >= denominator; }
  friend constexpr bool operator==(const Ratio&, const Ratio&) = default;
};

constexpr Ratio ratio(std::uint64_t numerator, std::uint64_t denominator) {
  return {numerator, denominator};
}
inline constexpr Ratio kNever{0, 1};
inline constexpr Ratio kAlways{1, 1};

}  // namespace flux
