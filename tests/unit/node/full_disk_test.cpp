// A node on a disk without a free byte: it takes what makes room, and no records until there is
// some.

#include "tests/node_support/node_test.h"

namespace flux::test {
namespace {

constexpr client::ProducerConfig kOnce{
    .idempotent = false, .retries = 0, .delivery_timeout = seconds(5)};

class FullDiskTest : public NodeTest {
 protected:
  FullDiskTest() {
    settings =
        "log.initial.task.delay.ms=50\n"
        "log.retention.check.interval.ms=200\n"
        "log.segment.delete.delay.ms=0\n";
  }
  // Not even a name has room any more.
  void fill_disk() {
    const env::Space space = machine.image().space(world.now());
    machine.habits().limits.capacity_bytes = space.total_bytes - space.free_bytes;
  }
  // Two topics, "t" of small segments and "large", of 200 KB each.
  void start_with_topics() {
    start_node();
    ASSERT_TRUE(ready) << start_error;
    with_client([&](env::Task& task, client::Client& client) {
      client::Admin admin(client);
      ASSERT_TRUE(admin
                      .create_topic(task, {.name = "t",
                                           .partitions = 1,
                                           .config = {{"internal.segment.bytes", "60000"}}})
                      .ok());
      ensure_topic(task, client, "large");
      for (const char* topic : {"t", "large"}) {
        for (int i = 0; i < 8; ++i) {
          ASSERT_EQ(produce(task, client, topic, std::string(50'000, 'a')).fate,
                    client::Fate::acknowledged);
        }
      }
    });
  }
  // Of three that are sent.
  std::size_t records_taken() {
    std::size_t out = 0;
    with_client([&](env::Task& task, client::Client& client) {
      for (int i = 0; i < 3; ++i) {
        const auto sent = produce(task, client, "t", std::string(50'000, 'b'), kOnce);
        out += sent.fate == client::Fate::acknowledged ? 1U : 0U;
      }
    });
    return out;
  }
  static client::DeletedRecords delete_before(env::Task& task, client::Client& client,
                                              const std::string& topic, Offset to) {
    const TopicPartition at{topic, PartitionIndex(0)};
    return client::Admin(client).delete_records(task, {{at, to}}).at(at);
  }
};

TEST_F(FullDiskTest, TakesDeletionsAndMetadataAndGoesOnWhenTheyMadeRoom) {
  ASSERT_NO_FATAL_FAILURE(start_with_topics());
  fill_disk();
  EXPECT_EQ(records_taken(), 1U);  // that finds the disk full
  with_client([&](env::Task& task, client::Client& client) {
    client::Admin admin(client);
    // The front of this log never moved: where it starts takes a file.
    const auto deleted = delete_before(task, client, "t", Offset(1));
    EXPECT_EQ(deleted.start, Offset(1)) << deleted.error->to_string();
    EXPECT_TRUE(admin.create_topic(task, {.name = "new", .partitions = 100}).ok());
    EXPECT_TRUE(admin
                    .alter_config(task, {.kind = client::ConfigTarget::Kind::topic, .name = "t"},
                                  {{.name = "retention.ms", .value = "100000000"}})
                    .ok());
    EXPECT_EQ(consume(task, client, "t").size(), 8U);
  });
  EXPECT_EQ(records_taken(), 0U);
  with_client([&](env::Task& task, client::Client& client) {
    EXPECT_TRUE(client::Admin(client).delete_topic(task, "large").ok());
  });
  pass(seconds(3));  // what it held is free now, and no byte more
  with_client([&](env::Task& task, client::Client& client) {
    EXPECT_EQ(produce(task, client, "t", "after", kOnce).fate, client::Fate::acknowledged);
  });
  EXPECT_TRUE(stop_node());
}

TEST_F(FullDiskTest, StartsAndRetentionMakesRoom) {
  ASSERT_NO_FATAL_FAILURE(start_with_topics());
  with_client([&](env::Task& task, client::Client& client) {
    EXPECT_TRUE(client::Admin(client).create_topic(task, {.name = "old", .partitions = 300}).ok());
  });
  fill_disk();
  for (const sim::Exit exit : {sim::Exit::killed, sim::Exit::power_cut}) {
    end_node(exit);
    start_node();
    ASSERT_TRUE(ready) << start_error;
    EXPECT_EQ(records_taken(), 0U);
  }
  with_client([&](env::Task& task, client::Client& client) {
    EXPECT_EQ(consume(task, client, "t").size(), 8U);
    EXPECT_TRUE(client::Admin(client)
                    .alter_config(task, {.kind = client::ConfigTarget::Kind::topic, .name = "t"},
                                  {{.name = "retention.bytes", .value = "1"}})
                    .ok());
  });
  pass(seconds(5));
  with_client([&](env::Task& task, client::Client& client) {
    EXPECT_EQ(consume(task, client, "t").size(), 1U);
    EXPECT_EQ(produce(task, client, "t", "after", kOnce).fate, client::Fate::acknowledged);
  });
  EXPECT_TRUE(stop_node());
}

TEST_F(FullDiskTest, ADiskThatHasNoRoomForTheReserveIsFull) {
  machine.habits().limits.capacity_bytes = broker::kReserveBytes;
  start_node();
  ASSERT_TRUE(ready) << start_error;
  with_client([&](env::Task& task, client::Client& client) {
    ensure_topic(task, client, "t");
    EXPECT_NE(produce(task, client, "t", "early", kOnce).fate, client::Fate::acknowledged);
  });
  machine.habits().limits.capacity_bytes = 2 * broker::kReserveBytes;
  pass(seconds(2));
  with_client([&](env::Task& task, client::Client& client) {
    EXPECT_EQ(produce(task, client, "t", "late", kOnce).fate, client::Fate::acknowledged);
  });
  EXPECT_TRUE(stop_node());
}

}  // namespace
}  // namespace flux::test
