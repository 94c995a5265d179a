// The records of a batch, walked one by one in place, without allocation.
//
// A Record's views point into the (decompressed) bytes given to the reader.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/record/batch.h"
#include "core/record/pace.h"

namespace flux::record {

struct Header {
  ByteView key;
  std::optional<ByteView> value;
};

struct Record {
  std::int64_t timestamp_delta = 0;
  std::int32_t offset_delta = 0;
  std::optional<ByteView> key;
  std::optional<ByteView> value;
  std::int32_t header_count = 0;
  ByteView header_bytes;

  // By the batch's rule: its base timestamp and the delta, or the max timestamp of all when the
  // broker set the time.
  Timestamp timestamp(const BatchView& batch) const;
  Offset offset(const BatchView& batch) const { return batch.base_offset() + offset_delta; }
};

// Whoever reads what a client sent hands over a Pace: a batch may hold millions of records, and one
// record of a few kilobytes, compressed, tens of millions of headers. It must outlive the reader.
class RecordReader {
 public:
  RecordReader(ByteView records, std::int32_t count) : rest_(records), left_(count) {}
  RecordReader(ByteView records, std::int32_t count, const Pace& pace)
      : rest_(records), left_(count), pace_(&pace), paced_at_(pace ? records.size() : 0) {}

  bool done() const { return left_ <= 0; }
  // The next record (not done); corrupt when its bytes make no sense.
  Result<Record> next();
  // Bytes after what was read: empty once done, if the batch is right.
  ByteView rest() const { return rest_; }

 private:
  const char* read_body(ByteView body, Record& to);
  void keep_pace(std::size_t unread);

  ByteView rest_;
  std::int32_t left_;
  const Pace* pace_ = nullptr;
  std::size_t paced_at_ = 0;  // so much was unread
};

class HeaderReader {
 public:
  explicit HeaderReader(const Record& record)
      : rest_(record.header_bytes), left_(record.header_count) {}

  bool done() const { return left_ <= 0; }
  Result<Header> next();
  ByteView rest() const { return rest_; }

 private:
  ByteView rest_;
  std::int32_t left_;
};

// The records' bytes: those of the batch itself, or decompressed into `storage` when it is
// compressed (at most `limit` bytes, else too_large).
Result<ByteView> records_of(const BatchView& batch, Bytes& storage, std::size_t limit,
                            const Pace& pace = {});

}  // namespace flux::record
