// The front door against clients that are no one's friend, and the promises of the protocol: order,
// versions, no answer where none is wanted.

#include <algorithm>

#include "core/record/batch_builder.h"
#include "net/kafka/gen/api_versions.h"
#include "net/kafka/gen/delete_records.h"
#include "net/kafka/gen/delete_topics.h"
#include "net/kafka/gen/describe_cluster.h"
#include "net/kafka/gen/fetch.h"
#include "net/kafka/gen/find_coordinator.h"
#include "net/kafka/gen/init_producer_id.h"
#include "net/kafka/gen/list_offsets.h"
#include "net/kafka/gen/metadata.h"
#include "net/kafka/gen/produce.h"
#include "net/server/dispatch.h"
#include "tests/node_support/node_test.h"
#include "tests/support/marks.h"

namespace flux::test {
namespace {

using kafka::WireError;

class ServerTest : public NodeTest {
 protected:
  void SetUp() override {
    start_node();
    ASSERT_TRUE(ready) << start_error;
  }
  // What is sent ends the connection, and another client is served all the same.
  void expect_refused(const Bytes& bytes, Duration within = seconds(1)) {
    with_stream([&](env::Task& task, RawClient& raw) {
      ASSERT_TRUE(raw.send(task, bytes));
      EXPECT_TRUE(raw.ended(task, within));
    });
    expect_alive();
  }
  void expect_alive() {
    with_stream([&](env::Task& task, RawClient& raw) {
      auto answer = raw.call<kafka::ApiVersionsResponse>(task, kafka::ApiVersionsRequest{}, 0);
      ASSERT_TRUE(answer) << answer.error().to_string();
      EXPECT_EQ(answer->error, WireError::none);
    });
  }
};

Bytes batch_of(const std::string& value) {
  record::BatchBuilder builder;
  builder.add(record::Timestamp(1'700'000'000'000), std::nullopt, record::text(value));
  return *builder.build();
}

kafka::ProduceRequest produce_of(const std::string& topic, const Bytes& batch,
                                 std::int16_t acks = -1) {
  kafka::ProduceRequest out{.acks = acks, .timeout_ms = 5000};
  out.topics.push_back(
      {.name = topic,
       .partitions = {{.index = PartitionIndex(0), .records = wire::Records(ByteView(batch))}}});
  return out;
}

kafka::FetchRequest fetch_of(const std::string& topic, Offset from, std::int32_t wait_ms) {
  kafka::FetchRequest out{.max_wait_ms = wait_ms, .min_bytes = 1};
  out.topics.push_back(
      {.name = topic,
       .partitions = {
           {.index = PartitionIndex(0), .fetch_offset = from, .partition_max_bytes = 1 << 20}}});
  return out;
}

// Makes the topic by asking for it.
void make_topic(env::Task& task, RawClient& raw, const std::string& name) {
  kafka::MetadataRequest request;
  request.topics.emplace().push_back({.name = name});
  auto made = raw.call<kafka::MetadataResponse>(task, request, 4);
  ASSERT_TRUE(made);
  ASSERT_EQ(made->topics[0].error, WireError::none);
}

TEST(HandlerTable, IsSortedAndKnown) {
  EXPECT_TRUE(std::ranges::is_sorted(server::served_apis(), {}, &server::Served::key));
  for (const server::Served& served : server::served_apis()) {
    EXPECT_NE(kafka::find_api(static_cast<std::int16_t>(served.key)), nullptr);
  }
}

TEST_F(ServerTest, AdvertisesWhatItServes) {
  with_stream([&](env::Task& task, RawClient& raw) {
    kafka::ApiVersionsRequest request{.client_software_name = "a", .client_software_version = "1"};
    auto answer = raw.call<kafka::ApiVersionsResponse>(task, request, 3);
    ASSERT_TRUE(answer) << answer.error().to_string();
    ASSERT_EQ(answer->api_keys.size(), server::served_apis().size());
    const auto produce =
        std::ranges::find(answer->api_keys, 0, &kafka::ApiVersionsResponse::ApiVersion::api_key);
    ASSERT_NE(produce, answer->api_keys.end());
    EXPECT_EQ(produce->min_version, 0) << "old librdkafka compresses only then";
    ASSERT_EQ(answer->finalized_features.size(), 1U);
    EXPECT_EQ(answer->finalized_features[0].name, "metadata.version");
    request.client_software_name = "no spaces";
    answer = raw.call<kafka::ApiVersionsResponse>(task, request, 3);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->error, WireError::invalid_request);
  });
}

TEST_F(ServerTest, AnswersUnknownApiVersionsInTheOldestForm) {
  with_stream([&](env::Task& task, RawClient& raw) {
    ASSERT_TRUE(raw.send(task, RawClient::frame_of(18, 77, 5, ByteView())));
    auto frame = raw.receive(task);
    ASSERT_TRUE(frame);
    EXPECT_EQ(RawClient::correlation_of(*frame), 5);
    auto answer = RawClient::decode<kafka::ApiVersionsResponse>(*frame, 0);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->error, WireError::unsupported_version);
    ASSERT_EQ(answer->api_keys.size(), 1U);
    EXPECT_EQ(answer->api_keys[0].api_key, 18);
    // The connection goes on.
    auto again = raw.call<kafka::ApiVersionsResponse>(task, kafka::ApiVersionsRequest{}, 0);
    EXPECT_TRUE(again);
  });
}

TEST_F(ServerTest, ClosesOnWhatMakesNoSense) {
  expect_refused(RawClient::frame_of(3, 99, 1, ByteView()));    // a version that nobody knows
  expect_refused(RawClient::frame_of(9999, 0, 1, ByteView()));  // an API that nobody knows
  expect_refused(RawClient::frame_of(0, 2, 1, ByteView()));     // advertised, not decoded
  expect_refused(RawClient::frame_of(3, 1, 1, as_bytes("garbage behind the header")));
  expect_refused(to_bytes(as_bytes(std::string_view("\x7f\xff\xff\xff", 4))));  // 2 GiB
  expect_refused(to_bytes(as_bytes(std::string_view("\xff\xff\xff\xff", 4))));  // negative
  expect_refused(to_bytes(as_bytes(std::string_view("\0\0\0\0", 4))));          // empty
  expect_refused(to_bytes(as_bytes(std::string_view("\0\0\0\2ab", 6))));        // no header
  expect_refused(to_bytes(as_bytes("GET / HTTP/1.1\r\n\r\n")));
}

TEST_F(ServerTest, DoesNotWaitForTheRestOfAFrameForever) {
  expect_refused(to_bytes(as_bytes(std::string_view("\0\0", 2))), seconds(60));
  expect_refused(to_bytes(as_bytes(std::string_view("\0\0\1\0abc", 7))), seconds(60));
}

TEST_F(ServerTest, ClosesIdleConnections) {
  with_stream(
      [&](env::Task& task, RawClient& raw) {
        EXPECT_FALSE(raw.ended(task, seconds(500)));
        EXPECT_TRUE(raw.ended(task, seconds(200)));
      },
      1000);
}

TEST_F(ServerTest, AnswersInTheOrderOfTheRequests) {
  with_stream([&](env::Task& task, RawClient& raw) {
    make_topic(task, raw, "t");
    const Bytes batch = batch_of("v");
    // A fetch that waits, and quick requests behind it.
    Bytes pipeline = RawClient::frame_of(fetch_of("t", Offset(0), 2000), 11, 100);
    append(pipeline, RawClient::frame_of(kafka::ApiVersionsRequest{}, 0, 101));
    for (int i = 0; i < 5; ++i) {
      append(pipeline, RawClient::frame_of(produce_of("t", batch), 7, 102 + i));
    }
    ASSERT_TRUE(raw.send(task, pipeline));
    std::vector<std::int64_t> offsets;
    for (int i = 0; i < 7; ++i) {
      auto frame = raw.receive(task);
      ASSERT_TRUE(frame) << i;
      EXPECT_EQ(RawClient::correlation_of(*frame), 100 + i);
      if (i == 0) {
        const auto fetched = RawClient::decode<kafka::FetchResponse>(*frame, 11);
        ASSERT_TRUE(fetched);
        EXPECT_GT(fetched->topics[0].partitions[0].records.size(), 0U)
            << "the waiting fetch was woken by the record behind it";
      }
      if (i >= 2) {
        const auto produced = RawClient::decode<kafka::ProduceResponse>(*frame, 7);
        ASSERT_TRUE(produced);
        offsets.push_back(produced->topics[0].partitions[0].base_offset.value());
      }
    }
    EXPECT_EQ(offsets, (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
    // Those behind the fetch were ready before it, and had to wait for it.
    EXPECT_GE(mark_hits("server.answered_together"), 5U);
  });
}

TEST_F(ServerTest, AFetchWaitsForRecordsAndNoLonger) {
  with_stream([&](env::Task& task, RawClient& raw) {
    make_topic(task, raw, "t");
    const Instant began = raw.env().clock.now();
    auto empty = raw.call<kafka::FetchResponse>(task, fetch_of("t", Offset(0), 400), 11);
    ASSERT_TRUE(empty);
    EXPECT_EQ(empty->topics[0].partitions[0].error, WireError::none);
    EXPECT_EQ(empty->topics[0].partitions[0].records.size(), 0U);
    const Duration waited = raw.env().clock.now() - began;
    EXPECT_GE(waited.ms(), 399);
    EXPECT_LT(waited.ms(), 600);
    auto beyond = raw.call<kafka::FetchResponse>(task, fetch_of("t", Offset(9), 400), 11);
    ASSERT_TRUE(beyond);
    EXPECT_EQ(beyond->topics[0].partitions[0].error, WireError::offset_out_of_range);
    auto unknown = raw.call<kafka::FetchResponse>(task, fetch_of("nope", Offset(0), 400), 11);
    ASSERT_TRUE(unknown);
    EXPECT_EQ(unknown->topics[0].partitions[0].error, WireError::unknown_topic_or_partition);
  });
}

TEST_F(ServerTest, RefusesBadBatchesByName) {
  with_stream([&](env::Task& task, RawClient& raw) {
    make_topic(task, raw, "t");
    const auto error_for = [&](Bytes batch) {
      auto answer = raw.call<kafka::ProduceResponse>(task, produce_of("t", batch), 8);
      EXPECT_TRUE(answer);
      return answer ? answer->topics[0].partitions[0].error : WireError::none;
    };
    EXPECT_EQ(error_for(batch_of("good")), WireError::none);
    Bytes wrong_crc = batch_of("bad");
    wrong_crc.back() ^= std::byte{1};
    EXPECT_EQ(error_for(wrong_crc), WireError::corrupt_message);
    EXPECT_EQ(error_for({}), WireError::invalid_record);
    Bytes two = batch_of("a");
    append(two, batch_of("b"));
    EXPECT_NE(error_for(two), WireError::none);
    EXPECT_EQ(error_for(batch_of(std::string(1'100'000, 'x'))), WireError::message_too_large);
    auto acks = raw.call<kafka::ProduceResponse>(task, produce_of("t", batch_of("a"), 5), 8);
    ASSERT_TRUE(acks);
    EXPECT_EQ(acks->topics[0].partitions[0].error, WireError::invalid_required_acks);
    auto unknown = raw.call<kafka::ProduceResponse>(task, produce_of("nope", batch_of("a")), 8);
    ASSERT_TRUE(unknown);
    EXPECT_EQ(unknown->topics[0].partitions[0].error, WireError::unknown_topic_or_partition);
    // One record was taken.
    kafka::ListOffsetsRequest ends;
    ends.topics.push_back(
        {.name = "t", .partitions = {{.index = PartitionIndex(0), .timestamp = -1}}});
    auto listed = raw.call<kafka::ListOffsetsResponse>(task, ends, 5);
    ASSERT_TRUE(listed);
    EXPECT_EQ(listed->topics[0].partitions[0].offset, Offset(1));
  });
}

TEST_F(ServerTest, UnacknowledgedProduceHasNoAnswerAndItsFailureEndsTheConnection) {
  with_stream([&](env::Task& task, RawClient& raw) {
    make_topic(task, raw, "t");
    ASSERT_TRUE(raw.send(task, RawClient::frame_of(produce_of("t", batch_of("a"), 0), 7, 50)));
    auto next = raw.call<kafka::ApiVersionsResponse>(task, kafka::ApiVersionsRequest{}, 0);
    ASSERT_TRUE(next);
    ASSERT_TRUE(raw.send(task, RawClient::frame_of(produce_of("nope", batch_of("a"), 0), 7, 51)));
    EXPECT_TRUE(raw.ended(task, seconds(2)));
  });
}

TEST_F(ServerTest, GivesProducerIdsOnceAndNoCoordinators) {
  with_stream([&](env::Task& task, RawClient& raw) {
    kafka::InitProducerIdRequest request{.transaction_timeout_ms = 1000};
    auto first = raw.call<kafka::InitProducerIdResponse>(task, request, 4);
    auto second = raw.call<kafka::InitProducerIdResponse>(task, request, 0);
    ASSERT_TRUE(first);
    ASSERT_TRUE(second);
    EXPECT_EQ(first->error, WireError::none);
    EXPECT_NE(first->producer_id, second->producer_id);
    request.producer_id = ProducerId(5);  // and no epoch
    auto half = raw.call<kafka::InitProducerIdResponse>(task, request, 4);
    ASSERT_TRUE(half);
    EXPECT_EQ(half->error, WireError::invalid_request);
    request.producer_id = kNoProducerId;
    request.transactional_id = "tx";
    auto transaction = raw.call<kafka::InitProducerIdResponse>(task, request, 4);
    ASSERT_TRUE(transaction);
    EXPECT_EQ(transaction->error, WireError::coordinator_not_available);
    kafka::FindCoordinatorRequest find{.key = "group"};
    for (std::int16_t version = 0; version <= 3; ++version) {
      auto found = raw.call<kafka::FindCoordinatorResponse>(task, find, version);
      ASSERT_TRUE(found) << version;
      EXPECT_EQ(found->error, WireError::coordinator_not_available);
    }
    kafka::FindCoordinatorRequest many;
    many.coordinator_keys = {"a", "b"};
    auto found = raw.call<kafka::FindCoordinatorResponse>(task, many, 4);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->coordinators.size(), 2U);
  });
}

TEST_F(ServerTest, MetadataInEveryVersion) {
  with_stream([&](env::Task& task, RawClient& raw) {
    make_topic(task, raw, "t");
    Uuid id;
    for (std::int16_t version = 0; version <= 13; ++version) {
      kafka::MetadataRequest request;
      request.topics.emplace().push_back({.name = "t"});
      auto answer = raw.call<kafka::MetadataResponse>(task, request, version);
      ASSERT_TRUE(answer) << version << ": " << answer.error().to_string();
      ASSERT_EQ(answer->brokers.size(), 1U);
      EXPECT_EQ(answer->brokers[0].host, "broker");
      EXPECT_EQ(answer->brokers[0].port, 9092);
      ASSERT_EQ(answer->topics.size(), 1U);
      EXPECT_EQ(answer->topics[0].partitions.size(), 1U);
      if (version >= 10) id = answer->topics[0].topic_id;
    }
    kafka::MetadataRequest by_id;
    by_id.topics.emplace().push_back({.topic_id = id, .name = std::nullopt});
    auto answer = raw.call<kafka::MetadataResponse>(task, by_id, 12);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->topics[0].name, "t");
    for (std::int16_t version = 10; version <= 11; ++version) {  // they have the field alone
      auto early = raw.call<kafka::MetadataResponse>(task, by_id, version);
      ASSERT_TRUE(early);
      EXPECT_EQ(early->topics[0].error, WireError::invalid_request);
      EXPECT_EQ(early->topics[0].name, "");
    }
    kafka::DeleteTopicsRequest nothing;
    nothing.topics.push_back({.name = std::nullopt});
    auto kept = raw.call<kafka::DeleteTopicsResponse>(task, nothing, 6);
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->topics[0].error, WireError::invalid_request);
    kafka::MetadataRequest none;
    none.topics.emplace();
    EXPECT_TRUE(raw.call<kafka::MetadataResponse>(task, none, 4)->topics.empty());
    EXPECT_EQ(raw.call<kafka::MetadataResponse>(task, none, 0)->topics.size(), 1U);
    kafka::MetadataRequest shy;
    shy.topics.emplace().push_back({.name = "not-there"});
    shy.allow_auto_topic_creation = false;
    EXPECT_EQ(raw.call<kafka::MetadataResponse>(task, shy, 4)->topics[0].error,
              WireError::unknown_topic_or_partition);
  });
}

TEST_F(ServerTest, ATopicThatIsNamedTwiceInWhicheverWayStays) {
  with_stream([&](env::Task& task, RawClient& raw) {
    kafka::MetadataRequest request;
    request.topics.emplace().push_back({.name = "t"});
    const auto made = raw.call<kafka::MetadataResponse>(task, request, 12);
    ASSERT_TRUE(made);
    using Topic = kafka::DeleteTopicsRequest::Topic;
    const Topic by_name{.name = "t", .topic_id = {}};
    const Topic by_id{.name = std::nullopt, .topic_id = made->topics[0].topic_id};
    const Topic unknown{.name = "not-there", .topic_id = {}};
    for (const auto& twice :
         {std::pair(by_name, by_name), {by_id, by_id}, {by_id, by_name}, {by_name, by_id}}) {
      kafka::DeleteTopicsRequest remove;
      remove.topics = {twice.first, unknown, twice.second};
      const auto answer = raw.call<kafka::DeleteTopicsResponse>(task, remove, 6);
      ASSERT_TRUE(answer);
      ASSERT_EQ(answer->topics.size(), 2U) << "it is answered once";
      const bool first = answer->topics[0].error == WireError::invalid_request;
      EXPECT_EQ(answer->topics[first ? 0 : 1].error, WireError::invalid_request);
      EXPECT_EQ(answer->topics[first ? 1 : 0].error, WireError::unknown_topic_or_partition);
    }
    kafka::DeleteTopicsRequest early;
    early.topic_names = {"t", "t"};
    const auto refused = raw.call<kafka::DeleteTopicsResponse>(task, early, 5);
    ASSERT_TRUE(refused);
    ASSERT_EQ(refused->topics.size(), 1U);
    EXPECT_EQ(refused->topics[0].error, WireError::invalid_request);
    EXPECT_EQ(raw.call<kafka::MetadataResponse>(task, request, 12)->topics[0].topic_id,
              by_id.topic_id);
  });
}

TEST_F(ServerTest, TopicsComeIntoBeingByBeingAskedFor) {
  with_stream([&](env::Task& task, RawClient& raw) {
    const auto ask = [&](std::vector<std::string> names) {
      kafka::MetadataRequest request;
      request.topics.emplace();
      for (const std::string& name : names) request.topics->push_back({.name = name});
      const auto answer = raw.call<kafka::MetadataResponse>(task, request, 9);
      EXPECT_TRUE(answer);
      return answer ? answer->topics : std::vector<kafka::MetadataResponse::Topic>{};
    };
    EXPECT_EQ(ask({"a.b"})[0].partitions.size(), 1U);
    EXPECT_EQ(ask({"a_b"})[0].error, WireError::invalid_topic_exception) << "it collides with a.b";
    for (const std::string bad : {"", "..", "a b", "x/y"}) {
      EXPECT_EQ(ask({bad})[0].error, WireError::invalid_topic_exception) << bad;
    }
    EXPECT_EQ(ask({std::string(250, 'x')})[0].error, WireError::invalid_topic_exception);
    // What brokers keep for themselves is not made by asking for it.
    for (const char* own : {"__consumer_offsets", "__transaction_state", "__share_group_state"}) {
      const auto topic = ask({own})[0];
      EXPECT_EQ(topic.error, WireError::unknown_topic_or_partition) << own;
      EXPECT_TRUE(topic.is_internal) << own;
    }
    EXPECT_EQ(ask({"__cluster_metadata"})[0].error, WireError::unknown_topic_or_partition);
    EXPECT_EQ(ask({"__mine"})[0].error, WireError::none);
  });
}

TEST_F(ServerTest, ASettingWithoutEffectIsToldInTheLogOfTheNode) {
  int told = 0;
  world.trace().watch([&told](const sim::TraceHead&, env::Severity, std::string_view event,
                              std::initializer_list<env::Field> fields) {
    if (event != "topic.setting_without_effect") return;
    ++told;
    EXPECT_EQ(fields.begin()[0].text, "t");
    EXPECT_EQ(fields.begin()[1].text, "preallocate");
  });
  with_client([](env::Task& task, client::Client& client) {
    const client::NewTopic topic{
        .name = "t", .partitions = 1, .config = {{"preallocate", "true"}, {"segment.ms", "5"}}};
    EXPECT_TRUE(client::Admin(client).create_topic(task, topic).ok());
  });
  EXPECT_EQ(told, 1);
}

TEST_F(ServerTest, DescribeClusterInEveryVersion) {
  with_stream([&](env::Task& task, RawClient& raw) {
    for (std::int16_t version = 0; version <= 2; ++version) {
      const auto answer = raw.call<kafka::DescribeClusterResponse>(
          task, kafka::DescribeClusterRequest{.include_cluster_authorized_operations = true},
          version);
      ASSERT_TRUE(answer) << version << ": " << answer.error().to_string();
      EXPECT_EQ(answer->error, WireError::none);
      EXPECT_EQ(answer->cluster_id.size(), 22U);
      EXPECT_EQ(answer->controller_id, NodeId(1));
      EXPECT_GT(answer->cluster_authorized_operations, 0);
      ASSERT_EQ(answer->brokers.size(), 1U);
      EXPECT_EQ(answer->brokers[0].broker_id, NodeId(1));
      EXPECT_EQ(answer->brokers[0].host, "broker");
      EXPECT_EQ(answer->brokers[0].port, 9092);
      EXPECT_FALSE(answer->brokers[0].is_fenced);
    }
    kafka::DescribeClusterRequest controllers{.endpoint_type = 2};
    EXPECT_EQ(raw.call<kafka::DescribeClusterResponse>(task, controllers, 1)->error,
              WireError::mismatched_endpoint_type);
    kafka::DescribeClusterRequest others{.endpoint_type = 7};
    EXPECT_EQ(raw.call<kafka::DescribeClusterResponse>(task, others, 1)->error,
              WireError::unsupported_endpoint_type);
  });
}

TEST_F(ServerTest, DeletesRecordsInEveryVersion) {
  with_stream([&](env::Task& task, RawClient& raw) {
    make_topic(task, raw, "t");
    const Bytes batch = batch_of("value");
    for (int i = 0; i < 4; ++i) {
      ASSERT_TRUE(raw.call<kafka::ProduceResponse>(task, produce_of("t", batch), 9));
    }
    const auto ask = [&](const std::string& topic, std::int64_t before, std::int16_t version) {
      kafka::DeleteRecordsRequest request{.timeout_ms = 5000};
      request.topics.push_back(
          {.name = topic, .partitions = {{.index = PartitionIndex(0), .offset = Offset(before)}}});
      auto answer = raw.call<kafka::DeleteRecordsResponse>(task, request, version);
      EXPECT_TRUE(answer && answer->topics.size() == 1) << version;
      return answer->topics[0].partitions[0];
    };
    for (std::int16_t version = 0; version <= 2; ++version) {
      const auto deleted = ask("t", version + 1, version);
      EXPECT_EQ(deleted.error, WireError::none);
      EXPECT_EQ(deleted.low_watermark, Offset(version + 1));
    }
    EXPECT_EQ(ask("t", 5, 2).error, WireError::offset_out_of_range);
    EXPECT_EQ(ask("t", 5, 2).low_watermark, Offset(-1));
    EXPECT_EQ(ask("nobody", 0, 2).error, WireError::unknown_topic_or_partition);
    auto gone = raw.call<kafka::FetchResponse>(task, fetch_of("t", Offset(0), 0), 11);
    ASSERT_TRUE(gone);
    EXPECT_EQ(gone->topics[0].partitions[0].error, WireError::offset_out_of_range);
    EXPECT_EQ(ask("t", -1, 2).low_watermark, Offset(4));
    auto produced = raw.call<kafka::ProduceResponse>(task, produce_of("t", batch), 9);
    ASSERT_TRUE(produced);
    EXPECT_EQ(produced->topics[0].partitions[0].log_start_offset, Offset(4));
  });
}

TEST_F(ServerTest, AStopAnswersWhatIsInFlight) {
  with_stream([&](env::Task& task, RawClient& raw) {
    make_topic(task, raw, "t");
    ASSERT_TRUE(raw.send(task, RawClient::frame_of(fetch_of("t", Offset(0), 60'000), 11, 7)));
    ASSERT_TRUE(env::sleep_until(task, raw.env().clock.now() + seconds(1)));
    process.request_stop();
    auto frame = raw.receive(task);
    ASSERT_TRUE(frame) << frame.error().to_string();
    EXPECT_EQ(RawClient::correlation_of(*frame), 7);
    EXPECT_TRUE(raw.ended(task, seconds(5)));
  });
  pass(seconds(5));
  EXPECT_FALSE(process.alive());
}

}  // namespace
}  // namespace flux::test
