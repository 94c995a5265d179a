// A second reader of record batches, for checkers: it shares no code with core/record, so a fault
// there cannot hide itself by reading back what it wrote wrongly.
//
// Deliberately simple: one pass, byte by byte, its own CRC and its own varints, everything copied.
// It takes Kafka's layout from docs/formats/log.md and from nowhere else. It must not be used where
// speed matters, and must not be "improved" by calling core/record.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace flux::client::plain {

struct Record {
  std::int64_t offset = 0;
  std::int64_t timestamp_ms = 0;
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  std::vector<std::pair<std::string, std::optional<Bytes>>> headers;
};

struct Batch {
  std::int64_t base_offset = 0;
  std::int32_t leader_epoch = 0;
  std::int16_t attributes = 0;
  std::int32_t last_offset_delta = 0;
  std::int64_t max_timestamp_ms = 0;
  std::int64_t producer_id = 0;
  std::int16_t producer_epoch = 0;
  std::int32_t base_sequence = 0;
  std::vector<Record> records;
  std::size_t bytes = 0;  // of the whole batch

  int codec() const { return attributes & 7; }
  bool log_append_time() const { return (attributes & 8) != 0; }
  bool transactional() const { return (attributes & 16) != 0; }
  bool control() const { return (attributes & 32) != 0; }
};

// Unfolds a compressed stream; `codec` is Kafka's number. Given by the caller, because libraries of
// compression belong to core/record.
using Unpack = std::function<Result<Bytes>(int codec, ByteView packed)>;

struct Decoded {
  std::vector<Batch> batches;
  std::size_t cut_off_bytes = 0;  // of a last batch that is not there in full
};

// Whole batches from the front of `bytes`. Corrupt as soon as anything is not as it must be.
Result<Decoded> decode(ByteView bytes, const Unpack& unpack);

}  // namespace flux::client::plain
