// Integers with a meaning. An Offset is not a NodeId: nothing converts or mixes without being
// written out.
#pragma once

#include <compare>
#include <cstdint>

namespace flux {

// Same-type comparison, and moving by a plain distance: offset + 3, offset - offset.
template <class Tag, class Rep>
class Strong {
 public:
  using rep = Rep;

  constexpr Strong() = default;
  constexpr explicit Strong(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }

  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;

  friend constexpr Strong operator+(Strong a, Rep distance) {
    return Strong(static_cast<Rep>(a.value_ + distance));
  }
  friend constexpr Strong operator-(Strong a, Rep distance) {
    return Strong(static_cast<Rep>(a.value_ - distance));
  }
  friend constexpr Rep operator-(Strong a, Strong b) {
    return static_cast<Rep>(a.value_ - b.value_);
  }
  constexpr Strong& operator++() {
    ++value_;
    return *this;
  }
  constexpr Strong& operator+=(Rep distance) {
    value_ = static_cast<Rep>(value_ + distance);
    return *this;
  }

 private:
  Rep value_{};
};

}  // namespace flux
