// Random: the node's only source of chance. See core/base/keyed.h for what a key must name.
//
// In the simulator f(run's seed, node and its incarnation, key): asking twice with one key gives
// one answer. The daemon seeds from the operating system at start.
#pragma once

#include <cstdint>

#include "core/base/keyed.h"
#include "core/base/ratio.h"

namespace flux::env {

class Random {
 public:
  virtual ~Random() = default;

  // Uniform in [0, bound); bound >= 1.
  virtual std::uint64_t draw(Key key, std::uint64_t bound) = 0;
  virtual std::uint64_t draw_u64(Key key) = 0;

  bool chance(Key key, Ratio p) {
    if (p.never()) return false;
    return draw(key, p.denominator) < p.numerator;
  }
};

}  // namespace flux::env
