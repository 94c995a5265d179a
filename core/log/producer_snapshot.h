// The producers of a log at one offset as bytes: Kafka's `<20 digits>.snapshot`
// (docs/formats/log.md). Pure.
//
// Kafka's format has one batch for each producer, ours up to five: each has an entry, oldest first.
// Kafka keeps the last entry that it reads of a producer, which is what it would have written.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/log/producer_state.h"

namespace flux::log {

// Of all producers that a log may remember, and more.
inline constexpr std::uint64_t kSnapshotBytesMax = 1U << 30;

Bytes encode_producers(const ProducerState& state);

// Into an empty state. Corrupt unless it is what encode_producers() writes for a log that ends at
// `end`, or what Kafka writes there while no transaction is open; the state is empty then.
Result<void> decode_producers(ByteView bytes, Offset end, ProducerState& into);

}  // namespace flux::log
