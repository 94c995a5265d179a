// Time of the world: what a perfect clock would show. Nodes never see it; they see their own clocks
// (sim/env/sim_clock.h), which drift from it and jump.
#pragma once

#include "core/base/time.h"

namespace flux::sim {

using Time = detail::Point<struct WorldTimeTag>;

}  // namespace flux::sim
