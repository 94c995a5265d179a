// How long to wait before another try: doubling from a least to a most, with a fifth of jitter.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/time.h"
#include "core/env/random.h"

namespace flux::client {

// `failures` in a row so far, at least 1. `key` names this very wait.
inline Duration backoff(env::Random& random, Key key, Duration least, Duration most,
                        std::uint32_t failures) {
  Duration pause = least;
  for (std::uint32_t i = 1; i < failures && pause < most; ++i) pause = pause * 2;
  pause = std::min(pause, most);
  const std::int64_t fifth = pause.ns() / 5;
  if (fifth <= 0) return pause;
  const auto jitter = random.draw(key, static_cast<std::uint64_t>(2 * fifth) + 1);
  return pause - Duration(fifth) + Duration(static_cast<std::int64_t>(jitter));
}

}  // namespace flux::client
