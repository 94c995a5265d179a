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
  std::uint32_t state = 1;
  for (std::byte& byte : plain) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::byte>("abcdefgh"[state >> 29]);
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

std::size_t zstd_blocks(ByteView frame) {
  const auto byte = [&](std::size_t at) { return static_cast<std::size_t>(frame[at]); };
  const std::size_t descriptor = byte(4);
  const bool single_segment = (descriptor & 0x20) != 0;
  const std::size_t size_flag = descriptor >> 6;
  const std::size_t size_bytes = size_flag == 0 ? single_segment : std::size_t{1} << size_flag;
  std::size_t at = 5 + (single_segment ? 0 : 1) + size_bytes;
  for (std::size_t count = 1;; ++count) {
    const std::size_t header = byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16;
    if ((header & 1) != 0) return count;
    const bool one_byte_repeated = (header >> 1 & 3) == 1;
    at += 3 + (one_byte_repeated ? 1 : header >> 3);
  }
}

// A level that takes a hundred times as long gets less at once, and leaves nothing for later.
TEST(CompressionTest, HighLevelsLetOthersInAsOften) {
  Bytes plain(300'000);
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    state = state * 1664525 + 7;
    plain[i] = static_cast<std::byte>(i < 150'000 ? state >> 24 : 'a' + (state >> 28));
  }
  for (const auto& [codec, level, piece] : {std::tuple{Codec::gzip, 9, 1U << 10},
                                            {Codec::lz4, 12, 16U << 10},
                                            {Codec::zstd, 9, 16U << 10},
                                            {Codec::zstd, 22, 2U << 10}}) {
    std::size_t sum = 0;
    std::size_t most = 0;
    const Pace pace = [&](PaceOf what, std::size_t bytes) {
      EXPECT_NE(what, PaceOf::packing);
      sum += bytes;
      most = std::max(most, bytes);
    };
    const Bytes packed = *compress({.codec = codec, .level = level}, plain, kUnlimited, pace);
    EXPECT_EQ(sum, plain.size()) << name_of(codec);
    EXPECT_EQ(most, piece) << name_of(codec);
    EXPECT_TRUE(equal(*decompress(codec, packed, plain.size()), plain)) << name_of(codec);
    if (codec != Codec::zstd) continue;
    EXPECT_GE(zstd_blocks(packed), plain.size() / piece);
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
