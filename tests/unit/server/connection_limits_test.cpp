// How many connections there may be: Kafka's limits, as arithmetic and as clients meet them.

#include "net/server/connection_limits.h"

#include "net/kafka/gen/api_versions.h"
#include "tests/node_support/node_test.h"

namespace flux::test {
namespace {

using server::ConnectionLimits;
using ConnectionPtr = std::unique_ptr<env::Connection>;

TEST(ConnectionLimits, CountsByBrokerListenerAndAddress) {
  ConnectionLimits limits({.broker = {.connections_max = 3},
                           .listeners = {{"inside", {.connections_max = 1}}},
                           .per_ip_max = 2,
                           .per_ip = {{"10.0.0.9", 0}, {"10.0.0.8", 3}}});
  EXPECT_TRUE(limits.has_room("INSIDE"));
  limits.begin("INSIDE", "10.0.0.1");
  EXPECT_FALSE(limits.has_room("INSIDE"));
  EXPECT_TRUE(limits.has_room("OUTSIDE"));
  limits.begin("OUTSIDE", "10.0.0.1");
  EXPECT_FALSE(limits.admits("10.0.0.1"));
  EXPECT_TRUE(limits.admits("10.0.0.2"));
  EXPECT_FALSE(limits.admits("10.0.0.9"));
  limits.begin("OUTSIDE", "10.0.0.8");
  EXPECT_TRUE(limits.admits("10.0.0.8"));
  EXPECT_FALSE(limits.has_room("OUTSIDE"));
  limits.end("INSIDE", "10.0.0.1");
  EXPECT_TRUE(limits.has_room("INSIDE"));
  EXPECT_TRUE(limits.has_room("OUTSIDE"));
  EXPECT_TRUE(limits.admits("10.0.0.1"));
}

TEST(ConnectionLimits, LetsInASecondsWorthAtOnceAndThenEvenly) {
  ConnectionLimits limits({.broker = {.connections_per_second = 10},
                           .listeners = {{"slow", {.connections_per_second = 1}}}});
  const Instant now(1'000'000'000'000);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(limits.pace("FAST", now), now) << i;
  EXPECT_EQ(limits.pace("FAST", now), now + milliseconds(100));
  EXPECT_EQ(limits.pace("FAST", now), now + milliseconds(200));
  // After a quiet time, a second's worth again and no more.
  const Instant later = now + seconds(60);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(limits.pace("FAST", later), later) << i;
  EXPECT_EQ(limits.pace("SLOW", later), later);
  EXPECT_EQ(limits.pace("SLOW", later), later + seconds(1));
}

TEST(ConnectionLimits, AreNoLimitsUnlessSet) {
  ConnectionLimits limits({});
  const Instant now(5);
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(limits.pace("A", now), now);
    ASSERT_TRUE(limits.has_room("A") && limits.admits("::1"));
    limits.begin("A", "::1");
  }
}

class ConnectionLimitTest : public NodeTest {
 protected:
  void start() {
    start_node();
    ASSERT_TRUE(ready) << start_error;
  }
  static RawClient connect(env::Task& task, sim::NodeEnv& at) {
    auto stream = at.env().network.connect(task, {.host = "broker", .port = 9092});
    EXPECT_TRUE(stream);
    return RawClient(at.env(), std::move(*stream));
  }
  static bool answers(env::Task& task, RawClient& raw) {
    const env::DeadlineScope deadline(task, raw.env().clock.now() + seconds(3));
    return raw.call<kafka::ApiVersionsResponse>(task, kafka::ApiVersionsRequest{}, 0).has_value();
  }
};

TEST_F(ConnectionLimitTest, BeyondTheMostOfThemOneWaitsUntilAnotherEnds) {
  settings = "max.connections=2\n";
  start();
  as_client([&](env::Task& task, sim::NodeEnv& at) {
    RawClient first = connect(task, at);
    EXPECT_TRUE(answers(task, first));
    {
      RawClient second = connect(task, at);
      EXPECT_TRUE(answers(task, second));
    }
    ASSERT_TRUE(env::sleep_until(task, at.env().clock.now() + seconds(1)));
    RawClient third = connect(task, at);
    EXPECT_TRUE(answers(task, third));
    RawClient fourth = connect(task, at);
    EXPECT_FALSE(answers(task, fourth));
    first.stream().close();
    ASSERT_TRUE(env::sleep_until(task, at.env().clock.now() + seconds(1)));
    // What it asked while it waited is answered.
    EXPECT_TRUE(fourth.receive(task));
    EXPECT_TRUE(answers(task, third));
  });
  EXPECT_TRUE(stop_node());
}

TEST_F(ConnectionLimitTest, AListenerHasALimitOfItsOwn) {
  settings =
      "listeners=PLAINTEXT://broker:9092,OTHER://broker:9093\n"
      "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,OTHER:PLAINTEXT\n"
      "listener.name.other.max.connections=0\n";
  start();
  as_client([&](env::Task& task, sim::NodeEnv& at) {
    auto stream = at.env().network.connect(task, {.host = "broker", .port = 9093});
    ASSERT_TRUE(stream);
    RawClient other(at.env(), std::move(*stream));
    EXPECT_FALSE(answers(task, other));
    RawClient raw = connect(task, at);
    EXPECT_TRUE(answers(task, raw));
  });
  EXPECT_TRUE(stop_node());
}

TEST_F(ConnectionLimitTest, BeyondTheMostOfOneAddressTheyAreClosed) {
  settings = "max.connections.per.ip=1\n";
  start();
  as_client([&](env::Task& task, sim::NodeEnv& at) {
    RawClient first = connect(task, at);
    EXPECT_TRUE(answers(task, first));
    RawClient second = connect(task, at);
    EXPECT_TRUE(second.ended(task, seconds(3)));
    EXPECT_TRUE(answers(task, first));
    first.stream().close();
    ASSERT_TRUE(env::sleep_until(task, at.env().clock.now() + seconds(1)));
    RawClient third = connect(task, at);
    EXPECT_TRUE(answers(task, third));
  });
}

TEST_F(ConnectionLimitTest, TheyComeNoFasterThanTheRate) {
  settings = "max.connection.creation.rate=2\n";
  start();
  as_client([&](env::Task& task, sim::NodeEnv& at) {
    const Instant begun = at.env().clock.now();
    for (int i = 0; i < 6; ++i) {
      RawClient raw = connect(task, at);
      EXPECT_TRUE(answers(task, raw)) << i;
    }
    const Duration took = at.env().clock.now() - begun;
    EXPECT_GE(took, milliseconds(1900));
    EXPECT_LT(took, seconds(3));
  });
}

}  // namespace
}  // namespace flux::test
