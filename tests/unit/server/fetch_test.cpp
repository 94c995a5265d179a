// Fetch over the wire: sessions, limits, epochs.

#include "net/kafka/gen/fetch.h"

#include "core/record/batch_builder.h"
#include "net/kafka/gen/metadata.h"
#include "net/kafka/gen/produce.h"
#include "tests/node_support/node_test.h"

namespace flux::test {
namespace {

using kafka::WireError;
using Request = kafka::FetchRequest;
using Response = kafka::FetchResponse;

constexpr std::int16_t kByName = 12;
constexpr std::int16_t kById = 18;

class FetchTest : public NodeTest {
 protected:
  void SetUp() override {
    start_node();
    ASSERT_TRUE(ready) << start_error;
  }

  // A topic of one partition with `batches` of one record each; returns its id.
  static Uuid fill(env::Task& task, RawClient& raw, const std::string& topic, int batches) {
    kafka::MetadataRequest ask;
    ask.topics.emplace().push_back({.name = topic});
    const auto made = raw.call<kafka::MetadataResponse>(task, ask, 12);
    EXPECT_TRUE(made);
    for (int i = 0; i < batches; ++i) append(task, raw, topic);
    return made->topics[0].topic_id;
  }
  static void append(env::Task& task, RawClient& raw, const std::string& topic) {
    record::BatchBuilder builder;
    builder.add(record::Timestamp(1'700'000'000'000), std::nullopt, record::text("value"));
    const Bytes batch = *builder.build();
    kafka::ProduceRequest produce{.acks = -1, .timeout_ms = 5000};
    produce.topics.push_back(
        {.name = topic,
         .partitions = {{.index = PartitionIndex(0), .records = wire::Records(ByteView(batch))}}});
    const auto answer = raw.call<kafka::ProduceResponse>(task, produce, 9);
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->topics[0].partitions[0].error, WireError::none);
  }
  static Request fetch_of(const std::string& topic, std::int64_t from, std::int32_t wait_ms = 0) {
    Request out{.max_wait_ms = wait_ms, .min_bytes = 1};
    add(out, topic, from);
    return out;
  }
  static void add(Request& request, const std::string& topic, std::int64_t from,
                  const Uuid& id = {}) {
    request.topics.push_back({.name = topic,
                              .topic_id = id,
                              .partitions = {{.index = PartitionIndex(0),
                                              .fetch_offset = Offset(from),
                                              .partition_max_bytes = 1 << 20}}});
  }
  static Response fetch(env::Task& task, RawClient& raw, const Request& request,
                        std::int16_t version = kByName) {
    auto answer = raw.call<Response>(task, request, version);
    EXPECT_TRUE(answer) << answer.error().to_string();
    return answer ? *answer : Response{};
  }
};

TEST_F(FetchTest, ASessionAnswersOnlyNews) {
  with_stream([&](env::Task& task, RawClient& raw) {
    fill(task, raw, "a", 1);
    fill(task, raw, "b", 1);
    Request request = fetch_of("a", 1);
    add(request, "b", 1);
    request.session_epoch = 0;
    const Response first = fetch(task, raw, request);
    ASSERT_GT(first.session_id, 0);
    EXPECT_EQ(first.topics.size(), 2U);
    Request next{.max_wait_ms = 0, .min_bytes = 1};
    next.session_id = first.session_id;
    next.session_epoch = 1;
    const Response quiet = fetch(task, raw, next);
    EXPECT_EQ(quiet.session_id, first.session_id);
    EXPECT_TRUE(quiet.topics.empty());
    append(task, raw, "b");
    next.session_epoch = 2;
    const Response news = fetch(task, raw, next);
    ASSERT_EQ(news.topics.size(), 1U);
    EXPECT_EQ(news.topics[0].name, "b");
    EXPECT_GT(news.topics[0].partitions[0].records.size(), 0U);
    EXPECT_EQ(fetch(task, raw, next).error, WireError::invalid_fetch_session_epoch);
    next.session_id = first.session_id ^ 1;
    EXPECT_EQ(fetch(task, raw, next).error, WireError::fetch_session_id_not_found);
  });
}

TEST_F(FetchTest, ASessionByIdGoesOnByIdAndOutlivesItsConnection) {
  std::int32_t session = 0;
  with_stream([&](env::Task& task, RawClient& raw) {
    const Uuid id = fill(task, raw, "a", 1);
    Request request{.max_wait_ms = 0, .min_bytes = 1};
    request.session_epoch = 0;
    add(request, "", 0, id);
    const Response first = fetch(task, raw, request, kById);
    session = first.session_id;
    ASSERT_EQ(first.topics.size(), 1U);
    EXPECT_EQ(first.topics[0].topic_id, id);
  });
  with_stream([&](env::Task& task, RawClient& raw) {
    Request next{.max_wait_ms = 0, .min_bytes = 1};
    next.session_id = session;
    next.session_epoch = 1;
    EXPECT_EQ(fetch(task, raw, next, kByName).error, WireError::fetch_session_topic_id_error);
    const Response answer = fetch(task, raw, next, kById);
    EXPECT_EQ(answer.error, WireError::none);
    EXPECT_EQ(answer.topics.size(), 1U) << "it was not told that records were taken";
  });
}

TEST_F(FetchTest, UnderALimitOfBytesEachPartitionHasItsTurn) {
  with_stream([&](env::Task& task, RawClient& raw) {
    Request request{.max_wait_ms = 0, .min_bytes = 1, .max_bytes = 1};
    request.session_epoch = 0;
    for (const char* topic : {"a", "b", "c"}) {
      fill(task, raw, topic, 3);
      add(request, topic, 0);
    }
    std::int32_t session = fetch(task, raw, request).session_id;
    std::string order;
    for (std::int32_t epoch = 1; epoch <= 4; ++epoch) {
      Request next{.max_wait_ms = 0, .min_bytes = 1, .max_bytes = 1};
      next.session_id = session;
      next.session_epoch = epoch;
      const Response answer = fetch(task, raw, next);
      ASSERT_EQ(answer.topics.size(), 1U);
      order += answer.topics[0].name;
    }
    EXPECT_EQ(order, "abca");
  });
}

TEST_F(FetchTest, WithoutSlotsThereAreNoSessions) {
  settings = "max.incremental.fetch.session.cache.slots=0\n";
  ASSERT_TRUE(stop_node());
  start_node();
  ASSERT_TRUE(ready) << start_error;
  with_stream([&](env::Task& task, RawClient& raw) {
    fill(task, raw, "a", 1);
    Request request = fetch_of("a", 0);
    request.session_epoch = 0;
    EXPECT_EQ(fetch(task, raw, request).session_id, 0);
  });
}

// A minimum above the maximum could never be reached.
TEST_F(FetchTest, TheMinimumIsNoMoreThanTheMaximum) {
  with_stream([&](env::Task& task, RawClient& raw) {
    fill(task, raw, "a", 2);
    Request request = fetch_of("a", 0, 20'000);
    request.min_bytes = 1 << 30;
    request.max_bytes = 10;
    const Instant began = raw.env().clock.now();
    EXPECT_GT(fetch(task, raw, request).topics[0].partitions[0].records.size(), 10U)
        << "the first batch is whole";
    EXPECT_LT(raw.env().clock.now() - began, seconds(1));
  });
}

TEST_F(FetchTest, NothingToWaitForIsAnsweredAtOnce) {
  with_stream([&](env::Task& task, RawClient& raw) {
    const Instant began = raw.env().clock.now();
    EXPECT_TRUE(fetch(task, raw, {.max_wait_ms = 20'000, .min_bytes = 1}).topics.empty());
    const Response unknown = fetch(task, raw, fetch_of("nobody", 0, 20'000));
    EXPECT_EQ(unknown.topics[0].partitions[0].error, WireError::unknown_topic_or_partition);
    Request by_id{.max_wait_ms = 20'000, .min_bytes = 1};
    add(by_id, "", 0, {.high = 1, .low = 2});
    EXPECT_EQ(fetch(task, raw, by_id, kById).topics[0].partitions[0].error,
              WireError::unknown_topic_id);
    EXPECT_LT(raw.env().clock.now() - began, seconds(1));
  });
}

TEST_F(FetchTest, AnUnknownTopicDoesNotHurryTheOthers) {
  with_stream([&](env::Task& task, RawClient& raw) {
    fill(task, raw, "a", 1);
    Request request = fetch_of("nobody", 0, 300);
    add(request, "a", 1);
    const Instant began = raw.env().clock.now();
    const Response answer = fetch(task, raw, request);
    EXPECT_GE(raw.env().clock.now() - began, milliseconds(300));
    EXPECT_EQ(answer.topics[0].partitions[0].error, WireError::unknown_topic_or_partition);
    EXPECT_EQ(answer.topics[1].partitions[0].error, WireError::none);
  });
}

TEST_F(FetchTest, ReadCommittedEqualsReadUncommittedButForTheEmptyList) {
  with_stream([&](env::Task& task, RawClient& raw) {
    fill(task, raw, "a", 1);
    Request request = fetch_of("a", 0);
    const auto plain = fetch(task, raw, request).topics[0].partitions[0];
    EXPECT_FALSE(plain.aborted_transactions);
    request.isolation_level = 1;
    const auto committed = fetch(task, raw, request).topics[0].partitions[0];
    ASSERT_TRUE(committed.aborted_transactions);
    EXPECT_TRUE(committed.aborted_transactions->empty());
    EXPECT_EQ(committed.last_stable_offset, Offset(1));
    EXPECT_EQ(committed.preferred_read_replica, kNoNode);
  });
}

TEST_F(FetchTest, TheLastFetchedEpochTellsWhereALogDiverged) {
  with_stream([&](env::Task& task, RawClient& raw) {
    const Uuid id = fill(task, raw, "a", 2);
    Request request{.max_wait_ms = 20'000, .min_bytes = 1};
    add(request, "", 0, id);
    auto& asked = request.topics[0].partitions[0];
    asked.last_fetched_epoch = LeaderEpoch(0);
    auto answer = fetch(task, raw, request, kById).topics[0].partitions[0];
    EXPECT_EQ(answer.error, WireError::none);
    EXPECT_GT(answer.records.size(), 0U);
    asked.fetch_offset = Offset(5);
    answer = fetch(task, raw, request, kById).topics[0].partitions[0];
    EXPECT_EQ(answer.error, WireError::none);
    EXPECT_EQ(answer.diverging_epoch.epoch, LeaderEpoch(0));
    EXPECT_EQ(answer.diverging_epoch.end_offset, Offset(2));
    EXPECT_EQ(answer.records.size(), 0U);
    asked.last_fetched_epoch = LeaderEpoch(9);
    answer = fetch(task, raw, request, kById).topics[0].partitions[0];
    EXPECT_EQ(answer.error, WireError::offset_out_of_range) << "an epoch that never was";
  });
}

TEST_F(FetchTest, WhoBelievesInAnotherEpochOrFollowsIsRefused) {
  with_stream([&](env::Task& task, RawClient& raw) {
    const Uuid id = fill(task, raw, "a", 1);
    Request request{.max_wait_ms = 0, .min_bytes = 1};
    add(request, "", 0, id);
    request.topics[0].partitions[0].current_leader_epoch = LeaderEpoch(7);
    EXPECT_EQ(fetch(task, raw, request, kById).topics[0].partitions[0].error,
              WireError::unknown_leader_epoch);
    request.topics[0].partitions[0].current_leader_epoch = kNoLeaderEpoch;
    request.replica_state.replica_id = NodeId(5);
    const Response answer = fetch(task, raw, request, kById);
    EXPECT_EQ(answer.topics[0].partitions[0].error, WireError::not_leader_or_follower);
    EXPECT_EQ(answer.topics[0].partitions[0].current_leader.leader_id, NodeId(1));
    ASSERT_EQ(answer.node_endpoints.size(), 1U);
    EXPECT_EQ(answer.node_endpoints[0].port, 9092);
  });
}

}  // namespace
}  // namespace flux::test
