// What clients ask about partitions and groups, beside their records.

#include "core/record/batch_builder.h"
#include "net/kafka/gen/describe_groups.h"
#include "net/kafka/gen/describe_log_dirs.h"
#include "net/kafka/gen/describe_producers.h"
#include "net/kafka/gen/describe_topic_partitions.h"
#include "net/kafka/gen/list_groups.h"
#include "net/kafka/gen/list_offsets.h"
#include "net/kafka/gen/offset_for_leader_epoch.h"
#include "tests/node_support/node_test.h"

namespace flux::test {
namespace {

using kafka::WireError;

class DescribeTest : public NodeTest {
 protected:
  void SetUp() override {
    start_node();
    ASSERT_TRUE(ready) << start_error;
  }
  void make_topic(const std::string& name, std::int32_t partitions, int records = 0) {
    with_client([&](env::Task& task, client::Client& client) {
      const auto made =
          client::Admin(client).create_topic(task, {.name = name, .partitions = partitions});
      ASSERT_TRUE(made.ok());
      for (int i = 0; i < records; ++i) produce(task, client, name, "value");
    });
  }
};

kafka::OffsetForLeaderEpochRequest epoch_request(const std::string& topic, std::int32_t epoch) {
  kafka::OffsetForLeaderEpochRequest out;
  out.topics.push_back(
      {.name = topic,
       .partitions = {{.index = PartitionIndex(0), .leader_epoch = LeaderEpoch(epoch)}}});
  return out;
}

TEST_F(DescribeTest, TheEndOfAnEpoch) {
  make_topic("t", 1, 3);
  with_stream([&](env::Task& task, RawClient& raw) {
    const auto ask = [&](const kafka::OffsetForLeaderEpochRequest& request) {
      const auto answer = raw.call<kafka::OffsetForLeaderEpochResponse>(task, request, 4);
      EXPECT_TRUE(answer);
      return answer->topics[0].partitions[0];
    };
    const auto now = ask(epoch_request("t", 0));
    EXPECT_EQ(now.error, WireError::none);
    EXPECT_EQ(now.leader_epoch, LeaderEpoch(0));
    EXPECT_EQ(now.end_offset, Offset(3));
    for (const std::int32_t never : {-1, 5}) {
      const auto unknown = ask(epoch_request("t", never));
      EXPECT_EQ(unknown.error, WireError::none);
      EXPECT_EQ(unknown.leader_epoch, kNoLeaderEpoch);
      EXPECT_EQ(unknown.end_offset, Offset(-1));
    }
    EXPECT_EQ(ask(epoch_request("nobody", 0)).error, WireError::unknown_topic_or_partition);
    auto newer = epoch_request("t", 0);
    newer.topics[0].partitions[0].current_leader_epoch = LeaderEpoch(9);
    EXPECT_EQ(ask(newer).error, WireError::unknown_leader_epoch);
  });
}

TEST_F(DescribeTest, TopicsPageByPage) {
  make_topic("a", 2);
  make_topic("b", 3);
  with_stream([&](env::Task& task, RawClient& raw) {
    kafka::DescribeTopicPartitionsRequest request{.response_partition_limit = 3};
    const auto ask = [&] {
      const auto answer = raw.call<kafka::DescribeTopicPartitionsResponse>(task, request, 0);
      EXPECT_TRUE(answer) << answer.error().to_string();
      return answer.value_or(kafka::DescribeTopicPartitionsResponse{});
    };
    auto page = ask();
    ASSERT_EQ(page.topics.size(), 2U);
    EXPECT_EQ(page.topics[0].partitions.size(), 2U);
    EXPECT_EQ(page.topics[1].partitions.size(), 1U);
    EXPECT_EQ(page.topics[0].partitions[0].leader_id, NodeId(1));
    ASSERT_TRUE(page.next_cursor);
    EXPECT_EQ(page.next_cursor->topic_name, "b");
    EXPECT_EQ(page.next_cursor->partition_index, PartitionIndex(1));
    request.cursor = {.topic_name = "b", .partition_index = PartitionIndex(1)};
    page = ask();
    ASSERT_EQ(page.topics.size(), 1U);
    EXPECT_EQ(page.topics[0].partitions.size(), 2U);
    EXPECT_EQ(page.topics[0].partitions[0].index, PartitionIndex(1));
    EXPECT_FALSE(page.next_cursor);
    request = {.response_partition_limit = 2};
    request.topics = {{.name = "b"}, {.name = "a"}, {.name = "nobody"}, {.name = "no/name"}};
    page = ask();
    ASSERT_EQ(page.topics.size(), 1U);
    ASSERT_TRUE(page.next_cursor);
    EXPECT_EQ(page.next_cursor->topic_name, "b");
    EXPECT_EQ(page.next_cursor->partition_index, PartitionIndex(0));
    request.response_partition_limit = 2000;
    page = ask();
    ASSERT_EQ(page.topics.size(), 4U);
    EXPECT_EQ(page.topics[2].error, WireError::invalid_topic_exception);
    EXPECT_EQ(page.topics[3].error, WireError::unknown_topic_or_partition);
  });
}

TEST_F(DescribeTest, TheProducersOfAPartition) {
  make_topic("t", 1, 1);
  with_stream([&](env::Task& task, RawClient& raw) {
    kafka::DescribeProducersRequest request;
    request.topics.push_back({.name = "t", .partition_indexes = {PartitionIndex(0)}});
    request.topics.push_back({.name = "nobody", .partition_indexes = {PartitionIndex(0)}});
    const auto answer = raw.call<kafka::DescribeProducersResponse>(task, request, 0);
    ASSERT_TRUE(answer);
    const auto& known = answer->topics[0].partitions[0];
    ASSERT_EQ(known.active_producers.size(), 1U);
    EXPECT_EQ(known.active_producers[0].last_sequence, 0);
    EXPECT_EQ(known.active_producers[0].current_txn_start_offset, -1);
    EXPECT_EQ(answer->topics[1].partitions[0].error, WireError::unknown_topic_or_partition);
  });
}

TEST_F(DescribeTest, WhatTheDirectoryHoldsAlsoOfLogsThatAreNotOpen) {
  make_topic("t", 2, 2);
  std::int64_t bytes = 0;
  const auto ask = [&](std::optional<std::string> topic) {
    kafka::DescribeLogDirsResponse out;
    with_stream([&](env::Task& task, RawClient& raw) {
      kafka::DescribeLogDirsRequest request;
      if (topic) {
        request.topics.emplace().push_back(
            {.topic = *topic, .partitions = {PartitionIndex(0), PartitionIndex(7)}});
      }
      auto answer = raw.call<kafka::DescribeLogDirsResponse>(task, request, 5);
      ASSERT_TRUE(answer);
      const auto& directory = answer->results[0];
      EXPECT_EQ(directory.error, WireError::none);
      EXPECT_EQ(directory.log_dir, "data");
      EXPECT_GT(directory.total_bytes, 0);
      EXPECT_LE(directory.usable_bytes, directory.total_bytes);
      ASSERT_EQ(directory.topics.size(), 1U);
      EXPECT_EQ(directory.topics[0].partitions.size(), topic ? 1U : 2U);
      bytes = directory.topics[0].partitions[0].partition_size;
    });
  };
  ask(std::nullopt);
  const std::int64_t open = bytes;
  EXPECT_GT(open, 100);
  ask("t");
  EXPECT_EQ(bytes, open);
  ASSERT_TRUE(stop_node());
  start_node();
  ASSERT_TRUE(ready) << start_error;
  ask(std::nullopt);
  EXPECT_EQ(bytes, open);
}

TEST_F(DescribeTest, ThereAreNoGroups) {
  with_stream([&](env::Task& task, RawClient& raw) {
    const auto list = raw.call<kafka::ListGroupsResponse>(task, kafka::ListGroupsRequest{}, 5);
    ASSERT_TRUE(list);
    EXPECT_EQ(list->error, WireError::none);
    EXPECT_TRUE(list->groups.empty());
    kafka::DescribeGroupsRequest request;
    request.groups = {"g"};
    auto old = raw.call<kafka::DescribeGroupsResponse>(task, request, 5);
    ASSERT_TRUE(old);
    EXPECT_EQ(old->groups[0].error, WireError::none);
    EXPECT_EQ(old->groups[0].group_state, "Dead");
    const auto now = raw.call<kafka::DescribeGroupsResponse>(task, request, 6);
    ASSERT_TRUE(now);
    EXPECT_EQ(now->groups[0].error, WireError::group_id_not_found);
    EXPECT_EQ(now->groups[0].group_state, "Dead");
  });
}

TEST_F(DescribeTest, APartitionThatIsLookedUpTwiceIsRefused) {
  make_topic("t", 2);
  with_stream([&](env::Task& task, RawClient& raw) {
    kafka::ListOffsetsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    for (const std::int32_t index : {0, 1, 0}) {
      topic.partitions.push_back({.index = PartitionIndex(index), .timestamp = -2});
    }
    const auto answer = raw.call<kafka::ListOffsetsResponse>(task, request, 11);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->topics[0].partitions[0].error, WireError::invalid_request);
    EXPECT_EQ(answer->topics[0].partitions[1].error, WireError::none);
    EXPECT_EQ(answer->topics[0].partitions[1].offset, Offset(0));
    EXPECT_EQ(answer->topics[0].partitions[1].leader_epoch, LeaderEpoch(0))
        << "of an empty log the epoch of now";
    EXPECT_EQ(answer->topics[0].partitions[2].error, WireError::invalid_request);
  });
}

}  // namespace
}  // namespace flux::test
