// What clients may take up together: requests, connections, time. However many there are, the node
// lives, and whoever wants little is served.

#include "core/broker/patience.h"
#include "core/fiber/stack_pool.h"
#include "net/kafka/gen/api_versions.h"
#include "net/kafka/gen/fetch.h"
#include "net/kafka/gen/metadata.h"
#include "tests/node_support/node_test.h"

namespace flux::test {
namespace {

using kafka::WireError;
using ConnectionPtr = std::unique_ptr<env::Connection>;

class LimitsTest : public NodeTest {
 protected:
  void start() {
    start_node();
    ASSERT_TRUE(ready) << start_error;
  }
  // Nobody waits in the topic's partition any more.
  bool nobody_waits(const std::string& name) {
    const auto topic = running->controller().image()->topic(name);
    return (*running->broker().partition(*topic, PartitionIndex(0)))->watches().empty();
  }
};

void make_topic(env::Task& task, RawClient& raw, const std::string& name) {
  kafka::MetadataRequest request;
  request.topics.emplace().push_back({.name = name});
  auto made = raw.call<kafka::MetadataResponse>(task, request, 4);
  ASSERT_TRUE(made);
  ASSERT_EQ(made->topics[0].error, WireError::none);
}

kafka::FetchRequest fetch_of(const std::string& topic, std::int32_t wait_ms) {
  kafka::FetchRequest out{.max_wait_ms = wait_ms, .min_bytes = 1};
  out.topics.push_back(
      {.name = topic,
       .partitions = {
           {.index = PartitionIndex(0), .fetch_offset = Offset(0), .partition_max_bytes = 1000}}});
  return out;
}

// The same request over and over, with growing correlation ids.
template <class Request>
Bytes pipeline_of(const Request& request, std::int16_t version, int count) {
  Bytes out;
  for (int i = 0; i < count; ++i) append(out, RawClient::frame_of(request, version, i));
  return out;
}

Result<ConnectionPtr> connect(env::Task& task, RawClient& raw) {
  return raw.env().network.connect(task, {.host = "broker", .port = 9092});
}

TEST(Stacks, SufficeForAllThatIsAllowedAtOnce) {
  const server::ServerConfig config;
  const fiber::StackPool stacks;
  const std::size_t requests = config.connections_served_max + config.extra_requests_max;
  EXPECT_LE(requests + broker::kPatientTasksMax + 500, stacks.share(env::StackSize::large));
  EXPECT_LE(config.connections_served_max + broker::kCommitsMax + 1'000,
            stacks.share(env::StackSize::normal));
}

TEST_F(LimitsTest, MoreRequestsThanStacksWaitAndTheFewAreServed) {
  settings = "flux.connection.requests.max=10000\n";
  start();
  with_stream([&](env::Task& task, RawClient& raw) {
    make_topic(task, raw, "t");
    const Bytes many = pipeline_of(fetch_of("t", INT32_MAX), 11, 9'000);
    std::vector<ConnectionPtr> crowd;
    for (int i = 0; i < 4; ++i) {
      crowd.push_back(*connect(task, raw));
      const env::DeadlineScope enough(task, raw.env().clock.now() + seconds(1));
      static_cast<void>(env::write_all(task, *crowd.back(), many));
    }
    const Instant began = raw.env().clock.now();
    const Bytes few = pipeline_of(kafka::ApiVersionsRequest{}, 0, 20);
    ASSERT_TRUE(raw.send(task, few));
    for (int i = 0; i < 20; ++i) {
      auto frame = raw.receive(task);
      ASSERT_TRUE(frame) << i;
      EXPECT_EQ(RawClient::correlation_of(*frame), i);
    }
    EXPECT_LT((raw.env().clock.now() - began).ms(), 1000);
    // One more that waits is as welcome as those of the crowd.
    auto waited = raw.call<kafka::FetchResponse>(task, fetch_of("t", 500), 11);
    ASSERT_TRUE(waited);
    EXPECT_EQ(waited->topics[0].partitions[0].error, WireError::none);
    EXPECT_GE((raw.env().clock.now() - began).ms(), 499);
  });
  EXPECT_TRUE(process.alive());
  pass(seconds(60));
  EXPECT_TRUE(nobody_waits("t"));
}

TEST_F(LimitsTest, AFetchWaitsNoLongerThanTheNodeAllows) {
  start();
  with_stream([&](env::Task& task, RawClient& raw) {
    make_topic(task, raw, "t");
    const Instant began = raw.env().clock.now();
    auto waited = raw.call<kafka::FetchResponse>(task, fetch_of("t", INT32_MAX), 11);
    ASSERT_TRUE(waited);
    EXPECT_EQ(waited->topics[0].partitions[0].error, WireError::none);
    EXPECT_GE((raw.env().clock.now() - began).ms(), 29'999);
    EXPECT_LT((raw.env().clock.now() - began).ms(), 31'000);
  });
}

TEST_F(LimitsTest, AClientThatIsGoneIsNoticedAlsoWhenItIsNotReadFrom) {
  start();
  with_stream([&](env::Task& task, RawClient& raw) {
    make_topic(task, raw, "t");
    ASSERT_TRUE(raw.send(task, pipeline_of(fetch_of("t", INT32_MAX), 11, 120)));
    ASSERT_TRUE(env::sleep_until(task, raw.env().clock.now() + seconds(1)));
  });
  EXPECT_FALSE(nobody_waits("t"));
  pass(seconds(13));
  EXPECT_TRUE(nobody_waits("t"));
}

TEST_F(LimitsTest, AClientThatOnlyEndedItsSideGetsAllItsAnswers) {
  start();
  with_stream([&](env::Task& task, RawClient& raw) {
    make_topic(task, raw, "t");
    // More than may be in flight, behind one that takes its time.
    Bytes all = RawClient::frame_of(fetch_of("t", 5'000), 11, 0);
    append(all, pipeline_of(kafka::ApiVersionsRequest{}, 0, 250));
    ASSERT_TRUE(raw.send(task, all));
    raw.stream().shutdown_write();
    ASSERT_TRUE(raw.receive(task));
    for (int i = 0; i < 250; ++i) {
      auto frame = raw.receive(task);
      ASSERT_TRUE(frame) << i << ": " << frame.error().to_string();
      EXPECT_EQ(RawClient::correlation_of(*frame), i);
    }
    EXPECT_TRUE(raw.ended(task, seconds(1)));
  });
}

// The first `sent` bytes of a frame of `size`.
Bytes half_frame(std::size_t size, std::size_t sent) {
  Bytes out(4 + sent);
  store_be<std::uint32_t>(out.data(), static_cast<std::uint32_t>(size));
  return out;
}

TEST_F(LimitsTest, SmallRequestsDoNotWaitBehindGiantsThatStall) {
  settings = "flux.request.memory.bytes=8388608\n";
  start();
  with_stream([&](env::Task& task, RawClient& raw) {
    std::vector<ConnectionPtr> giants;
    for (int i = 0; i < 8; ++i) {
      giants.push_back(*connect(task, raw));
      const env::DeadlineScope enough(task, raw.env().clock.now() + seconds(1));
      const Bytes half = half_frame(std::size_t{64} << 20, std::size_t{3} << 20);
      static_cast<void>(env::write_all(task, *giants.back(), half));
    }
    const Instant began = raw.env().clock.now();
    make_topic(task, raw, "t");
    EXPECT_LT((raw.env().clock.now() - began).ms(), 1000);
    // A middling one has a share of its own.
    const Bytes middling = RawClient::frame_of(3, 1, 1, Bytes(100'000));
    ASSERT_TRUE(raw.send(task, middling));
    EXPECT_TRUE(raw.ended(task, seconds(1))) << "it is garbage, and was read";
  });
}

// A fetch that waits needs what its request said, and not the bytes in which it was said.
TEST_F(LimitsTest, FetchesThatWaitLeaveTheirFramesToOthers) {
  settings = "flux.request.memory.bytes=8388608\n";
  start();
  with_stream([&](env::Task& task, RawClient& raw) {
    make_topic(task, raw, "t");
    Bytes padded;
    {
      wire::Writer body;
      ASSERT_TRUE(fetch_of("t", INT32_MAX).encode(body, 12));
      padded = body.join();
      // Instead of no tagged fields one that nobody knows.
      padded.pop_back();
      wire::Writer tag;
      tag.unsigned_varint(1);
      tag.unsigned_varint(99);
      tag.unsigned_varint(60'000);
      tag.raw(Bytes(60'000));
      append(padded, tag.join());
    }
    Bytes many;
    for (int i = 0; i < 80; ++i) append(many, RawClient::frame_of(1, 12, i, padded));
    std::vector<ConnectionPtr> crowd;
    for (int i = 0; i < 2; ++i) {
      crowd.push_back(*connect(task, raw));
      const env::DeadlineScope enough(task, raw.env().clock.now() + seconds(3));
      ASSERT_TRUE(env::write_all(task, *crowd.back(), many));
    }
    const Instant began = raw.env().clock.now();
    ASSERT_TRUE(raw.call<kafka::ApiVersionsResponse>(task, kafka::ApiVersionsRequest{}, 0));
    EXPECT_LT((raw.env().clock.now() - began).ms(), 1000);
  });
}

TEST_F(LimitsTest, AGiantThatStallsMakesRoomForOneThatComes) {
  settings = "flux.request.memory.bytes=8388608\n";
  start();
  with_stream([&](env::Task& task, RawClient& raw) {
    const auto stalled = connect(task, raw);
    ASSERT_TRUE(stalled);
    ASSERT_TRUE(env::write_all(task, **stalled, half_frame(std::size_t{64} << 20, 1000)));
    ASSERT_TRUE(env::sleep_until(task, raw.env().clock.now() + milliseconds(100)));
    ASSERT_TRUE(raw.send(task, RawClient::frame_of(3, 1, 1, Bytes(std::size_t{3} << 20))));
    EXPECT_TRUE(raw.ended(task, seconds(5)));
  });
}

TEST_F(LimitsTest, AFrameThatStallsIsClosedHoweverLargeItIs) {
  start();
  with_stream([&](env::Task& task, RawClient& raw) {
    ASSERT_TRUE(raw.send(task, half_frame(std::size_t{99} << 20, std::size_t{5} << 20)));
    EXPECT_FALSE(raw.ended(task, seconds(28)));
    EXPECT_TRUE(raw.ended(task, seconds(10)));
  });
}

TEST_F(LimitsTest, MetadataForManyNewTopicsWaitsForAHungDiskOnce) {
  settings = "flux.disk.patience.ms=500\n";
  start();
  machine.hang();
  with_stream([&](env::Task& task, RawClient& raw) {
    kafka::MetadataRequest request;
    request.topics.emplace();
    for (int i = 0; i < 10; ++i) request.topics->push_back({.name = "t" + std::to_string(i)});
    const Instant began = raw.env().clock.now();
    auto answer = raw.call<kafka::MetadataResponse>(task, request, 4);
    ASSERT_TRUE(answer);
    ASSERT_EQ(answer->topics.size(), 10U);
    for (const auto& topic : answer->topics)
      EXPECT_EQ(topic.error, WireError::leader_not_available);
    EXPECT_LT((raw.env().clock.now() - began).ms(), 700);
  });
  machine.resume();
  EXPECT_TRUE(stop_node());
}

}  // namespace
}  // namespace flux::test
