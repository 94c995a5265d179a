// Any bytes as what a client sends in one partition of a Produce request. The CRC is also made to
// fit, since no search would find one, so that what lies behind it is reached.
#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/record/batch.h"
#include "core/record/compression.h"
#include "core/record/record.h"
#include "core/record/validate.h"

namespace flux::record {
namespace {

constexpr std::size_t kLimit = 1U << 20;

void read(const BatchView& batch) {
  Bytes storage;
  const auto records = records_of(batch, storage, kLimit);
  if (!records) return;
  RecordReader reader(*records, batch.record_count());
  while (!reader.done()) {
    const auto record = reader.next();
    if (!record) return;
    static_cast<void>(record->timestamp(batch));
    HeaderReader headers(*record);
    while (!headers.done()) CHECK(headers.next().has_value(), "the reader had accepted it");
  }
}

// What validation lets through can be read by everybody.
void accepted(const BatchView& batch, const BatchSummary& summary) {
  Bytes storage;
  const auto records = records_of(batch, storage, kLimit);
  CHECK(records.has_value());
  RecordReader reader(*records, batch.record_count());
  std::int32_t count = 0;
  for (; !reader.done(); ++count) CHECK(reader.next().has_value());
  CHECK_EQ(count, summary.records);
  CHECK(reader.rest().empty());
}

void try_batch(ByteView bytes) {
  const auto summary =
      validate_client_batch(bytes, {.max_records_bytes = kLimit, .now = Timestamp(1'000'000)});
  ByteView rest = bytes;
  while (const auto batch = BatchView::take(rest)) {
    if (summary && batch->size() == bytes.size()) accepted(*batch, *summary);
    read(*batch);
  }
}

}  // namespace
}  // namespace flux::record

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace record = flux::record;
  const flux::ByteView bytes = std::as_bytes(std::span(data, size));
  record::try_batch(bytes);
  flux::Bytes mended = flux::to_bytes(bytes);
  if (const auto batch = record::BatchView::first_of(mended)) {
    flux::store_be(mended.data() + record::layout::kCrc, batch->computed_crc());
    record::try_batch(mended);
  }
  return 0;
}
