// Any bytes as what a fetch brought, for the second reader of batches; with the CRC made to fit, as
// for the first. What the broker takes from a client the second reader has to read, and both see
// the same records.
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/record/batch.h"
#include "core/record/compression.h"
#include "core/record/record.h"
#include "core/record/validate.h"
#include "net/client/plain_decoder.h"

namespace flux::client {
namespace {

constexpr std::size_t kLimit = 1U << 20;

Result<Bytes> unpack(int codec, ByteView packed) {
  return record::decompress(static_cast<record::Codec>(codec), packed, kLimit);
}

void agree(const record::BatchView& batch, const plain::Batch& other) {
  Bytes storage;
  const auto records = record::records_of(batch, storage, kLimit);
  CHECK(records.has_value());
  record::RecordReader reader(*records, batch.record_count());
  for (const plain::Record& one : other.records) {
    const auto record = reader.next();
    CHECK(record.has_value());
    CHECK_EQ(record->offset(batch).value(), one.offset);
    CHECK_EQ(record->key.has_value(), one.key.has_value());
    CHECK_EQ(record->value.has_value(), one.value.has_value());
    if (one.key) CHECK(equal(*record->key, *one.key));
    if (one.value) CHECK(equal(*record->value, *one.value));
  }
  CHECK(reader.done());
}

void try_bytes(ByteView bytes) {
  (void)plain::decode(bytes, unpack);
  const auto taken = record::validate_client_batch(
      bytes, {.max_records_bytes = kLimit, .now = record::Timestamp(1'000'000)});
  if (!taken) return;
  // A client may put any offset into it; the broker puts its own.
  Bytes stored = to_bytes(bytes);
  store_be(stored.data(), std::int64_t{1'000});
  const auto decoded = plain::decode(stored, unpack);
  CHECK(decoded.has_value(), "the broker takes it");
  CHECK_EQ(decoded->batches.size(), 1U);
  agree(*record::BatchView::first_of(stored), decoded->batches.front());
}

}  // namespace
}  // namespace flux::client

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace record = flux::record;
  const flux::ByteView bytes = std::as_bytes(std::span(data, size));
  flux::client::try_bytes(bytes);
  flux::Bytes mended = flux::to_bytes(bytes);
  if (const auto batch = record::BatchView::first_of(mended)) {
    flux::store_be(mended.data() + record::layout::kCrc, batch->computed_crc());
    flux::client::try_bytes(mended);
  }
  return 0;
}
