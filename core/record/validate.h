// What a client's batch must satisfy before it is appended (Kafka's LogValidator).
//
// After this a broker may believe the header: length, magic, CRC, counts, flags, and that the
// records inside can be read by every consumer. It decompresses within a bound and keeps nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>

#include "core/base/bytes.h"
#include "core/record/batch.h"
#include "core/record/pace.h"

namespace flux::record {

struct BatchRules {
  std::size_t max_batch_bytes = 1'048'588;           // max.message.bytes
  std::size_t max_records_bytes = 64 * 1024 * 1024;  // decompressed
  bool zstd_allowed = true;                          // false for Produce before version 7
  bool keys_required = false;                        // cleanup.policy=compact
  bool log_append_time = false;                      // message.timestamp.type
  Timestamp now = kNoTimestamp;
  std::int64_t before_max_ms = INT64_MAX;  // message.timestamp.before.max.ms
  std::int64_t after_max_ms = 3'600'000;   // message.timestamp.after.max.ms
};

enum class BatchFaultKind : std::uint8_t {
  corrupt,            // CORRUPT_MESSAGE
  invalid_record,     // INVALID_RECORD
  invalid_timestamp,  // INVALID_TIMESTAMP
  too_large,          // MESSAGE_TOO_LARGE
  unsupported_codec,  // UNSUPPORTED_COMPRESSION_TYPE
};

struct BatchFault {
  BatchFaultKind kind;
  std::string detail;
  std::int32_t record = -1;  // index of the offending record; -1 for the batch
};

struct BatchSummary {
  std::size_t bytes = 0;
  std::int32_t records = 0;
  // Of the records themselves: the header may say something else (then set_max_timestamp).
  Timestamp max_timestamp = kNoTimestamp;
  std::int32_t offset_delta_of_max_timestamp = 0;
};

// `bytes` must hold exactly one batch.
std::expected<BatchSummary, BatchFault> validate_client_batch(ByteView bytes,
                                                              const BatchRules& rules,
                                                              const Pace& pace = {});

// The same, and the records of a compressed batch as they were unpacked, for who needs them next.
std::expected<BatchSummary, BatchFault> validate_client_batch(ByteView bytes,
                                                              const BatchRules& rules,
                                                              const Pace& pace, Bytes& unpacked);

}  // namespace flux::record
