// Files of a partition's directory, byte for byte as docs/formats/log.md has them.
#include <gtest/gtest.h>

#include "core/base/hash.h"
#include "core/log/integrity.h"
#include "core/log/names.h"
#include "core/log/start_file.h"
#include "tests/support/log_kit.h"

namespace flux::log {
namespace {

using test::identity_of;

const Uuid kTopic = identity_of().topic_id;

// Each differs from identity_of() in one thing.
std::vector<LogIdentity> others() {
  std::vector<LogIdentity> out(3, identity_of());
  out[0].partition = PartitionIndex(1);
  out[1].topic_id.high ^= 1;
  out[2].topic_id.low ^= 1;
  return out;
}

template <class T>
T at(ByteView bytes, std::size_t where) {
  return load_be<T>(bytes.data() + where);
}

void sign(MutBytes copy) { store_be(copy.data() + 56, hash_bytes(ByteView(copy).first(56))); }

TEST(NamesTest, ASegmentsFilesBearItsBaseInTwentyDigits) {
  EXPECT_EQ(segment_file(Offset(0), kLogSuffix), "00000000000000000000.log");
  EXPECT_EQ(segment_file(Offset(1702), kIndexSuffix), "00000000000000001702.index");
  EXPECT_EQ(base_of_file("00000000000000001702.log", kLogSuffix), Offset(1702));
  EXPECT_EQ(base_of_file("00000000000000000000.log", kLogSuffix), Offset(0));
  EXPECT_EQ(base_of_file("00000000000000001702.snapshot"), Offset(1702));
}

TEST(NamesTest, NoOtherNameIsASegmentFiles) {
  for (const char* name :
       {"", "log", "00000000000000001702", "00000000000000001702.lox",
        "00000000000000001702.log.log", "0000000000000001702x.log", "-0000000000000001702.log",
        "000000000000000001702.log", "0000000000000001702.log", "99999999999999999999.log"}) {
    EXPECT_FALSE(base_of_file(name, kLogSuffix)) << name;
  }
  for (const char* name : {"00000000000000001702", "00000000000000001702-log", "partition.metadata",
                           "leader-epoch-checkpoint"}) {
    EXPECT_FALSE(base_of_file(name)) << name;
  }
}

// --- log-start-offset

constexpr LogStart kStart{Offset(1702), Offset(1700)};

TEST(StartFileTest, HasTheLayoutOfItsFormat) {
  const Bytes bytes = encode_start(identity_of(7), kStart);
  ASSERT_EQ(bytes.size(), 4160U);
  const ByteView copy = ByteView(bytes).first(64);
  EXPECT_EQ(as_text(copy.first(8)), "FLUXSTRT");
  EXPECT_EQ(at<std::uint32_t>(copy, 8), 1U);
  EXPECT_EQ(at<std::int32_t>(copy, 12), 7);
  EXPECT_EQ(at<std::uint64_t>(copy, 16), kTopic.high);
  EXPECT_EQ(at<std::uint64_t>(copy, 24), kTopic.low);
  EXPECT_EQ(at<std::int64_t>(copy, 32), 1702);
  EXPECT_EQ(at<std::int64_t>(copy, 40), 1700);
  EXPECT_EQ(at<std::uint64_t>(copy, 48), 0U);
  EXPECT_EQ(at<std::uint64_t>(copy, 56), hash_bytes(copy.first(56)));
  EXPECT_TRUE(equal(ByteView(bytes).subspan(4096), copy));
  for (std::size_t i = 64; i < 4096; ++i) ASSERT_EQ(bytes[i], std::byte{0}) << i;
}

TEST(StartFileTest, EitherCopyWillDoAndTheDamageIsTold) {
  const Bytes whole = encode_start(identity_of(), kStart);
  EXPECT_EQ(decode_start(identity_of(), whole)->at, kStart);
  EXPECT_FALSE(decode_start(identity_of(), whole)->damaged);
  for (std::size_t i = 0; i < 64; ++i) {
    for (const std::size_t copy : {0, 4096}) {
      Bytes bytes = whole;
      bytes[copy + i] ^= std::byte{1};
      const auto found = decode_start(identity_of(), bytes);
      ASSERT_TRUE(found.has_value()) << copy + i;
      EXPECT_EQ(found->at, kStart) << copy + i;
      EXPECT_TRUE(found->damaged) << copy + i;
    }
  }
  // Of a file that was cut.
  for (const std::size_t size : {64, 4096, 4159}) {
    const auto found = decode_start(identity_of(), ByteView(whole).first(size));
    EXPECT_TRUE(found && found->at == kStart && found->damaged) << size;
  }
  EXPECT_EQ(decode_start(identity_of(), ByteView(whole).first(63)).error(), ErrorCode::corrupt);
}

TEST(StartFileTest, OfTwoCopiesTheLaterStartCounts) {
  const LogStart later{Offset(1800), Offset(1800)};
  const Bytes old_one = encode_start(identity_of(), kStart);
  const Bytes new_one = encode_start(identity_of(), later);
  for (const bool first : {true, false}) {
    Bytes mixed = first ? new_one : old_one;
    const Bytes& second = first ? old_one : new_one;
    std::copy(second.begin() + 4096, second.end(), mixed.begin() + 4096);
    EXPECT_EQ(decode_start(identity_of(), mixed)->at, later) << first;
    EXPECT_TRUE(decode_start(identity_of(), mixed)->damaged) << first;
  }
}

TEST(StartFileTest, AnotherPartitionsOrAnImpossibleOneIsNone) {
  for (const LogIdentity& other : others()) {
    EXPECT_EQ(decode_start(identity_of(), encode_start(other, kStart)).error(), ErrorCode::corrupt);
  }
  for (const LogStart bad : {LogStart{Offset(5), Offset(-1)}, LogStart{Offset(5), Offset(6)}}) {
    EXPECT_EQ(decode_start(identity_of(), encode_start(identity_of(), bad)).error(),
              ErrorCode::corrupt);
  }
  for (const LogStart good : {LogStart{Offset(5), Offset(0)}, LogStart{Offset(5), Offset(5)}}) {
    EXPECT_EQ(decode_start(identity_of(), encode_start(identity_of(), good))->at, good);
  }
}

TEST(StartFileTest, ANewerVersionIsRefused) {
  Bytes bytes = encode_start(identity_of(), kStart);
  for (const std::size_t copy : {0, 4096}) {
    store_be<std::uint32_t>(bytes.data() + copy + 8, 2);
    sign(MutBytes(bytes).subspan(copy, 64));
  }
  EXPECT_EQ(decode_start(identity_of(), bytes).error(), ErrorCode::unsupported);
}

// --- .integrity

IntegrityEntry some_entry() {
  return {.kind = IntegrityKind::block,
          .position = 10,
          .length = 20,
          .synced_position = 9,
          .base = Offset(1705),
          .end = Offset(1709),
          .synced_offset = Offset(1704),
          .boot_id = 77,
          .digest = 88};
}

TEST(IntegrityFormatTest, AHeaderHasTheLayoutOfItsFormat) {
  const Bytes bytes = IntegrityCodec(identity_of(7), Offset(1702)).header();
  ASSERT_EQ(bytes.size(), 64U);
  EXPECT_EQ(as_text(ByteView(bytes).first(8)), "FLUXINTG");
  EXPECT_EQ(at<std::uint32_t>(bytes, 8), 1U);
  EXPECT_EQ(at<std::int32_t>(bytes, 12), 7);
  EXPECT_EQ(at<std::uint64_t>(bytes, 16), kTopic.high);
  EXPECT_EQ(at<std::uint64_t>(bytes, 24), kTopic.low);
  EXPECT_EQ(at<std::int64_t>(bytes, 32), 1702);
  EXPECT_EQ(at<std::uint64_t>(bytes, 40), 0U);
  EXPECT_EQ(at<std::uint64_t>(bytes, 48), 0U);
  EXPECT_EQ(at<std::uint64_t>(bytes, 56), hash_bytes(ByteView(bytes).first(56)));
}

TEST(IntegrityFormatTest, OnlyItsOwnHeaderChecks) {
  const IntegrityCodec codec(identity_of(), Offset(1702));
  const Bytes header = codec.header();
  EXPECT_TRUE(codec.check_header(header));
  EXPECT_EQ(codec.check_header(ByteView(header).first(63)).error(), ErrorCode::corrupt);
  for (std::size_t i = 0; i < header.size(); ++i) {
    Bytes bad = header;
    bad[i] ^= std::byte{1};
    EXPECT_EQ(codec.check_header(bad).error(), ErrorCode::corrupt) << i;
  }
  for (const LogIdentity& other : others()) {
    const Bytes its = IntegrityCodec(other, Offset(1702)).header();
    EXPECT_EQ(codec.check_header(its).error(), ErrorCode::corrupt);
  }
  const Bytes elsewhere = IntegrityCodec(identity_of(), Offset(1703)).header();
  EXPECT_EQ(codec.check_header(elsewhere).error(), ErrorCode::corrupt);
  Bytes newer = header;
  store_be<std::uint32_t>(newer.data() + 8, 2);
  sign(newer);
  EXPECT_EQ(codec.check_header(newer).error(), ErrorCode::unsupported);
}

TEST(IntegrityFormatTest, AnEntryHasTheLayoutOfItsFormat) {
  Bytes bytes(3);
  IntegrityCodec(identity_of(7), Offset(1702)).append_entry(bytes, 5, some_entry());
  bytes.erase(bytes.begin(), bytes.begin() + 3);
  ASSERT_EQ(bytes.size(), 64U);
  EXPECT_EQ(at<std::uint32_t>(bytes, 0), 1U << 24);
  EXPECT_EQ(at<std::uint32_t>(bytes, 4), 10U);
  EXPECT_EQ(at<std::uint32_t>(bytes, 8), 20U);
  EXPECT_EQ(at<std::uint32_t>(bytes, 12), 9U);
  EXPECT_EQ(at<std::int64_t>(bytes, 16), 1705);
  EXPECT_EQ(at<std::int64_t>(bytes, 24), 1709);
  EXPECT_EQ(at<std::int64_t>(bytes, 32), 1704);
  EXPECT_EQ(at<std::uint64_t>(bytes, 40), 77U);
  EXPECT_EQ(at<std::uint64_t>(bytes, 48), 88U);
  std::uint64_t key = 0;
  for (const std::uint64_t part :
       {kTopic.high, kTopic.low, std::uint64_t{7}, std::uint64_t{1702}, std::uint64_t{5}}) {
    key = combine64(key, part);
  }
  EXPECT_EQ(at<std::uint64_t>(bytes, 56), hash_bytes(ByteView(bytes).first(56), key));
}

TEST(IntegrityFormatTest, AnEntryChecksInItsPlaceAlone) {
  const IntegrityCodec codec(identity_of(), Offset(1702));
  for (const IntegrityKind kind : {IntegrityKind::block, IntegrityKind::mark}) {
    IntegrityEntry entry = some_entry();
    entry.kind = kind;
    Bytes bytes;
    codec.append_entry(bytes, 5, entry);
    EXPECT_EQ(codec.entry(bytes, 5), entry);
    EXPECT_FALSE(codec.entry(bytes, 6));
    EXPECT_FALSE(codec.entry(ByteView(bytes).first(63), 5));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      Bytes bad = bytes;
      bad[i] ^= std::byte{1};
      EXPECT_FALSE(codec.entry(bad, 5)) << i;
    }
    for (const LogIdentity& other : others()) {
      EXPECT_FALSE(IntegrityCodec(other, Offset(1702)).entry(bytes, 5));
    }
    EXPECT_FALSE(IntegrityCodec(identity_of(), Offset(1703)).entry(bytes, 5));
  }
  // Of no kind that is known, though it checks.
  for (const int kind : {0, 3}) {
    IntegrityEntry entry = some_entry();
    entry.kind = static_cast<IntegrityKind>(kind);
    Bytes bytes;
    codec.append_entry(bytes, 5, entry);
    EXPECT_FALSE(codec.entry(bytes, 5)) << kind;
  }
}

// Two batches at the offsets [10, 12) and [12, 14), and the entry that names them.
struct Block {
  Block() {
    for (const std::int64_t base : {10, 12}) {
      Bytes batch = test::make_batch("x", {.records = 2});
      record::set_base_offset(batch, Offset(base));
      append(bytes, batch);
      batch_bytes = static_cast<std::uint32_t>(batch.size());
    }
    entry.base = Offset(10);
    entry.end = Offset(14);
    entry.length = static_cast<std::uint32_t>(bytes.size());
    entry.digest = digest_from(entry.base);
  }
  std::uint64_t digest_from(Offset base) const {
    const ByteView both = bytes;
    const std::uint64_t digest =
        IntegrityCodec::extend_digest(codec.begin_digest(base), both.first(batch_bytes));
    return IntegrityCodec::extend_digest(digest, both.subspan(batch_bytes));
  }

  IntegrityCodec codec{identity_of(), Offset(0)};
  Bytes bytes;
  std::uint32_t batch_bytes = 0;
  IntegrityEntry entry;
};

TEST(IntegrityFormatTest, ABlocksDigestIsThatOfItsBatchesInTurn) {
  const Block block;
  std::uint64_t digest = 1;
  for (const std::uint64_t part : {kTopic.high, kTopic.low, std::uint64_t{0}, std::uint64_t{10}}) {
    digest = combine64(digest, part);
  }
  digest = hash_bytes(ByteView(block.bytes).first(block.batch_bytes), digest);
  digest = hash_bytes(ByteView(block.bytes).subspan(block.batch_bytes), digest);
  EXPECT_EQ(block.entry.digest, digest);
  EXPECT_TRUE(block.codec.verify_block(block.bytes, block.entry));
}

TEST(IntegrityFormatTest, ABlockIsWhatItsEntryNamesInEverything) {
  const Block block;
  const auto fits = [&](const IntegrityEntry& entry) {
    return block.codec.verify_block(block.bytes, entry);
  };
  IntegrityEntry bad = block.entry;
  ++bad.digest;
  EXPECT_FALSE(fits(bad));
  bad = block.entry;
  ++bad.length;
  EXPECT_FALSE(fits(bad));
  bad = block.entry;
  bad.end = Offset(15);
  EXPECT_FALSE(fits(bad));
  bad = block.entry;
  bad.base = Offset(9);
  bad.digest = block.digest_from(bad.base);
  EXPECT_FALSE(fits(bad));
  // No batch, and a part of one.
  bad = block.entry;
  bad.length = 0;
  bad.end = bad.base;
  bad.digest = block.codec.begin_digest(bad.base);
  EXPECT_FALSE(block.codec.verify_block({}, bad));
  bad = block.entry;
  --bad.length;
  EXPECT_FALSE(block.codec.verify_block(ByteView(block.bytes).first(bad.length), bad));
}

}  // namespace
}  // namespace flux::log
