// What the network of the real world promises beyond the contract: names, both families of
// addresses, and what happens when descriptors run out.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "real/os/fd.h"
#include "real/os/net/socket_address.h"
#include "tests/unit/real/os/test_env.h"

namespace flux::os {
namespace {

TEST(SocketAddress, NumericAddressesComeBackAsTheyWere) {
  for (const char* host : {"127.0.0.1", "::1", "2001:db8::7"}) {
    const auto address = SocketAddress::numeric(host, 9092);
    ASSERT_TRUE(address.has_value()) << host;
    EXPECT_EQ(address->endpoint(), (env::Endpoint{host, 9092}));
  }
  EXPECT_EQ(SocketAddress::numeric("::ffff:10.0.0.1", 1)->endpoint().host, "10.0.0.1");
  EXPECT_FALSE(SocketAddress::numeric("localhost", 1).has_value());
  EXPECT_FALSE(SocketAddress::numeric("", 1).has_value());
}

TEST(OsNetwork, ResolvesNamesAndListensOnEveryAddress) {
  TestEnv world;
  world.run([&](env::Task& task) {
    env::Network& network = world.env().network;
    const auto listener = network.listen(task, {"", 0});
    ASSERT_TRUE(listener.has_value()) << listener.error().to_string();
    const std::uint16_t port = (*listener)->local().port;
    for (const char* host : {"127.0.0.1", "localhost"}) {
      const auto client = network.connect(task, {host, port});
      ASSERT_TRUE(client.has_value()) << client.error().to_string();
      const auto server = (*listener)->accept(task);
      ASSERT_TRUE(server.has_value());
      // Not "::ffff:127.0.0.1", though it came through an IPv6 socket.
      EXPECT_EQ((*server)->peer(), (*client)->local());
    }
  });
}

TEST(OsNetwork, AddressesThatCannotBe) {
  TestEnv world;
  world.run([&](env::Task& task) {
    env::Network& network = world.env().network;
    const auto unknown = network.connect(task, {"no-such-host.invalid", 9});
    ASSERT_FALSE(unknown.has_value());
    EXPECT_EQ(unknown.error().code(), ErrorCode::unreachable) << unknown.error().to_string();
    const auto not_ours = network.listen(task, {"203.0.113.1", 0});
    ASSERT_FALSE(not_ours.has_value());
    EXPECT_EQ(not_ours.error().code(), ErrorCode::invalid);
    EXPECT_EQ(network.connect(task, {"", 9}).error().code(), ErrorCode::invalid);
  });
}

TEST(OsNetwork, ATaskThatGivesUpOnANameLeavesTheQuestion) {
  TestEnv world;
  world.run([&](env::Task& task) {
    const env::DeadlineScope passed(task, world.env().clock.now());
    const auto connected = world.env().network.connect(task, {"no-such-host.invalid", 9});
    ASSERT_FALSE(connected.has_value());
    EXPECT_EQ(connected.error().code(), ErrorCode::timed_out);
  });
}

Fd raw_connect(std::uint16_t port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const SocketAddress to = *SocketAddress::numeric("127.0.0.1", port);
  CHECK(::connect(fd.get(), to.get(), to.length()) == 0);
  return fd;
}

TEST(OsNetwork, NoDescriptorLeftTurnsPeersAwayAndDoesNotSpin) {
  TestEnv world;
  world.run([&](env::Task& task) {
    const auto listener = world.env().network.listen(task, {"127.0.0.1", 0});
    ASSERT_TRUE(listener.has_value());
    const std::uint16_t port = (*listener)->local().port;
    const Fd first = raw_connect(port);
    // UBSan looks at a type's vptr through a pipe the first time that it meets the type; below
    // there is no descriptor left for one.
    ASSERT_FALSE(world.env().trace.wants(env::Severity::info));
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{3, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    const std::uint64_t turns_before = world.real().runs().turns;
    const auto refused = (*listener)->accept(task);
    const std::uint64_t turns = world.real().runs().turns - turns_before;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code(), ErrorCode::too_many_files);
    EXPECT_LT(turns, 20U);
    // With descriptors to spare again, the next peer is served.
    const Fd second = raw_connect(port);
    const env::DeadlineScope scope(task, world.env().clock.now() + seconds(10));
    EXPECT_TRUE((*listener)->accept(task).has_value());
  });
}

}  // namespace
}  // namespace flux::os
