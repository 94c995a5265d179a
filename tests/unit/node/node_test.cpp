// A node in a simulated world: what clients get from it, over restarts, power cuts and trouble with
// its disk.

#include "tests/node_support/node_test.h"

namespace flux::test {
namespace {

TEST_F(NodeTest, ProducesAndConsumes) {
  start_node();
  ASSERT_TRUE(ready) << start_error;
  with_client([&](env::Task& task, client::Client& client) {
    client::Admin admin(client);
    ASSERT_TRUE(admin.create_topic(task, {.name = "t", .partitions = 2}).ok());
    EXPECT_EQ(admin.create_topic(task, {.name = "t"}).wire, kafka::WireError::topic_already_exists);
    const auto cluster = admin.describe_cluster(task);
    ASSERT_TRUE(cluster);
    EXPECT_EQ(cluster->brokers.size(), 1U);
    for (int i = 0; i < 20; ++i) {
      const auto result = produce(task, client, "t", "v" + std::to_string(i));
      EXPECT_EQ(result.fate, client::Fate::acknowledged);
      EXPECT_EQ(result.offset, Offset(i));
    }
    const auto values = consume(task, client, "t");
    ASSERT_EQ(values.size(), 20U);
    EXPECT_EQ(values[7], "v7");
  });
  EXPECT_TRUE(stop_node());
}

TEST_F(NodeTest, KeepsAcknowledgedRecordsOverKillsAndPowerCuts) {
  std::size_t sent = 0;
  for (const sim::Exit exit : {sim::Exit::killed, sim::Exit::power_cut, sim::Exit::power_cut}) {
    start_node();
    ASSERT_TRUE(ready) << start_error;
    with_client([&](env::Task& task, client::Client& client) {
      ensure_topic(task, client, "t");
      for (int i = 0; i < 10; ++i) {
        const auto result = produce(task, client, "t", "v" + std::to_string(sent));
        ASSERT_EQ(result.fate, client::Fate::acknowledged);
        ++sent;
      }
    });
    end_node(exit);
  }
  start_node();
  ASSERT_TRUE(ready) << start_error;
  with_client([&](env::Task& task, client::Client& client) {
    const auto values = consume(task, client, "t");
    ASSERT_EQ(values.size(), sent);
    for (std::size_t i = 0; i < sent; ++i) EXPECT_EQ(values[i], "v" + std::to_string(i));
    const auto topic = client::Admin(client).describe_topic(task, "t");
    ASSERT_TRUE(topic);
    // Each start begins a new leader epoch.
    EXPECT_EQ(topic->partitions[0].leader_epoch, LeaderEpoch(3));
  });
}

TEST_F(NodeTest, ADeletedTopicIsGoneAndANewOneIsEmpty) {
  start_node();
  ASSERT_TRUE(ready) << start_error;
  with_client([&](env::Task& task, client::Client& client) {
    client::Admin admin(client);
    for (int round = 0; round < 3; ++round) {
      ASSERT_TRUE(admin.create_topic(task, {.name = "t", .partitions = 1}).ok());
      EXPECT_EQ(produce(task, client, "t", "x").offset, Offset(0));
      ASSERT_TRUE(admin.delete_topic(task, "t").ok());
      ASSERT_TRUE(client.refresh(task, {}, true));
    }
  });
  pass(seconds(1));
  end_node(sim::Exit::power_cut);
  start_node();
  ASSERT_TRUE(ready) << start_error;
  with_client([&](env::Task& task, client::Client& client) {
    const auto topics = client::Admin(client).list_topics(task);
    ASSERT_TRUE(topics);
    EXPECT_TRUE(topics->empty());
  });
}

TEST_F(NodeTest, AHungDiskTimesOutAndTheRestLives) {
  settings = "flux.disk.patience.ms=500\n";
  start_node();
  ASSERT_TRUE(ready) << start_error;
  with_client([&](env::Task& task, client::Client& client) {
    ensure_topic(task, client, "t");
    ASSERT_EQ(produce(task, client, "t", "before").fate, client::Fate::acknowledged);
  });
  machine.hang();
  with_stream([&](env::Task& task, RawClient& raw) {
    auto metadata = raw.call<kafka::MetadataResponse>(task, kafka::MetadataRequest{}, 9);
    ASSERT_TRUE(metadata) << metadata.error().to_string();
    EXPECT_EQ(metadata->topics.size(), 1U);
    kafka::CreateTopicsRequest create;
    create.topics.push_back({.name = "u", .num_partitions = 1, .replication_factor = 1});
    create.timeout_ms = 300;
    auto created = raw.call<kafka::CreateTopicsResponse>(task, create, 5);
    ASSERT_TRUE(created) << created.error().to_string();
    EXPECT_EQ(created->topics[0].error, kafka::WireError::request_timed_out);
  });
  with_client([&](env::Task& task, client::Client& client) {
    const auto late = produce(task, client, "t", "during",
                              {.idempotent = false,
                               .retries = 0,
                               .delivery_timeout = seconds(5),
                               .ack_timeout = milliseconds(300)});
    EXPECT_EQ(late.fate, client::Fate::unknown);
  });
  machine.resume();
  with_client([&](env::Task& task, client::Client& client) {
    EXPECT_EQ(produce(task, client, "t", "after").fate, client::Fate::acknowledged);
    const auto values = consume(task, client, "t");
    EXPECT_EQ(values.front(), "before");
    EXPECT_EQ(values.back(), "after");
  });
  EXPECT_TRUE(stop_node());
}

TEST_F(NodeTest, AFullDiskIsForOneRequestAndPasses) {
  start_node();
  ASSERT_TRUE(ready) << start_error;
  with_client([&](env::Task& task, client::Client& client) {
    ensure_topic(task, client, "t");
    ASSERT_EQ(produce(task, client, "t", "before").fate, client::Fate::acknowledged);
  });
  const std::uint64_t capacity = machine.habits().limits.capacity_bytes;
  machine.habits().limits.capacity_bytes = 1;
  with_stream([&](env::Task& task, RawClient& raw) {
    kafka::CreateTopicsRequest create;
    create.topics.push_back({.name = "u", .num_partitions = 500, .replication_factor = 1});
    auto created = raw.call<kafka::CreateTopicsResponse>(task, create, 5);
    ASSERT_TRUE(created) << created.error().to_string();
    EXPECT_EQ(created->topics[0].error, kafka::WireError::kafka_storage_error);
  });
  with_client([&](env::Task& task, client::Client& client) {
    const auto full = produce(task, client, "t", std::string(100'000, 'x'),
                              {.idempotent = false, .retries = 0, .delivery_timeout = seconds(2)});
    EXPECT_NE(full.fate, client::Fate::acknowledged);
    EXPECT_EQ(consume(task, client, "t"), std::vector<std::string>{"before"});
  });
  machine.habits().limits.capacity_bytes = capacity;
  pass(seconds(2));
  with_client([&](env::Task& task, client::Client& client) {
    EXPECT_EQ(produce(task, client, "t", "after").fate, client::Fate::acknowledged);
    EXPECT_EQ(consume(task, client, "t"), (std::vector<std::string>{"before", "after"}));
    EXPECT_TRUE(client::Admin(client).create_topic(task, {.name = "u"}).ok());
  });
  EXPECT_TRUE(stop_node());
}

TEST_F(NodeTest, AFailedSyncIsNotAcknowledgedAndTheLogComesBack) {
  ASSERT_NO_FATAL_FAILURE(start_and_lose_a_log());
  pass(seconds(2));
  with_client([&](env::Task& task, client::Client& client) {
    EXPECT_EQ(produce(task, client, "t", "after").fate, client::Fate::acknowledged);
    const auto values = consume(task, client, "t");
    EXPECT_EQ(values.front(), "before");
    EXPECT_EQ(values.back(), "after");
    const auto topic = client::Admin(client).describe_topic(task, "t");
    ASSERT_TRUE(topic);
    EXPECT_EQ(topic->partitions[0].leader_epoch, LeaderEpoch(1));
  });
}

TEST_F(NodeTest, RefusesAnotherNodesDirectory) {
  start_node();
  ASSERT_TRUE(ready) << start_error;
  ASSERT_TRUE(stop_node());
  settings = "node.id=2\n";
  start_node();
  EXPECT_FALSE(ready);
  EXPECT_NE(start_error.find("belongs to node.id=1"), std::string::npos) << start_error;
}

TEST_F(NodeTest, PageCacheTopicsAcknowledgeWithoutASync) {
  settings = "log.flux.durability=page-cache\n";
  start_node();
  ASSERT_TRUE(ready) << start_error;
  with_client([&](env::Task& task, client::Client& client) {
    ensure_topic(task, client, "t");
    for (int i = 0; i < 5; ++i) {
      ASSERT_EQ(produce(task, client, "t", "v" + std::to_string(i)).fate,
                client::Fate::acknowledged);
    }
    EXPECT_EQ(consume(task, client, "t").size(), 5U);
  });
  end_node(sim::Exit::killed);  // the page cache stays
  start_node();
  ASSERT_TRUE(ready) << start_error;
  with_client([&](env::Task& task, client::Client& client) {
    EXPECT_EQ(consume(task, client, "t").size(), 5U);
  });
}

}  // namespace
}  // namespace flux::test
