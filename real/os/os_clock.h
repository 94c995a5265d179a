// The clocks of the machine: CLOCK_MONOTONIC and CLOCK_REALTIME, read without a system call.
#pragma once

#include "core/env/clock.h"

namespace flux::os {

class OsClock final : public env::Clock {
 public:
  Instant now() override;
  WallTime wall_now() override;
};

}  // namespace flux::os
