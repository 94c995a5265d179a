// Promise: what an answer to a client means for the records in it (design section 9).
#pragma once

#include <cstdint>
#include <string_view>

#include "sim/check/checker.h"

namespace flux::sim {

// How long a record of this kind is owed.
enum class Promise : std::uint8_t {
  survives_kill,       // acks=1, or a page-cache topic: a power cut may take what was not synced
  survives_power_cut,  // acks=all on an fsync topic, and what was read from one
};

// flux.durability of the topic, or log.flux.durability of the brokers; fsync by default.
bool is_fsync_topic(const ClusterFacts& facts, std::string_view topic);

// Of an acknowledged produce, or of what a read returned.
Promise promise_of(const ClusterFacts& facts, const Operation& op);

}  // namespace flux::sim
