// Metadata records and Kafka's bytes: there and back, and one written down by hand.

#include <gtest/gtest.h>

#include "net/node/kafka_record_codec.h"

namespace flux::node {
namespace {

using namespace controller;  // the records

TEST(KafkaRecordCodec, ThereAndBack) {
  const KafkaRecordCodec codec;
  const std::vector<NodeId> nodes{NodeId(1), NodeId(2)};
  const std::vector<Record> records{
      FeatureLevelRecord{"metadata.version", 30},
      RegisterBrokerRecord{.broker = NodeId(1),
                           .incarnation = {1, 2},
                           .broker_epoch = 7,
                           .endpoints = {{"PLAINTEXT", "host", 9092, 0}},
                           .features = {{"metadata.version", 7, 30}},
                           .rack = "r1",
                           .fenced = false,
                           .directories = {{3, 4}}},
      TopicRecord{"orders", {5, 6}},
      PartitionRecord{.partition = PartitionIndex(3),
                      .topic = {5, 6},
                      .replicas = nodes,
                      .isr = nodes,
                      .leader = NodeId(2),
                      .leader_epoch = LeaderEpoch(4),
                      .partition_epoch = 9,
                      .directories = {{3, 4}, {7, 8}}},
      PartitionChangeRecord{.partition = PartitionIndex(3), .topic = {5, 6}, .leader = NodeId(1)},
      PartitionChangeRecord{.partition = PartitionIndex(3), .topic = {5, 6}, .isr = nodes},
      ConfigRecord{{ConfigResourceKind::topic, "orders"}, "retention.ms", "1"},
      ConfigRecord{{ConfigResourceKind::broker, ""}, "num.partitions", std::nullopt},
      ProducerIdsRecord{.broker = NodeId(1), .broker_epoch = 7, .next = ProducerId(1000)},
      RemoveTopicRecord{{5, 6}},
      NoOpRecord{},
  };
  for (const Record& record : records) {
    const auto bytes = codec.encode(record);
    ASSERT_TRUE(bytes) << record.index();
    const auto back = codec.decode(*bytes);
    ASSERT_TRUE(back) << back.error().to_string();
    EXPECT_EQ(*back, record) << record.index();
    Bytes longer = *bytes;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(codec.decode(longer));
    for (std::size_t size = 0; size < bytes->size(); ++size) {
      EXPECT_FALSE(codec.decode(ByteView(*bytes).first(size))) << record.index();
    }
  }
}

TEST(KafkaRecordCodec, WritesKafkasFrame) {
  // Frame version 1, type 12, version 0; then the name as a compact string, the level, no tags.
  const auto bytes = KafkaRecordCodec().encode(FeatureLevelRecord{"metadata.version", 30});
  ASSERT_TRUE(bytes);
  EXPECT_EQ(as_text(*bytes), std::string_view("\x01\x0c\x00\x11metadata.version\x00\x1e\x00", 23));
}

TEST(KafkaRecordCodec, RefusesWhatItDoesNotKnow) {
  const auto unknown = KafkaRecordCodec().decode(as_bytes(std::string_view("\x01\x63\x00", 3)));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), ErrorCode::unsupported);
}

}  // namespace
}  // namespace flux::node
