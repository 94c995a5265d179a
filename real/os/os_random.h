// Chance from the operating system: one seed from getrandom() at start, then f(seed, key), so that
// a draw costs no system call and code sees the same rule as in the simulator: one key, one answer.
//
// Not for secrets.
#pragma once

#include "core/env/random.h"

namespace flux::os {

class OsRandom final : public env::Random {
 public:
  OsRandom();

  std::uint64_t draw(Key key, std::uint64_t bound) override;
  std::uint64_t draw_u64(Key key) override;

 private:
  std::uint64_t seed_;
};

}  // namespace flux::os
