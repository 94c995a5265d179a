// The sparse indexes (docs/formats/log.md): what an entry is, what is found by it, and what a file
// may not say.
#include "core/log/index.h"

#include <gtest/gtest.h>

#include "tests/support/log_kit.h"

namespace flux::log {
namespace {

using record::Timestamp;

// Of 32-bit integers.
Bytes row(std::initializer_list<std::int32_t> values) {
  Bytes out;
  for (const std::int32_t value : values) {
    out.resize(out.size() + 4);
    store_be(out.data() + out.size() - 4, value);
  }
  return out;
}

TEST(OffsetIndexTest, LeadsToTheLastEntryAtOrBefore) {
  OffsetIndex index;
  EXPECT_EQ(index.position_for(5), 0U);
  EXPECT_EQ(index.batch_before(500), 0U);
  index.add(3, 100);
  index.add(9, 400);
  EXPECT_EQ(index.position_for(2), 0U);
  EXPECT_EQ(index.position_for(3), 100U);
  EXPECT_EQ(index.position_for(8), 100U);
  EXPECT_EQ(index.position_for(9), 400U);
  EXPECT_EQ(index.position_for(INT64_MAX), 400U);
  EXPECT_EQ(index.batch_before(99), 0U);
  EXPECT_EQ(index.batch_before(100), 100U);
  EXPECT_EQ(index.batch_before(399), 100U);
  EXPECT_EQ(index.batch_before(400), 400U);
}

TEST(OffsetIndexTest, HasKafkasLayout) {
  OffsetIndex index;
  index.add(0, 0);  // what the first batch of a segment may have
  index.add(3, 100);
  const Bytes bytes = row({0, 0, 3, 100});
  EXPECT_EQ(index.encode(), bytes);
  EXPECT_EQ(index.bytes(), bytes.size());
  EXPECT_EQ(*OffsetIndex::decode(bytes, 101), index);
}

TEST(OffsetIndexTest, AFileThatCannotBeRightIsRefused) {
  const auto refused = [](const Bytes& bytes) {
    const auto decoded = OffsetIndex::decode(bytes, 101);
    return !decoded && decoded.error() == ErrorCode::corrupt;
  };
  EXPECT_TRUE(refused(row({3})));
  EXPECT_TRUE(refused(row({-1, 100})));
  EXPECT_TRUE(refused(row({3, -1})));
  EXPECT_TRUE(refused(row({3, 101})));  // where the segment ends
  EXPECT_TRUE(refused(row({3, 50, 3, 60})));
  EXPECT_TRUE(refused(row({3, 50, 4, 50})));
  EXPECT_TRUE(refused(row({3, 50, 2, 60})));
  EXPECT_FALSE(refused(row({3, 50, 4, 60})));
}

TEST(TimeIndexTest, LeadsToWhereAllBeforeIsEarlier) {
  TimeIndex index;
  EXPECT_EQ(index.offset_for(Timestamp(5)), 0);
  index.add(Timestamp(10), 5);
  index.add(Timestamp(20), 9);
  EXPECT_EQ(index.offset_for(Timestamp(10)), 0);
  EXPECT_EQ(index.offset_for(Timestamp(11)), 5);
  EXPECT_EQ(index.offset_for(Timestamp(20)), 5);
  EXPECT_EQ(index.offset_for(Timestamp(21)), 9);
}

TEST(TimeIndexTest, TakesNothingThatDoesNotAscend) {
  TimeIndex index;
  index.add(Timestamp(10), 5);
  index.add(Timestamp(10), 6);
  index.add(Timestamp(9), 7);
  index.add(Timestamp(11), 5);
  EXPECT_EQ(index.entries().size(), 1U);
  index.add(Timestamp(11), 6);
  EXPECT_EQ(index.entries().size(), 2U);
}

TEST(TimeIndexTest, HasKafkasLayout) {
  TimeIndex index;
  index.add(Timestamp(-1), 0);
  index.add(Timestamp((std::int64_t{7} << 32) + 8), 9);
  const Bytes bytes = row({-1, -1, 0, 7, 8, 9});
  EXPECT_EQ(index.encode(), bytes);
  EXPECT_EQ(index.bytes(), bytes.size());
  EXPECT_EQ(*TimeIndex::decode(bytes), index);
}

TEST(TimeIndexTest, AFileThatCannotBeRightIsRefused) {
  const auto refused = [](const Bytes& bytes) {
    const auto decoded = TimeIndex::decode(bytes);
    return !decoded && decoded.error() == ErrorCode::corrupt;
  };
  EXPECT_TRUE(refused(row({0, 5})));
  EXPECT_TRUE(refused(row({0, 5, -1})));
  EXPECT_TRUE(refused(row({0, 5, 3, 0, 5, 4})));
  EXPECT_TRUE(refused(row({0, 5, 3, 0, 6, 3})));
  EXPECT_FALSE(refused(row({0, 5, 3, 0, 6, 4})));
}

// Ten batches of three records, of equal size; the second and the third have the largest times.
TEST(IndexerTest, MakesAnEntryAfterEachIntervalOfBytes) {
  const Offset segment_base(1000);
  Indexer indexer;
  std::uint32_t position = 0;
  std::uint32_t size = 0;
  for (std::int64_t i = 0; i < 10; ++i) {
    Bytes bytes = test::make_batch("x", {.records = 3});
    const std::int64_t time = i == 1 || i == 2 ? 500 : 100 + i;
    record::set_max_timestamp(bytes, Timestamp(time));
    record::set_base_offset(bytes, segment_base + i * 3);
    size = static_cast<std::uint32_t>(bytes.size());
    indexer.add(*record::BatchView::first_of(bytes), size, position, segment_base, 2 * size);
    position += size;
  }
  // When more than that many bytes were added since the last one.
  const auto at = [&](int batch) {
    return OffsetIndex::Entry{batch * 3 + 2, static_cast<std::int32_t>(size) * batch};
  };
  EXPECT_EQ(indexer.offsets.entries(), (std::vector{at(3), at(6), at(9)}));
  // The largest time so far, and the first batch that has it.
  EXPECT_EQ(indexer.times.entries(), (std::vector{TimeIndex::Entry{Timestamp(500), 5}}));
  EXPECT_EQ(indexer.first_timestamp, Timestamp(100));
  EXPECT_EQ(indexer.max_timestamp, Timestamp(500));
  EXPECT_EQ(indexer.bytes_since_entry, size);
}

TEST(IndexerTest, EndsTheTimeIndexWithTheLargestTime) {
  Indexer indexer;
  const Bytes bytes = test::make_batch("x", {.records = 3, .timestamp = 70});
  const auto size = static_cast<std::uint32_t>(bytes.size());
  indexer.add(*record::BatchView::first_of(bytes), size, 0, Offset(0), 1000);
  EXPECT_TRUE(indexer.times.entries().empty());
  indexer.finish();
  EXPECT_EQ(indexer.times.entries(), (std::vector{TimeIndex::Entry{Timestamp(72), 2}}));
}

}  // namespace
}  // namespace flux::log
