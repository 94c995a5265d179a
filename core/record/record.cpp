#include "core/record/record.h"

#include "core/base/check.h"
#include "core/record/compression.h"
#include "core/record/varint.h"

namespace flux::record {
namespace {

std::unexpected<Error> bad(const char* what) { return fail(ErrorCode::corrupt, what); }

// A length of -1 is null; the outer optional is empty when the bytes do not hold it.
std::optional<std::optional<ByteView>> take_nullable(ByteView& from) {
  const std::optional<std::int32_t> length = take_varint(from);
  if (!length || *length < -1) return std::nullopt;
  if (*length == -1) return std::optional<ByteView>();
  const auto size = static_cast<std::size_t>(*length);
  if (size > from.size()) return std::nullopt;
  const ByteView out = from.first(size);
  from = from.subspan(size);
  return std::optional<ByteView>(out);
}

}  // namespace

Timestamp Record::timestamp(const BatchView& batch) const {
  if (batch.log_append_time()) return batch.max_timestamp();
  // Hostile deltas may overflow; unsigned arithmetic wraps without harm.
  return Timestamp(
      static_cast<std::int64_t>(static_cast<std::uint64_t>(batch.base_timestamp().value()) +
                                static_cast<std::uint64_t>(timestamp_delta)));
}

Result<Record> RecordReader::next() {
  CHECK(!done());
  const std::optional<std::int32_t> length = take_varint(rest_);
  if (!length || *length < 0 || static_cast<std::size_t>(*length) > rest_.size()) {
    return bad("a record's length does not fit its batch");
  }
  ByteView body = rest_.first(static_cast<std::size_t>(*length));
  rest_ = rest_.subspan(body.size());
  --left_;
  if (body.empty()) return bad("an empty record");
  body = body.subspan(1);  // attributes: no bit has a meaning

  Record out;
  const std::optional<std::int64_t> timestamp_delta = take_varlong(body);
  const std::optional<std::int32_t> offset_delta = take_varint(body);
  if (!timestamp_delta || !offset_delta) return bad("a record's deltas do not fit its length");
  out.timestamp_delta = *timestamp_delta;
  out.offset_delta = *offset_delta;
  const auto key = take_nullable(body);
  if (!key) return bad("a record's key does not fit its length");
  out.key = *key;
  const auto value = take_nullable(body);
  if (!value) return bad("a record's value does not fit its length");
  out.value = *value;
  const std::optional<std::int32_t> count = take_varint(body);
  if (!count || *count < 0) return bad("a record's header count is bad");
  out.header_count = *count;
  out.header_bytes = body;

  HeaderReader headers(out);
  while (!headers.done()) TRY(headers.next());
  if (!headers.rest().empty()) return bad("a record is longer than its contents");
  return out;
}

Result<Header> HeaderReader::next() {
  CHECK(!done());
  --left_;
  const auto key = take_nullable(rest_);
  if (!key || !*key) return bad("a record header's key is null or does not fit");
  const auto value = take_nullable(rest_);
  if (!value) return bad("a record header's value does not fit");
  return Header{**key, *value};
}

Result<ByteView> records_of(const BatchView& batch, Bytes& storage, std::size_t limit,
                            const Pace& pace) {
  if (batch.codec() == Codec::none) return batch.records();
  storage = TRY(decompress(batch.codec(), batch.records(), limit, pace));
  return ByteView(storage);
}

}  // namespace flux::record
