// The producers of a log at one offset as bytes: Kafka's `<20 digits>.snapshot`
// (docs/formats/log.md). Pure.
//
// Kafka's format has one batch for each producer, ours up to five: each has an entry, oldest first.
// Kafka keeps the last entry that it reads of a producer, which is what it would have written.
//
// Of a million producers either way is long work, and keeps the pace that it is given. Meanwhile
// producers may be forgotten; nothing else may change the state.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/log/producer_state.h"
#include "core/record/pace.h"

namespace flux::log {

// Of all producers that a log may remember, and more.
inline constexpr std::uint64_t kSnapshotBytesMax = 1U << 30;

Bytes encode_producers(const ProducerState& state, const record::Pace& pace = {});

// Into an empty state. Corrupt unless it is what encode_producers() writes for a log that ends at
// `end`, or what Kafka writes there while no transaction is open; the state is empty then.
Result<void> decode_producers(ByteView bytes, Offset end, ProducerState& into,
                              const record::Pace& pace = {});

}  // namespace flux::log
