// Where leader epochs begin, and the two text files that Kafka's tools read.
#include "core/log/epochs.h"

#include <gtest/gtest.h>

namespace flux::log {
namespace {

Epochs epochs(std::initializer_list<std::pair<std::int32_t, std::int64_t>> starts) {
  Epochs out;
  for (const auto& [epoch, start] : starts) {
    EXPECT_TRUE(out.assign(LeaderEpoch(epoch), Offset(start)));
  }
  return out;
}

TEST(EpochsTest, OnlyANewerEpochIsNews) {
  Epochs known = epochs({{0, 0}, {3, 10}});
  EXPECT_FALSE(known.assign(LeaderEpoch(3), Offset(20)));
  EXPECT_FALSE(known.assign(LeaderEpoch(2), Offset(20)));
  EXPECT_EQ(known, epochs({{0, 0}, {3, 10}}));
  EXPECT_TRUE(known.assign(LeaderEpoch(4), Offset(20)));
  EXPECT_EQ(known.latest(), LeaderEpoch(4));
  EXPECT_EQ(Epochs().latest(), kNoLeaderEpoch);
}

TEST(EpochsTest, AnOlderEpochThatBeganNoEarlierGoes) {
  Epochs known = epochs({{0, 0}, {3, 10}, {4, 20}});
  EXPECT_TRUE(known.assign(LeaderEpoch(7), Offset(10)));
  EXPECT_EQ(known, epochs({{0, 0}, {7, 10}}));
}

TEST(EpochsTest, TheEpochOfTheStartStays) {
  Epochs known = epochs({{0, 0}, {3, 10}, {4, 20}});
  known.cut_before(Offset(9));
  EXPECT_EQ(known, epochs({{0, 9}, {3, 10}, {4, 20}}));
  known.cut_before(Offset(10));
  EXPECT_EQ(known, epochs({{3, 10}, {4, 20}}));
  known.cut_before(Offset(100));
  EXPECT_EQ(known, epochs({{4, 100}}));
  Epochs none;
  none.cut_before(Offset(5));
  EXPECT_TRUE(none.entries().empty());
}

TEST(EpochsTest, AnEpochEndsWhereTheNextBegins) {
  const Epochs known = epochs({{1, 0}, {3, 10}});
  const Offset end(30);
  EXPECT_FALSE(known.end_of(LeaderEpoch(0), end));
  EXPECT_EQ(known.end_of(LeaderEpoch(1), end), (EpochStart{LeaderEpoch(1), Offset(10)}));
  EXPECT_EQ(known.end_of(LeaderEpoch(2), end), (EpochStart{LeaderEpoch(1), Offset(10)}));
  EXPECT_EQ(known.end_of(LeaderEpoch(3), end), (EpochStart{LeaderEpoch(3), end}));
  EXPECT_EQ(known.end_of(LeaderEpoch(9), end), (EpochStart{LeaderEpoch(3), end}));
}

TEST(EpochsTest, ItsFileIsReadAsItIsWritten) {
  const Epochs known = epochs({{0, 0}, {3, 1702}});
  EXPECT_EQ(known.to_text(), "0\n2\n0 0\n3 1702\n");
  EXPECT_EQ(*Epochs::parse(known.to_text()), known);
  EXPECT_EQ(*Epochs::parse(Epochs().to_text()), Epochs());
}

TEST(EpochsTest, AFileThatCannotBeRightIsRefused) {
  for (const char* text : {
           "", "0\n",
           "1\n0\n",                // a newer version
           "0\nx\n",                // no number
           "0\n0",                  // a line without its end
           "0\n1\n",                // fewer entries than said
           "0\n1\n0 0\n3 5\n",      // more
           "0\n1\n0 0\n\n",         //
           "0\n1\n00\n",            // one number
           "0\n1\nx 0\n",           //
           "0\n1\n0 x\n",           //
           "0\n1\n0 5x\n",          //
           "0\n1\n9999999999 0\n",  // of too many bits
           "0\n1\n-1 0\n",          //
           "0\n1\n0 -1\n",          //
           "0\n2\n3 0\n3 5\n",      // that do not ascend
           "0\n2\n3 5\n4 5\n",      //
       }) {
    const auto parsed = Epochs::parse(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().code(), ErrorCode::corrupt) << text;
  }
}

TEST(PartitionMetadataTest, IsReadAsItIsWrittenAndAsKafkaWritesIt) {
  const Uuid id{0x1122334455667788, 0x99AABBCCDDEEFF00};
  const std::string text = partition_metadata_text(id);
  EXPECT_EQ(text, "version: 0\ntopic_id: " + id.to_string());
  EXPECT_EQ(*parse_partition_metadata(text), id);
  EXPECT_EQ(*parse_partition_metadata(text + "\n"), id);
  EXPECT_FALSE(parse_partition_metadata("version: 1\ntopic_id: " + id.to_string()));
  EXPECT_FALSE(parse_partition_metadata("version: 0\ntopic_ix: " + id.to_string()));
}

}  // namespace
}  // namespace flux::log
