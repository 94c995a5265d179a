// Batches: bytes that another implementation wrote, fields, patches, what a client may not send.
#include "core/record/batch.h"

#include <gtest/gtest.h>

#include "core/record/batch_builder.h"
#include "core/record/compression.h"
#include "core/record/field_reader.h"
#include "core/record/record.h"
#include "core/record/validate.h"
#include "core/record/varint.h"

namespace flux::record {
namespace {

Bytes batch_of(int records, const BatchOptions& options = {}, std::int64_t timestamp = 1000) {
  BatchBuilder builder(options);
  for (int i = 0; i < records; ++i) {
    const std::string value = "value " + std::to_string(i);
    const Header headers[] = {{as_bytes("h"), text("x")}, {as_bytes("null"), std::nullopt}};
    builder.add(Timestamp(timestamp + i), text("key"), as_bytes(value), headers);
  }
  return *builder.build();
}

// Sets a field and makes the CRC fit again.
template <class T>
Bytes with(Bytes batch, std::size_t at, T value) {
  store_be(batch.data() + at, value);
  const auto view = BatchView::first_of(batch);
  if (view) store_be(batch.data() + layout::kCrc, view->computed_crc());
  return batch;
}

TEST(VarintTest, RoundTripsAtTheEdges) {
  for (const std::int64_t v :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1}, std::int64_t{63}, std::int64_t{64},
        std::int64_t{-64}, std::int64_t{-65}, std::int64_t{INT32_MAX}, std::int64_t{INT32_MIN},
        INT64_MAX, INT64_MIN}) {
    Bytes bytes;
    append_varint(bytes, v);
    EXPECT_EQ(bytes.size(), varint_size(v));
    FieldReader whole(bytes);
    EXPECT_EQ(whole.varlong(), v);
    EXPECT_TRUE(whole.ok() && whole.rest().empty());
    FieldReader narrow(bytes);
    narrow.varint();
    EXPECT_EQ(narrow.ok(), v >= INT32_MIN && v <= INT32_MAX);
    FieldReader cut(ByteView(bytes).first(bytes.size() - 1));
    cut.varlong();
    EXPECT_FALSE(cut.ok());
  }
  const Bytes endless(11, std::byte{0xFF});
  FieldReader reader(endless);
  reader.varlong();
  EXPECT_FALSE(reader.ok());
}

// Of a field that failed, nothing after it is believed.
TEST(FieldReaderTest, FailsForGood) {
  Bytes bytes;
  append_varint(bytes, 5);  // of which four bytes follow
  append_varint(bytes, -1);
  bytes.resize(5, std::byte{2});
  FieldReader reader(bytes);
  reader.nullable_bytes();
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.varint(), 0);
  EXPECT_TRUE(reader.nullable_bytes().value_or(as_bytes("x")).empty());
  EXPECT_TRUE(reader.rest().empty());
  EXPECT_FALSE(reader.ok());
}

TEST(BatchTest, ReadsWhatItWrote) {
  for (std::uint8_t codec = 0; codec < kCodecs; ++codec) {
    const Bytes bytes = batch_of(5, {.codec = static_cast<Codec>(codec),
                                     .base_offset = Offset(40),
                                     .leader_epoch = LeaderEpoch(3),
                                     .producer_id = ProducerId(9),
                                     .producer_epoch = ProducerEpoch(2),
                                     .base_sequence = Sequence(INT32_MAX - 1)});
    const BatchView batch = *BatchView::first_of(bytes);
    EXPECT_TRUE(batch.crc_fits());
    EXPECT_EQ(batch.base_offset(), Offset(40));
    EXPECT_EQ(batch.next_offset(), Offset(45));
    EXPECT_EQ(batch.leader_epoch(), LeaderEpoch(3));
    EXPECT_EQ(batch.last_sequence(), Sequence(2));  // wraps
    EXPECT_EQ(batch.max_timestamp(), Timestamp(1004));
    Bytes storage;
    const ByteView records = *records_of(batch, storage, 10'000);
    RecordReader reader(records, batch.record_count());
    for (int i = 0; i < 5; ++i) {
      const Record record = *reader.next();
      EXPECT_EQ(record.offset(batch), Offset(40 + i));
      EXPECT_EQ(record.timestamp(batch), Timestamp(1000 + i));
      EXPECT_EQ(as_text(*record.value), "value " + std::to_string(i));
      HeaderReader headers(record);
      EXPECT_EQ(as_text(headers.next()->key), "h");
      EXPECT_FALSE(headers.next()->value.has_value());
      EXPECT_TRUE(headers.done());
    }
    EXPECT_TRUE(reader.done());
    EXPECT_TRUE(reader.rest().empty());
  }
}

TEST(BatchTest, PatchesOutsideOfTheCrcLeaveItAlone) {
  Bytes bytes = batch_of(2);
  const Bytes before = bytes;
  set_base_offset(bytes, Offset(1'234'567));
  set_leader_epoch(bytes, LeaderEpoch(77));
  const BatchView batch = *BatchView::first_of(bytes);
  EXPECT_TRUE(batch.crc_fits());
  EXPECT_EQ(batch.base_offset(), Offset(1'234'567));
  EXPECT_EQ(batch.leader_epoch(), LeaderEpoch(77));
  EXPECT_TRUE(
      equal(ByteView(bytes).subspan(layout::kMagic), ByteView(before).subspan(layout::kMagic)));
  set_log_append_time(bytes, Timestamp(5555));
  EXPECT_TRUE(batch.crc_fits());
  EXPECT_TRUE(batch.log_append_time());
  RecordReader reader(batch.records(), batch.record_count());
  EXPECT_EQ(reader.next()->timestamp(batch), Timestamp(5555));
}

TEST(BatchTest, ShortOrStrangeFramesAreErrors) {
  const Bytes bytes = batch_of(1);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(BatchView::first_of(ByteView(bytes).first(size)).error().code(),
              ErrorCode::out_of_range);
  }
  for (const std::int32_t length : {-1, 0, 48, INT32_MIN, INT32_MAX}) {
    Bytes bad = bytes;
    store_be(bad.data() + layout::kLength, length);
    EXPECT_EQ(BatchView::first_of(bad).error().code(), ErrorCode::corrupt) << length;
  }
  Bytes old = bytes;
  old[layout::kMagic] = std::byte{1};
  EXPECT_EQ(BatchView::first_of(old).error().code(), ErrorCode::corrupt);
}

BatchFaultKind fault_of(const Bytes& bytes, const BatchRules& rules = {}) {
  const auto out = validate_client_batch(bytes, rules);
  EXPECT_FALSE(out.has_value());
  return out ? BatchFaultKind{} : out.error().kind;
}

TEST(ValidateTest, AcceptsWhatClientsSend) {
  for (std::uint8_t codec = 0; codec < kCodecs; ++codec) {
    const Bytes bytes = batch_of(5, {.codec = static_cast<Codec>(codec)});
    const auto out = validate_client_batch(bytes, {.now = Timestamp(2000)});
    ASSERT_TRUE(out.has_value()) << out.error().detail;
    EXPECT_EQ(out->records, 5);
    EXPECT_EQ(out->max_timestamp, Timestamp(1004));
    EXPECT_EQ(out->offset_delta_of_max_timestamp, 4);
  }
}

TEST(ValidateTest, NamesWhatIsWrong) {
  using Kind = BatchFaultKind;
  const Bytes good = batch_of(3);
  EXPECT_EQ(fault_of(good, {.max_batch_bytes = 10}), Kind::too_large);
  Bytes crc = good;
  crc.back() ^= std::byte{1};
  EXPECT_EQ(fault_of(crc), Kind::corrupt);
  Bytes two = good;
  append(two, good);
  EXPECT_EQ(fault_of(two), Kind::invalid_record);
  EXPECT_EQ(fault_of(with<std::int32_t>(good, layout::kRecordCount, 0)), Kind::invalid_record);
  EXPECT_EQ(fault_of(with<std::int32_t>(good, layout::kRecordCount, 4)), Kind::invalid_record);
  EXPECT_EQ(fault_of(with<std::int32_t>(good, layout::kLastOffsetDelta, 5)), Kind::invalid_record);
  EXPECT_EQ(fault_of(batch_of(1, {.base_offset = Offset(77)})), Kind::invalid_record);
  EXPECT_EQ(fault_of(batch_of(1, {.base_offset = Offset(-4)})), Kind::invalid_record);
  EXPECT_EQ(fault_of(with<std::int16_t>(good, layout::kAttributes, layout::kControl)),
            Kind::invalid_record);
  EXPECT_EQ(fault_of(with<std::int16_t>(good, layout::kAttributes, 5)), Kind::unsupported_codec);
  EXPECT_EQ(fault_of(with<std::int16_t>(good, layout::kAttributes, 2)), Kind::corrupt);
  EXPECT_EQ(fault_of(with<std::int16_t>(good, layout::kAttributes, layout::kLogAppendTime)),
            Kind::invalid_timestamp);
  EXPECT_EQ(fault_of(with<std::int64_t>(good, layout::kProducerId, 3)), Kind::invalid_record);
  EXPECT_EQ(fault_of(batch_of(1, {.codec = Codec::zstd}), {.zstd_allowed = false}),
            Kind::unsupported_codec);
  EXPECT_EQ(fault_of(good, {.now = Timestamp(2000), .before_max_ms = 500}),
            Kind::invalid_timestamp);
  EXPECT_EQ(fault_of(good, {.now = Timestamp(100), .after_max_ms = 500}), Kind::invalid_timestamp);
  EXPECT_EQ(fault_of(batch_of(200, {.codec = Codec::gzip}), {.max_records_bytes = 1000}),
            Kind::too_large);
  BatchBuilder keyless;
  keyless.add(Timestamp(1), std::nullopt, text("v"));
  EXPECT_EQ(fault_of(*keyless.build(), {.keys_required = true}), Kind::invalid_record);
}

TEST(ValidateTest, OnlyWhatTheWayMayHaveDoneIsCorrupt) {
  using Kind = BatchFaultKind;
  const Bytes good = batch_of(2);
  Bytes cut = good;
  cut.resize(good.size() - 3);
  EXPECT_EQ(fault_of(cut), Kind::invalid_record);
  cut.resize(20);
  EXPECT_EQ(fault_of(cut), Kind::invalid_record);
  EXPECT_EQ(fault_of(with<std::int32_t>(good, layout::kLength, 10'000)), Kind::invalid_record);
  EXPECT_EQ(fault_of(with<std::int32_t>(good, layout::kLength, 20)), Kind::corrupt);
  for (const auto& [magic, kind] : {std::pair{0, Kind::invalid_record},
                                    {1, Kind::invalid_record},
                                    {3, Kind::corrupt},
                                    {-1, Kind::corrupt}}) {
    EXPECT_EQ(fault_of(with<std::int8_t>(good, layout::kMagic, static_cast<std::int8_t>(magic))),
              kind)
        << magic;
  }
}

TEST(ValidateTest, RecordsMustBeConsecutive) {
  Bytes bytes = batch_of(1);
  // Length, attributes and timestamp delta take a byte each; then the offset delta.
  bytes[layout::kRecords + 3] = std::byte{2};
  store_be(bytes.data() + layout::kCrc, BatchView::first_of(bytes)->computed_crc());
  const auto out = validate_client_batch(bytes, {});
  ASSERT_FALSE(out.has_value());
  EXPECT_EQ(out.error().kind, BatchFaultKind::invalid_record);
  EXPECT_EQ(out.error().record, 0);
}

// Twenty million headers fit the kilobytes of a compressed batch; reading them is long work.
TEST(ValidateTest, OneRecordOfManyHeadersLetsOthersIn) {
  const std::vector<Header> headers(200'000);
  BatchBuilder builder;
  builder.add(Timestamp(1), std::nullopt, std::nullopt, headers);
  const Bytes batch = *builder.build();
  std::size_t read = 0;
  std::size_t most = 0;
  const Pace pace = [&](PaceOf, std::size_t bytes) {
    read += bytes;
    most = std::max(most, bytes);
  };
  const auto summary = validate_client_batch(batch, {}, pace);
  ASSERT_TRUE(summary.has_value()) << summary.error().detail;
  EXPECT_GE(read, batch.size() - 2 * kPaceBytes);
  EXPECT_LE(most, 2 * kPaceBytes);
}

TEST(CompressionTest, RoundTripsAndKeepsItsBound) {
  for (std::uint8_t codec = 0; codec < kCodecs; ++codec) {
    const auto c = static_cast<Codec>(codec);
    EXPECT_EQ(codec_named(name_of(c)), c);
    for (const std::size_t size : {1UL, 100UL, 32'768UL, 32'769UL, 300'000UL}) {
      Bytes plain(size);
      for (std::size_t i = 0; i < size; ++i) plain[i] = static_cast<std::byte>(i * i >> 7);
      const Bytes packed = *compress(c, plain);
      EXPECT_TRUE(equal(*decompress(c, packed, size), plain)) << name_of(c) << " " << size;
      EXPECT_EQ(decompress(c, packed, size - 1).error().code(), ErrorCode::too_large);
      if (codec == 0) continue;
      EXPECT_EQ(decompress(c, ByteView(packed).first(packed.size() - 1), size).error().code(),
                ErrorCode::corrupt)
          << name_of(c) << " " << size;
    }
  }
  EXPECT_FALSE(decompress(static_cast<Codec>(7), {}, 10).has_value());
}

TEST(CompressionTest, BombsAreStopped) {
  const Bytes zeros(20'000'000, std::byte{0});
  for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    const Bytes packed = *compress(codec, zeros);
    EXPECT_EQ(decompress(codec, packed, 1'000'000).error().code(), ErrorCode::too_large);
  }
}

// No piece of the work is much longer than it should be, whatever the stream.
TEST(CompressionTest, UnpackingLetsOthersIn) {
  const std::size_t size = 20'000'000;
  const Bytes zeros(size, std::byte{0});
  std::vector<std::pair<Codec, Bytes>> streams;
  for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    streams.emplace_back(codec, *compress(codec, zeros));
  }
  // As librdkafka writes it, one raw block: the length, a literal zero, and copies of the byte
  // before, each of 64 and the last of 63.
  Bytes raw;
  for (std::size_t rest = size; rest > 0; rest >>= 7) {
    raw.push_back(static_cast<std::byte>((rest & 127) | (rest > 127 ? 128 : 0)));
  }
  raw.insert(raw.end(), 2, std::byte{0});
  for (std::size_t left = size - 1; left > 0; left -= std::min<std::size_t>(left, 64)) {
    const auto length = static_cast<unsigned>(std::min<std::size_t>(left, 64));
    raw.push_back(static_cast<std::byte>((length - 1) << 2 | 2));
    raw.push_back(std::byte{1});
    raw.push_back(std::byte{0});
  }
  streams.emplace_back(Codec::snappy, raw);
  for (const auto& [codec, packed] : streams) {
    std::size_t unpacked = 0;
    std::size_t most = 0;
    const Pace pace = [&](PaceOf what, std::size_t bytes) {
      if (what == PaceOf::unpacking) unpacked += bytes;
      most = std::max(most, bytes);
    };
    EXPECT_EQ(decompress(codec, packed, size, pace)->size(), size);
    EXPECT_LE(most, 4 * kPaceBytes) << name_of(codec);
    EXPECT_GE(unpacked, size / 100 * 99) << name_of(codec);
  }
}

TEST(CompressionTest, ReadsRawSnappyAndSeveralMembers) {
  // "abc" as one raw block: length 3, a literal of 3.
  const Bytes raw = {std::byte{3}, std::byte{2 << 2}, std::byte{'a'}, std::byte{'b'},
                     std::byte{'c'}};
  EXPECT_EQ(as_text(*decompress(Codec::snappy, raw, 100)), "abc");
  for (const Codec codec : {Codec::gzip, Codec::lz4, Codec::zstd}) {
    Bytes twice = *compress(codec, as_bytes("abc"));
    append(twice, *compress(codec, as_bytes("def")));
    EXPECT_EQ(as_text(*decompress(codec, twice, 100)), "abcdef") << name_of(codec);
  }
}

}  // namespace
}  // namespace flux::record
