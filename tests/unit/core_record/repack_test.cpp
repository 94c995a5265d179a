// Compressing anew: what changes, what must not, how large it may become, who is let in meanwhile.
#include "core/record/repack.h"

#include <gtest/gtest.h>

#include "core/record/batch_builder.h"
#include "core/record/record.h"
#include "core/record/validate.h"

namespace flux::record {
namespace {

constexpr std::size_t kLimit = 1 << 22;
constexpr Codec kAll[] = {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd};

Bytes batch_with(Codec codec, std::size_t records = 40) {
  BatchBuilder builder({.codec = codec,
                        .producer_id = ProducerId(71),
                        .producer_epoch = ProducerEpoch(2),
                        .base_sequence = Sequence(9)});
  for (std::size_t i = 0; i < records; ++i) {
    const std::string value(i * 7 % 90, static_cast<char>('a' + i % 26));
    builder.add(Timestamp(1'000 + static_cast<std::int64_t>(i)), text("key"), as_bytes(value));
  }
  return *builder.build();
}

Bytes plain_of(ByteView bytes) {
  const BatchView batch = *BatchView::first_of(bytes);
  Bytes storage;
  return to_bytes(*records_of(batch, storage, kLimit));
}

Result<Bytes> repacked(ByteView bytes, const Compression& to, std::size_t most = kLimit) {
  return repack(*BatchView::first_of(bytes), plain_of(bytes), to, most);
}

TEST(RepackTest, TheRecordsAndTheRestOfTheHeaderStay) {
  for (const Codec from : kAll) {
    const Bytes before = batch_with(from);
    for (const Codec to : kAll) {
      const Bytes after = *repacked(before, {.codec = to, .level = {}});
      ASSERT_TRUE(validate_client_batch(after, {}).has_value()) << name_of(from) << name_of(to);
      EXPECT_EQ(BatchView::first_of(after)->codec(), to);
      EXPECT_TRUE(equal(plain_of(after), plain_of(before)));
      // All of the header but the length, the CRC and the codec.
      const auto same = [&](std::size_t at, std::size_t end) {
        return equal(ByteView(after).subspan(at, end - at), ByteView(before).subspan(at, end - at));
      };
      EXPECT_TRUE(same(layout::kBaseOffset, layout::kLength));
      EXPECT_TRUE(same(layout::kLeaderEpoch, layout::kCrc));
      EXPECT_TRUE(same(layout::kLastOffsetDelta, layout::kRecords));
    }
  }
}

TEST(RepackTest, OtherAttributesStay) {
  BatchBuilder builder({.codec = Codec::zstd, .transactional = true});
  builder.add(Timestamp(5), std::nullopt, text("v"));
  const Bytes before = *builder.build();
  const Bytes after = *repacked(before, {.codec = Codec::gzip, .level = {}});
  EXPECT_EQ(BatchView::first_of(after)->attributes(),
            layout::kTransactional | static_cast<int>(Codec::gzip));
}

TEST(RepackTest, NoLargerThanAllowed) {
  const Bytes before = batch_with(Codec::gzip);
  for (const Codec to : kAll) {
    const Bytes after = *repacked(before, {.codec = to, .level = {}});
    EXPECT_TRUE(repacked(before, {.codec = to, .level = {}}, after.size()).has_value());
    for (const std::size_t most : {after.size() - 1, kBatchHeaderBytes, std::size_t{3}}) {
      const auto refused = repacked(before, {.codec = to, .level = {}}, most);
      ASSERT_FALSE(refused.has_value()) << name_of(to) << " " << most;
      EXPECT_EQ(refused.error().code(), ErrorCode::too_large) << name_of(to) << " " << most;
    }
  }
}

TEST(CompressionTest, LevelsAreHeard) {
  Bytes plain(200'000);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    plain[i] = static_cast<std::byte>("abcdefgh"[(i * i >> 5) % 8]);
  }
  for (const auto& [codec, quick, hard] :
       {std::tuple{Codec::gzip, 1, 9}, {Codec::lz4, 9, 12}, {Codec::zstd, -50, 12}}) {
    const Bytes large = *compress({.codec = codec, .level = quick}, plain);
    const Bytes small = *compress({.codec = codec, .level = hard}, plain);
    EXPECT_LT(small.size(), large.size()) << name_of(codec);
    EXPECT_TRUE(equal(*decompress(codec, large, plain.size()), plain));
    EXPECT_TRUE(equal(*decompress(codec, small, plain.size()), plain));
  }
  // Every level that a topic may ask for.
  const ByteView little = ByteView(plain).first(3'000);
  for (int level = -1; level <= 22; ++level) {
    for (const Codec codec : {Codec::gzip, Codec::lz4, Codec::zstd}) {
      if (codec == Codec::gzip ? level > 9 : level < 1) continue;
      if (codec == Codec::lz4 && level > 17) continue;
      const auto packed = compress({.codec = codec, .level = level}, little);
      ASSERT_TRUE(packed.has_value()) << name_of(codec) << " " << level;
      EXPECT_TRUE(equal(*decompress(codec, *packed, little.size()), little));
    }
  }
}

TEST(CompressionTest, PackingLetsOthersIn) {
  Bytes plain(3'000'000);
  std::uint32_t state = 1;
  for (std::byte& byte : plain) byte = static_cast<std::byte>((state = state * 1664525 + 7) >> 24);
  for (const Codec codec : kAll) {
    if (codec == Codec::none) continue;
    std::size_t sum = 0;
    std::size_t most = 0;
    const Pace pace = [&](PaceOf what, std::size_t bytes) {
      EXPECT_EQ(what, PaceOf::packing);
      sum += bytes;
      most = std::max(most, bytes);
    };
    ASSERT_TRUE(compress({.codec = codec, .level = {}}, plain, kUnlimited, pace).has_value());
    EXPECT_EQ(sum, plain.size()) << name_of(codec);
    EXPECT_LE(most, kPaceBytes) << name_of(codec);
  }
}

TEST(CompressionTest, NothingIsPackedToo) {
  for (const Codec codec : kAll) {
    const Bytes packed = *compress(codec, {});
    EXPECT_TRUE(decompress(codec, packed, 0)->empty()) << name_of(codec);
  }
}

}  // namespace
}  // namespace flux::record
