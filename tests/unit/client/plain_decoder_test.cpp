// The second reader of batches agrees with the first on good bytes and refuses bad ones.
#include "net/client/plain_decoder.h"

#include <gtest/gtest.h>

#include "core/record/batch_builder.h"
#include "core/record/compression.h"

namespace flux::client {
namespace {

Result<Bytes> unpack(int codec, ByteView packed) {
  return record::decompress(static_cast<record::Codec>(codec), packed, 1 << 20);
}

Bytes batch_of(record::Codec codec, std::int64_t base) {
  record::BatchBuilder builder({.codec = codec,
                                .base_offset = Offset(base),
                                .leader_epoch = LeaderEpoch(4),
                                .producer_id = ProducerId(9),
                                .producer_epoch = ProducerEpoch(1),
                                .base_sequence = Sequence(77)});
  const Bytes header = to_bytes(as_bytes("hv"));
  const std::vector<record::Header> headers = {{.key = as_bytes("h"), .value = ByteView(header)},
                                               {.key = as_bytes("n"), .value = std::nullopt}};
  builder.add(record::Timestamp(1000), record::text("k"), record::text("v0"), headers);
  builder.add(record::Timestamp(1007), std::nullopt, record::text("v1"));
  builder.add(record::Timestamp(990), record::text("gone"), std::nullopt);
  return builder.build().value();
}

TEST(PlainDecoder, ReadsEveryCodec) {
  for (int codec = 0; codec < record::kCodecs; ++codec) {
    Bytes bytes = batch_of(static_cast<record::Codec>(codec), 5);
    append(bytes, batch_of(static_cast<record::Codec>(codec), 8));
    const auto decoded = plain::decode(bytes, unpack);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().to_string();
    ASSERT_EQ(decoded->batches.size(), 2u);
    const plain::Batch& batch = decoded->batches[0];
    EXPECT_EQ(batch.leader_epoch, 4);
    EXPECT_EQ(batch.producer_id, 9);
    EXPECT_EQ(batch.base_sequence, 77);
    ASSERT_EQ(batch.records.size(), 3u);
    EXPECT_EQ(batch.records[0].offset, 5);
    EXPECT_EQ(batch.records[0].timestamp_ms, 1000);
    EXPECT_EQ(as_text(*batch.records[0].key), "k");
    ASSERT_EQ(batch.records[0].headers.size(), 2u);
    EXPECT_EQ(batch.records[0].headers[0].first, "h");
    EXPECT_EQ(as_text(*batch.records[0].headers[0].second), "hv");
    EXPECT_FALSE(batch.records[0].headers[1].second.has_value());
    EXPECT_FALSE(batch.records[1].key.has_value());
    EXPECT_EQ(batch.records[1].timestamp_ms, 1007);
    EXPECT_EQ(batch.records[2].timestamp_ms, 990);
    EXPECT_FALSE(batch.records[2].value.has_value());
    EXPECT_EQ(decoded->batches[1].base_offset, 8);
  }
}

TEST(PlainDecoder, ACutBatchIsLeftOver) {
  Bytes bytes = batch_of(record::Codec::none, 0);
  const std::size_t whole = bytes.size();
  append(bytes, batch_of(record::Codec::none, 3));
  const auto decoded = plain::decode(ByteView(bytes).first(whole + 40), unpack);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->batches.size(), 1u);
  EXPECT_EQ(decoded->cut_off_bytes, 40u);
}

TEST(PlainDecoder, AFlippedByteUnderTheCrcIsRefused) {
  const Bytes good = batch_of(record::Codec::none, 0);
  for (std::size_t at = 16; at < good.size(); ++at) {
    Bytes bad = good;
    bad[at] ^= std::byte{0x20};
    EXPECT_FALSE(plain::decode(bad, unpack).has_value()) << "byte " << at;
  }
}

TEST(PlainDecoder, OverlappingBatchesAreRefused) {
  Bytes bytes = batch_of(record::Codec::none, 5);
  append(bytes, batch_of(record::Codec::none, 7));
  EXPECT_FALSE(plain::decode(bytes, unpack).has_value());
}

}  // namespace
}  // namespace flux::client
