// The sparse indexes of a segment, in Kafka's format (docs/formats/log.md). Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/record/batch.h"

namespace flux::log {

inline constexpr std::size_t kOffsetIndexEntryBytes = 8;
inline constexpr std::size_t kTimeIndexEntryBytes = 12;

class OffsetIndex {
 public:
  struct Entry {
    std::int32_t offset = 0;    // of the batch's last record, minus the segment's base offset
    std::int32_t position = 0;  // of the batch
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  void add(std::int32_t offset, std::uint32_t position);
  // Where to start looking for an offset: at or before the batch that holds it. 0 when unknown.
  std::uint32_t position_for(std::int64_t offset) const;
  // The last indexed batch that begins at or before `position`; 0 when unknown.
  std::uint32_t batch_before(std::uint32_t position) const;

  std::size_t bytes() const { return entries_.size() * kOffsetIndexEntryBytes; }
  const std::vector<Entry>& entries() const { return entries_; }
  Bytes encode() const;
  // corrupt unless entries ascend and lie inside a segment of that many bytes.
  static Result<OffsetIndex> decode(ByteView bytes, std::uint64_t segment_size);

  friend bool operator==(const OffsetIndex&, const OffsetIndex&) = default;

 private:
  std::vector<Entry> entries_;
};

class TimeIndex {
 public:
  struct Entry {
    record::Timestamp timestamp;  // the largest up to and with this batch
    std::int32_t offset = 0;      // of the last record of the batch that has it
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  // Ignored unless the timestamp is larger than all before.
  void add(record::Timestamp timestamp, std::int32_t offset);
  // A relative offset at or before the first record with at least this timestamp.
  std::int32_t offset_for(record::Timestamp at_least) const;

  std::size_t bytes() const { return entries_.size() * kTimeIndexEntryBytes; }
  const std::vector<Entry>& entries() const { return entries_; }
  Bytes encode() const;
  static Result<TimeIndex> decode(ByteView bytes);

  friend bool operator==(const TimeIndex&, const TimeIndex&) = default;

 private:
  std::vector<Entry> entries_;
};

// Makes both indexes as a segment's batches come in order.
struct Indexer {
  OffsetIndex offsets;
  TimeIndex times;
  std::uint32_t bytes_since_entry = 0;
  record::Timestamp max_timestamp = record::kNoTimestamp;
  std::int32_t max_timestamp_offset = 0;  // relative, of the last record of the batch that has it
  record::Timestamp first_timestamp = record::kNoTimestamp;  // of the first batch

  void add(const record::BatchView& batch, std::uint32_t size, std::uint32_t position,
           Offset segment_base, std::uint32_t interval_bytes);
  // Kafka ends a time index with the largest timestamp.
  void finish() { times.add(max_timestamp, max_timestamp_offset); }
};

}  // namespace flux::log
