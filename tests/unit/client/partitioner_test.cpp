// Kafka's own values of its hash, and the ways of records without a key.
#include "net/client/partitioner.h"

#include <set>

#include <gtest/gtest.h>

namespace flux::client {
namespace {

class CountingRandom final : public env::Random {
 public:
  std::uint64_t draw(Key key, std::uint64_t bound) override { return key.value % bound; }
  std::uint64_t draw_u64(Key key) override { return key.value; }
};

TopicInfo topic_of(int partitions) {
  TopicInfo topic{.name = "t"};
  for (int i = 0; i < partitions; ++i) {
    topic.partitions.push_back({.index = PartitionIndex(i), .leader = NodeId(1)});
  }
  return topic;
}

TEST(Partitioner, HashIsThatOfKafka) {
  EXPECT_EQ(murmur2(as_bytes("21")), -973932308);
  EXPECT_EQ(murmur2(as_bytes("foobar")), -790332482);
  EXPECT_EQ(murmur2(as_bytes("a-little-bit-long-string")), -985981536);
  EXPECT_EQ(murmur2(as_bytes("a-little-bit-longer-string")), -1486304829);
  EXPECT_EQ(murmur2(as_bytes("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")), -58897971);
  EXPECT_EQ(murmur2(as_bytes("abc")), 479470107);
}

TEST(Partitioner, OneKeyOnePartition) {
  const TopicInfo topic = topic_of(7);
  EXPECT_EQ(Partitioner::for_key(as_bytes("abc"), topic), PartitionIndex(479470107 % 7));
  EXPECT_EQ(Partitioner::for_key(as_bytes("21"), topic),
            PartitionIndex((-973932308 & 0x7FFFFFFF) % 7));
}

TEST(Partitioner, StaysUntilToldToMoveAndAvoidsLeaderless) {
  CountingRandom random;
  Partitioner partitioner(random, key("p"));
  TopicInfo topic = topic_of(5);
  topic.partitions[2].leader = kNoNode;
  std::set<PartitionIndex> met;
  for (int i = 0; i < 50; ++i) {
    const PartitionIndex at = partitioner.without_key(topic);
    EXPECT_EQ(partitioner.without_key(topic), at);
    met.insert(at);
    partitioner.move_on("t", at);
  }
  EXPECT_FALSE(met.contains(PartitionIndex(2)));
  EXPECT_EQ(met.size(), 4u);
}

}  // namespace
}  // namespace flux::client
