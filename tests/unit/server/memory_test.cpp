// What requests and their answers may take together, however much is asked for and however little
// of it is taken; and that nobody else waits meanwhile.

#include <algorithm>

#include "net/kafka/gen/api_versions.h"
#include "net/kafka/gen/describe_groups.h"
#include "net/kafka/gen/find_coordinator.h"
#include "tests/node_support/node_test.h"

namespace flux::test {
namespace {

using kafka::WireError;
using ConnectionPtr = std::unique_ptr<env::Connection>;

constexpr std::size_t kMiB = std::size_t{1} << 20;

class MemoryTest : public NodeTest {
 protected:
  void start() {
    start_node();
    ASSERT_TRUE(ready) << start_error;
    before = process.heap_bytes();
  }
  // What the node takes beyond what it took when it was ready.
  std::size_t taken() const {
    return process.heap_bytes() > before ? process.heap_bytes() - before : 0;
  }

  std::size_t before = 0;
};

kafka::FindCoordinatorRequest of_keys(int count) {
  kafka::FindCoordinatorRequest out;
  for (int i = 0; i < count; ++i) out.coordinator_keys.push_back("k" + std::to_string(i));
  return out;
}

Result<ConnectionPtr> connect(env::Task& task, RawClient& raw) {
  return raw.env().network.connect(task, {.host = "broker", .port = 9092});
}

std::int64_t ms_of_api_versions(env::Task& task, RawClient& raw) {
  const Instant began = raw.env().clock.now();
  EXPECT_TRUE(raw.call<kafka::ApiVersionsResponse>(task, kafka::ApiVersionsRequest{}, 0));
  return (raw.env().clock.now() - began).ms();
}

TEST_F(MemoryTest, AnswersThatNobodyTakesAreFewAndOthersAreServed) {
  settings = "flux.request.memory.bytes=8388608\n";
  start();
  with_stream([&](env::Task& task, RawClient& raw) {
    // Each is answered with 200 KB.
    Bytes many;
    for (int i = 0; i < 30; ++i) append(many, RawClient::frame_of(of_keys(4'000), 6, i));
    std::vector<ConnectionPtr> crowd;
    std::size_t most = 0;
    for (int i = 0; i < 30; ++i) {
      crowd.push_back(*connect(task, raw));
      const env::DeadlineScope enough(task, raw.env().clock.now() + milliseconds(200));
      static_cast<void>(env::write_all(task, *crowd.back(), many));
      most = std::max(most, taken());
    }
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(env::sleep_until(task, raw.env().clock.now() + milliseconds(100)));
      EXPECT_LT(ms_of_api_versions(task, raw), 100);
      most = std::max(most, taken());
    }
    EXPECT_LT(most, 24 * kMiB);
    // Who takes what it asks for is let in before those who do not are given up for other reasons.
    const Instant began = raw.env().clock.now();
    const auto large = raw.call<kafka::FindCoordinatorResponse>(task, of_keys(4'000), 6);
    ASSERT_TRUE(large);
    EXPECT_EQ(large->coordinators.size(), 4'000U);
    EXPECT_LT((raw.env().clock.now() - began).ms(), 30'000);
  });
  pass(seconds(70));
  EXPECT_LT(taken(), kMiB) << "all is given back";
}

TEST_F(MemoryTest, WhatRequestsUnfoldToIsBoundedAndAllAreAnswered) {
  settings = "flux.request.memory.bytes=8388608\n";
  start();
  with_stream([&](env::Task& task, RawClient& raw) {
    const Bytes large = RawClient::frame_of(of_keys(20'000), 6, 7);
    std::vector<std::unique_ptr<RawClient>> crowd;
    for (int i = 0; i < 30; ++i) {
      crowd.push_back(std::make_unique<RawClient>(raw.env(), *connect(task, raw)));
      ASSERT_TRUE(crowd.back()->send(task, large));
    }
    std::size_t most = 0;
    for (const auto& one : crowd) {
      EXPECT_LT(ms_of_api_versions(task, raw), 100);
      most = std::max(most, taken());
      const auto answer = one->receive(task);
      ASSERT_TRUE(answer) << answer.error().to_string();
      EXPECT_EQ(RawClient::correlation_of(*answer), 7);
    }
    EXPECT_LT(most, 24 * kMiB);
  });
}

TEST_F(MemoryTest, ARequestThatUnfoldsToTooMuchEndsItsConnection) {
  start();
  with_stream([&](env::Task& task, RawClient& raw) {
    wire::Writer body;
    body.unsigned_varint(700'001);
    body.raw(Bytes(700'000, std::byte{1}));  // empty names
    body.raw(Bytes(2));
    ASSERT_TRUE(raw.send(task, RawClient::frame_of(15, 5, 1, body.join())));
    EXPECT_TRUE(raw.ended(task, seconds(5)));
    EXPECT_LT(taken(), 4 * kMiB);
  });
}

TEST_F(MemoryTest, WhatIsNamedTwiceIsToldOnce) {
  start();
  with_stream([&](env::Task& task, RawClient& raw) {
    kafka::DescribeGroupsRequest groups;
    groups.groups = {"a", "b", "a"};
    const auto described = raw.call<kafka::DescribeGroupsResponse>(task, groups, 5);
    ASSERT_TRUE(described);
    ASSERT_EQ(described->groups.size(), 2U);
    EXPECT_EQ(described->groups[1].group_id, "b");
    kafka::FindCoordinatorRequest keys;
    keys.coordinator_keys = {"b", "b", "a"};
    const auto found = raw.call<kafka::FindCoordinatorResponse>(task, keys, 6);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->coordinators.size(), 2U);
    EXPECT_EQ(found->coordinators[1].key, "a");
  });
}

// The world fails a run of more than 2 ms by what it was told of its work.
TEST_F(MemoryTest, TheWorkOfALongListIsToldAndOthersAreServedMeanwhile) {
  start();
  with_stream([&](env::Task& task, RawClient& raw) {
    const auto other = connect(task, raw);
    ASSERT_TRUE(other);
    RawClient busy(raw.env(), std::move(*connect(task, raw)));
    const Bytes large = RawClient::frame_of(of_keys(100'000), 6, 7);
    EXPECT_LT(ms_of_api_versions(task, raw), 5);
    ASSERT_TRUE(busy.send(task, large));
    const Instant began = raw.env().clock.now();
    for (int i = 0; i < 5; ++i) EXPECT_LT(ms_of_api_versions(task, raw), 25);
    ASSERT_TRUE(busy.receive(task));
    EXPECT_GT((raw.env().clock.now() - began).ms(), 50) << "decode, two loops, encode, forget";
  });
}

}  // namespace
}  // namespace flux::test
