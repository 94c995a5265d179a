#include "core/record/record.h"

#include "core/base/check.h"
#include "core/record/compression.h"
#include "core/record/field_reader.h"

namespace flux::record {
namespace {

std::unexpected<Error> bad(const char* what) { return fail(ErrorCode::corrupt, what); }

// What is wrong with the header at the front, or null.
const char* take_header(FieldReader& fields, Header& to) {
  const std::optional<ByteView> key = fields.nullable_bytes();
  if (!fields.ok() || !key) return "a record header's key is null or does not fit";
  to.key = *key;
  to.value = fields.nullable_bytes();
  return fields.ok() ? nullptr : "a record header's value does not fit";
}

// Of a record with more, so many are read between two looks at the pace.
constexpr std::int32_t kHeadersAtOnce = 1024;

}  // namespace

Timestamp Record::timestamp(const BatchView& batch) const {
  if (batch.log_append_time()) return batch.max_timestamp();
  // Hostile deltas may overflow; unsigned arithmetic wraps without harm.
  return Timestamp(
      static_cast<std::int64_t>(static_cast<std::uint64_t>(batch.base_timestamp().value()) +
                                static_cast<std::uint64_t>(timestamp_delta)));
}

inline void RecordReader::keep_pace(std::size_t unread) {
  if (unread + kPaceBytes > paced_at_) return;
  (*pace_)(PaceOf::reading, paced_at_ - unread);
  paced_at_ = unread;
}

// What is wrong with a record of these bytes, or null. Each record of each batch comes by here:
// what it fills in is in its place already, for a copy takes longer than all else.
inline const char* RecordReader::read_body(ByteView body, Record& to) {
  if (body.empty()) return "an empty record";
  FieldReader fields(body.subspan(1));  // attributes: no bit has a meaning
  to.timestamp_delta = fields.varlong();
  to.offset_delta = fields.varint();
  if (!fields.ok()) return "a record's deltas do not fit its length";
  to.key = fields.nullable_bytes();
  if (!fields.ok()) return "a record's key does not fit its length";
  to.value = fields.nullable_bytes();
  if (!fields.ok()) return "a record's value does not fit its length";
  to.header_count = fields.varint();
  if (!fields.ok() || to.header_count < 0) return "a record's header count is bad";
  to.header_bytes = fields.rest();
  Header header;
  for (std::int32_t i = 0; i < to.header_count; ++i) {
    if (const char* wrong = take_header(fields, header)) return wrong;
    if (i % kHeadersAtOnce == kHeadersAtOnce - 1) keep_pace(fields.rest().size() + rest_.size());
  }
  return fields.rest().empty() ? nullptr : "a record is longer than its contents";
}

Result<Record> RecordReader::next() {
  CHECK(!done());
  --left_;
  keep_pace(rest_.size());
  FieldReader fields(rest_);
  const ByteView body = fields.bytes(fields.varint());
  rest_ = fields.rest();
  Result<Record> out;
  const char* wrong =
      fields.ok() ? read_body(body, *out) : "a record's length does not fit its batch";
  if (wrong) out = bad(wrong);
  return out;
}

Result<Header> HeaderReader::next() {
  CHECK(!done());
  --left_;
  FieldReader fields(rest_);
  Result<Header> out;
  if (const char* wrong = take_header(fields, *out)) out = bad(wrong);
  rest_ = fields.rest();
  return out;
}

Result<ByteView> records_of(const BatchView& batch, Bytes& storage, std::size_t limit,
                            const Pace& pace) {
  if (batch.codec() == Codec::none) return batch.records();
  storage = TRY(decompress(batch.codec(), batch.records(), limit, pace));
  return ByteView(storage);
}

}  // namespace flux::record
