// Promise: what an answer to a client means for the records in it
// (docs/architecture.md#what-is-promised).
#pragma once

#include <cstdint>

#include "sim/check/settings.h"

namespace flux::sim {

// How long a record of this kind is owed.
enum class Promise : std::uint8_t {
  survives_kill,       // acks=1, or a page-cache topic: a power cut may take what was not synced
  survives_power_cut,  // acks=all on an fsync topic, and what was read from one
};

// Of an acknowledged produce, or of what a read returned, once it is completed. An acknowledgement
// promises what the topic's durability did while the produce was under way, the weaker where that
// was altered meanwhile. A read shows what was taken under any durability that the topic ever had.
Promise promise_of(const Settings& settings, const Operation& op);

}  // namespace flux::sim
