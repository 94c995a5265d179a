// For all inputs: what is built is read back; bytes that are wrong are an error, never a crash.
#include <rapidcheck.h>

#include <gtest/gtest.h>

#include "core/log/integrity.h"
#include "core/record/batch_builder.h"
#include "core/record/compression.h"
#include "core/record/record.h"
#include "core/record/repack.h"
#include "core/record/validate.h"

namespace flux::record {
namespace {

struct Plain {
  std::int64_t timestamp;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
};

std::optional<std::string> any_text() {
  if (*rc::gen::inRange(0, 4) == 0) return std::nullopt;
  return *rc::gen::string<std::string>();
}

std::vector<Plain> any_records() {
  std::vector<Plain> out(static_cast<std::size_t>(*rc::gen::inRange(1, 12)));
  for (Plain& record : out) {
    record.timestamp = *rc::gen::inRange<std::int64_t>(0, 4'000'000'000'000);
    record.key = any_text();
    record.value = any_text();
    record.headers.resize(static_cast<std::size_t>(*rc::gen::inRange(0, 3)));
    for (auto& header : record.headers) header = {*rc::gen::string<std::string>(), any_text()};
  }
  return out;
}

std::optional<ByteView> view(const std::optional<std::string>& text) {
  return text ? std::optional<ByteView>(as_bytes(*text)) : std::nullopt;
}

Bytes build(const std::vector<Plain>& records, Codec codec) {
  BatchBuilder builder({.codec = codec});
  for (const Plain& record : records) {
    std::vector<Header> headers;
    for (const auto& [key, value] : record.headers) {
      headers.push_back({as_bytes(key), view(value)});
    }
    builder.add(Timestamp(record.timestamp), view(record.key), view(record.value), headers);
  }
  return *builder.build();
}

bool same(const std::optional<ByteView>& bytes, const std::optional<std::string>& text) {
  if (bytes.has_value() != text.has_value()) return false;
  return !bytes || as_text(*bytes) == *text;
}

Codec any_codec() { return static_cast<Codec>(*rc::gen::inRange<int>(0, kCodecs)); }

// Reads all that there is to read, whatever it says.
void read_all(ByteView bytes) {
  while (const auto batch = BatchView::take(bytes)) {
    static_cast<void>(batch->crc_fits());
    Bytes storage;
    const auto records = records_of(*batch, storage, 1 << 20);
    if (!records) continue;
    RecordReader reader(*records, batch->record_count());
    while (!reader.done()) {
      if (!reader.next()) break;
    }
  }
}

TEST(BatchProperty, RoundTrips) {
  EXPECT_TRUE(rc::check([] {
    const std::vector<Plain> records = any_records();
    const Bytes bytes = build(records, any_codec());
    RC_ASSERT(validate_client_batch(bytes, {}).has_value());
    const BatchView batch = *BatchView::first_of(bytes);
    Bytes storage;
    RecordReader reader(*records_of(batch, storage, 1 << 22), batch.record_count());
    for (const Plain& expected : records) {
      const Record record = *reader.next();
      RC_ASSERT(record.timestamp(batch) == Timestamp(expected.timestamp));
      RC_ASSERT(same(record.key, expected.key));
      RC_ASSERT(same(record.value, expected.value));
      HeaderReader headers(record);
      for (const auto& [key, value] : expected.headers) {
        const Header header = *headers.next();
        RC_ASSERT(as_text(header.key) == key);
        RC_ASSERT(same(header.value, value));
      }
      RC_ASSERT(headers.done());
    }
    RC_ASSERT(reader.done());
  }));
}

TEST(BatchProperty, CompressedAnewTheRecordsAreTheSame) {
  EXPECT_TRUE(rc::check([] {
    const Bytes before = build(any_records(), any_codec());
    const Codec to = any_codec();
    Bytes storage;
    const BatchView batch = *BatchView::first_of(before);
    const ByteView plain = *records_of(batch, storage, 1 << 22);
    const Bytes after = *repack(batch, plain, {.codec = to, .level = {}}, 1 << 22);
    RC_ASSERT(BatchView::first_of(after)->codec() == to);
    RC_ASSERT(validate_client_batch(after, {}).has_value());
    Bytes again;
    RC_ASSERT(equal(*records_of(*BatchView::first_of(after), again, 1 << 22), plain));
    // And back again nothing is left of the way.
    const Bytes back =
        *repack(*BatchView::first_of(after), plain, {.codec = Codec::none, .level = {}}, 1 << 22);
    const Bytes straight = *repack(batch, plain, {.codec = Codec::none, .level = {}}, 1 << 22);
    RC_ASSERT(equal(back, straight));
  }));
}

TEST(BatchProperty, RandomBytesAreOnlyAnError) {
  EXPECT_TRUE(rc::check([] {
    const auto noise =
        *rc::gen::container<std::vector<std::uint8_t>>(rc::gen::arbitrary<std::uint8_t>());
    const ByteView bytes = std::as_bytes(std::span(noise));
    read_all(bytes);
    static_cast<void>(validate_client_batch(bytes, {}));
    for (std::uint8_t codec = 0; codec < kCodecs; ++codec) {
      static_cast<void>(decompress(static_cast<Codec>(codec), bytes, 1 << 20));
    }
  }));
}

TEST(BatchProperty, DamagedBatchesAreOnlyAnError) {
  EXPECT_TRUE(rc::check([] {
    Bytes bytes = build(any_records(), any_codec());
    for (int i = *rc::gen::inRange(1, 5); i > 0; --i) {
      const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
      bytes[at] = static_cast<std::byte>(*rc::gen::arbitrary<std::uint8_t>());
    }
    // With a CRC that fits, so that the walk behind it is reached.
    if (const auto batch = BatchView::first_of(bytes)) {
      store_be(bytes.data() + layout::kCrc, batch->computed_crc());
    }
    read_all(bytes);
    static_cast<void>(validate_client_batch(bytes, {}));
  }));
}

// Every bit of every byte, those outside of the CRC too, changes the digest of the block.
TEST(BatchProperty, AnyFlippedBitIsDetectedByTheDigest) {
  EXPECT_TRUE(rc::check([] {
    const log::LogIdentity identity{"t", PartitionIndex(3), Uuid{1, 2}};
    const log::IntegrityCodec codec(identity, Offset(0));
    Bytes bytes;
    std::uint64_t digest = codec.begin_digest(Offset(0));
    Offset next{0};
    for (int i = *rc::gen::inRange(1, 4); i > 0; --i) {
      Bytes batch = build(any_records(), any_codec());
      set_base_offset(batch, next);
      next = BatchView::first_of(batch)->next_offset();
      digest = log::IntegrityCodec::extend_digest(digest, batch);
      append(bytes, batch);
    }
    const log::IntegrityEntry entry{.length = static_cast<std::uint32_t>(bytes.size()),
                                    .base = Offset(0),
                                    .end = next,
                                    .digest = digest};
    RC_ASSERT(codec.verify_block(bytes, entry));
    const auto bit = *rc::gen::inRange<std::size_t>(0, bytes.size() * 8);
    bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    RC_ASSERT(!codec.verify_block(bytes, entry));
    bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    // The same bytes in another partition.
    const log::IntegrityCodec other({"t", PartitionIndex(4), Uuid{1, 2}}, Offset(0));
    RC_ASSERT(!other.verify_block(bytes, entry));
  }));
}

TEST(IntegrityProperty, EntriesRoundTripAndAnyFlippedBitIsSeen) {
  EXPECT_TRUE(rc::check([](std::uint32_t position, std::uint32_t length, std::uint64_t digest,
                           std::uint32_t index, std::uint64_t boot) {
    const log::IntegrityCodec codec({"t", PartitionIndex(0), Uuid{5, 6}}, Offset(7));
    const log::IntegrityEntry entry{.kind = log::IntegrityKind::mark,
                                    .position = position,
                                    .length = length,
                                    .synced_position = position / 2,
                                    .base = Offset(9),
                                    .end = Offset(10),
                                    .synced_offset = Offset(8),
                                    .boot_id = boot,
                                    .digest = digest};
    Bytes bytes;
    codec.append_entry(bytes, index, entry);
    RC_ASSERT(bytes.size() == log::kIntegrityEntryBytes);
    RC_ASSERT(codec.entry(bytes, index) == entry);
    RC_ASSERT(!codec.entry(bytes, index + 1).has_value());
    const auto bit = *rc::gen::inRange<std::size_t>(0, bytes.size() * 8);
    bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    RC_ASSERT(!codec.entry(bytes, index).has_value());
    Bytes header = codec.header();
    RC_ASSERT(codec.check_header(header).has_value());
    header[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    RC_ASSERT(!codec.check_header(header).has_value());
  }));
}

}  // namespace
}  // namespace flux::record
