// Streams between simulated hosts, and each way in which they fail.
#include <numeric>

#include <gtest/gtest.h>

#include "sim/env/node_env.h"

namespace flux::sim {
namespace {

using env::Connection;
using env::Task;

// These tests use no files.
class NoDisk final : public env::Disk {
 public:
  Result<std::unique_ptr<env::File>> open(Task&, std::string_view, env::Open) override {
    return none();
  }
  Result<void> make_directory(Task&, std::string_view) override { return none(); }
  Result<void> rename(Task&, std::string_view, std::string_view) override { return none(); }
  Result<void> remove(Task&, std::string_view) override { return none(); }
  Result<void> sync_directory(Task&, std::string_view) override { return none(); }
  Result<std::vector<env::DirectoryEntry>> list(Task&, std::string_view) override { return none(); }
  Result<env::Space> space(Task&) override { return none(); }
  std::uint64_t boot_id() override { return 0; }

 private:
  static std::unexpected<Error> none() { return fail(ErrorCode::unsupported); }
};

Bytes pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 31 + i / 251);
  return bytes;
}

class NetworkTest : public ::testing::Test {
 protected:
  NetworkTest() : NetworkTest(1) {}
  explicit NetworkTest(std::uint64_t seed) : world({.seed = seed}), network(world, {}, {}) {}

  NodeEnv& node(const std::string& name) {
    Process& process = world.add_process({.name = name});
    nodes.push_back(std::make_unique<NodeEnv>(network, process, name, disk));
    return *nodes.back();
  }
  // Accepts one connection and hands it to `body`.
  void serve(NodeEnv& at, std::function<void(Task&, Connection&)> body) {
    at.process().start([&at, then = std::move(body)](Task& task) {
      auto listener = at.env().network.listen(task, {"", 9092}).value();
      auto connection = listener->accept(task).value();
      then(task, *connection);
    });
  }
  void dial(NodeEnv& from, std::function<void(Task&, Connection&)> body) {
    from.process().start([&from, then = std::move(body)](Task& task) {
      auto connection = from.env().network.connect(task, {"server", 9092});
      ASSERT_TRUE(connection.has_value()) << connection.error().to_string();
      then(task, **connection);
    });
  }
  void run(std::int64_t to_seconds) { world.run_until(Time() + seconds(to_seconds)); }

  World world;
  SimNetwork network;
  NoDisk disk;
  std::vector<std::unique_ptr<NodeEnv>> nodes;
};

// Reads to the end of the stream; the lengths of the single reads go to `pieces`.
Bytes read_all(Task& task, Connection& connection, std::vector<std::size_t>* pieces = nullptr) {
  Bytes all;
  std::array<std::byte, 5000> buffer;
  for (;;) {
    const auto count = connection.read_some(task, buffer);
    EXPECT_TRUE(count.has_value());
    if (!count || *count == 0) return all;
    append(all, ByteView(buffer).first(*count));
    const WorldScope scope;  // what the test keeps is not the node's
    if (pieces) pieces->push_back(*count);
  }
}

TEST_F(NetworkTest, BytesArriveInOrderHoweverTheyAreCut) {
  network.habits().short_read = ratio(1, 2);
  network.habits().short_write = ratio(1, 3);
  network.default_rule().loss = ratio(1, 10);
  network.default_rule().reorder = ratio(1, 10);
  network.default_rule().tail = ratio(1, 20);
  const Bytes sent = pattern(1'000'000);
  Bytes received;
  std::vector<std::size_t> pieces;
  NodeEnv& server = node("server");
  NodeEnv& client = node("client");
  serve(server, [&](Task& task, Connection& connection) {
    Bytes all = read_all(task, connection, &pieces);
    const WorldScope scope;
    received = to_bytes(all);
  });
  dial(client, [&](Task& task, Connection& connection) {
    std::size_t size = 1;
    for (ByteView rest = sent; !rest.empty(); size = size * 7 % 9973 + 1) {
      const std::size_t count = std::min(size, rest.size());
      ASSERT_TRUE(write_all(task, connection, rest.first(count)).has_value());
      rest = rest.subspan(count);
    }
    connection.shutdown_write();
    EXPECT_EQ(connection.write_some(task, as_bytes("x")).error(), ErrorCode::closed);
    std::byte end{};
    EXPECT_EQ(connection.read_some(task, {&end, 1}).value(), 0U);
  });
  run(600);
  EXPECT_TRUE(equal(sent, received));
  EXPECT_GT(pieces.size(), 250U);
  EXPECT_GT(network.counted(NetworkCounter::short_read), 50U);
  EXPECT_GT(network.counted(NetworkCounter::short_write), 50U);
  EXPECT_GT(network.counted(NetworkCounter::loss), 10U);
  EXPECT_GT(network.counted(NetworkCounter::reorder), 10U);
  EXPECT_GT(network.counted(NetworkCounter::tail), 5U);
}

TEST_F(NetworkTest, AFullWindowStopsTheWriter) {
  network.habits().window_bytes = 1000;
  std::size_t taken = 0;
  NodeEnv& server = node("server");
  NodeEnv& client = node("client");
  serve(server, [&](Task& task, Connection& connection) {
    ASSERT_TRUE(sleep_until(task, server.process().local_now() + seconds(5)).has_value());
    EXPECT_EQ(read_all(task, connection).size(), 3000U);
  });
  dial(client, [&](Task& task, Connection& connection) {
    const Bytes bytes = pattern(3000);
    const env::DeadlineScope soon(task, client.process().local_now() + seconds(1));
    taken = connection.write_some(task, bytes).value();
    EXPECT_EQ(connection.write_some(task, bytes).error(), ErrorCode::timed_out);
  });
  run(2);
  EXPECT_EQ(taken, 1000U);
}

TEST_F(NetworkTest, NobodyListensIsRefused) {
  NodeEnv& client = node("client");
  node("server");
  std::optional<ErrorCode> error;
  client.process().start([&](Task& task) {
    error = client.env().network.connect(task, {"server", 1}).error().code();
  });
  run(1);
  EXPECT_EQ(error, ErrorCode::refused);
  EXPECT_EQ(network.counted(NetworkCounter::refused), 1U);
}

TEST_F(NetworkTest, APortIsTakenOnce) {
  NodeEnv& server = node("server");
  server.process().start([&](Task& task) {
    auto first = server.env().network.listen(task, {"", 9092});
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(server.env().network.listen(task, {"", 9092}).error(), ErrorCode::address_in_use);
    auto any = server.env().network.listen(task, {"", 0});
    EXPECT_NE((*any)->local().port, 0);
    first->reset();
    EXPECT_TRUE(server.env().network.listen(task, {"", 9092}).has_value());
  });
  run(1);
  EXPECT_FALSE(server.process().alive());
}

TEST_F(NetworkTest, AKilledPeerEndsTheStreamAndItsBytesAreAnsweredByAReset) {
  NodeEnv& server = node("server");
  NodeEnv& client = node("client");
  std::string said;
  serve(server, [&](Task& task, Connection&) { task.scheduler().park(task); });
  dial(client, [&](Task& task, Connection& connection) {
    std::byte byte{};
    EXPECT_EQ(connection.read_some(task, {&byte, 1}).value(), 0U);
    said += "end,";
    EXPECT_TRUE(connection.write_some(task, as_bytes("x")).has_value());
    ASSERT_TRUE(sleep_until(task, client.process().local_now() + seconds(1)).has_value());
    EXPECT_EQ(connection.write_some(task, as_bytes("x")).error(), ErrorCode::reset);
    said += "reset";
  });
  run(1);
  server.process().end(Exit::killed);
  run(5);
  EXPECT_EQ(said, "end,reset");
}

TEST_F(NetworkTest, APowerCutIsSilentUntilTheHostIsBack) {
  NodeEnv& server = node("server");
  NodeEnv& client = node("client");
  std::string said;
  serve(server, [&](Task& task, Connection&) { task.scheduler().park(task); });
  dial(client, [&](Task& task, Connection& connection) {
    for (;;) {
      ASSERT_TRUE(sleep_until(task, client.process().local_now() + seconds(1)).has_value());
      const auto wrote = connection.write_some(task, as_bytes("x"));
      const WorldScope scope;
      said += wrote ? "w" : "r";
      if (!wrote) return;
    }
  });
  run(1);
  server.process().end(Exit::power_cut);
  network.set_host_up("server", false);
  run(5);
  EXPECT_EQ(said.find('r'), std::string::npos);
  network.set_host_up("server", true);
  run(9);
  EXPECT_EQ(said.back(), 'r');
}

TEST_F(NetworkTest, AOneWayPartitionHoldsBytesBackUntilItHeals) {
  NodeEnv& server = node("server");
  NodeEnv& client = node("client");
  Time got;
  serve(server, [&](Task& task, Connection& connection) {
    std::byte byte{};
    EXPECT_EQ(connection.read_some(task, {&byte, 1}).value(), 1U);
    got = world.now();
    EXPECT_TRUE(connection.write_some(task, as_bytes("y")).has_value());
    task.scheduler().park(task);
  });
  dial(client, [&](Task& task, Connection& connection) {
    ASSERT_TRUE(sleep_until(task, client.process().local_now() + seconds(2)).has_value());
    EXPECT_TRUE(connection.write_some(task, as_bytes("x")).has_value());
    std::byte byte{};
    EXPECT_EQ(connection.read_some(task, {&byte, 1}).value(), 1U);
    task.scheduler().park(task);
  });
  run(1);
  network.rule("client", "server").blocked = true;
  run(10);
  EXPECT_EQ(got, Time());
  EXPECT_EQ(network.counted(NetworkCounter::held), 1U);
  network.rule("client", "server").blocked = false;
  network.release();
  run(11);
  EXPECT_GE(got, Time() + seconds(10));
}

TEST_F(NetworkTest, BytesThatNeverPassResetTheConnectionInTheEnd) {
  network.default_rule().black_hole_above_bytes = 1000;
  NodeEnv& server = node("server");
  NodeEnv& client = node("client");
  std::string said;
  serve(server, [&](Task& task, Connection& connection) {
    std::array<std::byte, 100> buffer;
    EXPECT_EQ(connection.read_some(task, buffer).value(), 5U);
    EXPECT_EQ(connection.read_some(task, buffer).error(), ErrorCode::timed_out);
    said += "server";
  });
  dial(client, [&](Task& task, Connection& connection) {
    EXPECT_TRUE(write_all(task, connection, as_bytes("small")).has_value());
    ASSERT_TRUE(sleep_until(task, client.process().local_now() + seconds(1)).has_value());
    EXPECT_TRUE(write_all(task, connection, pattern(2000)).has_value());
    std::byte byte{};
    EXPECT_EQ(connection.read_some(task, {&byte, 1}).error(), ErrorCode::timed_out);
    said += "client";
  });
  run(100);
  EXPECT_EQ(network.counted(NetworkCounter::give_up), 1U);
  EXPECT_EQ(said.size(), 12U);
}

TEST_F(NetworkTest, ResetsAndHalfOpenPeersReachOnlyTheChosen) {
  NodeEnv& server = node("server");
  NodeEnv& client = node("client");
  std::string said;
  serve(server, [&](Task& task, Connection& connection) {
    std::byte byte{};
    EXPECT_EQ(connection.read_some(task, {&byte, 1}).error(), ErrorCode::reset);
    said += "s";
  });
  dial(client, [&](Task& task, Connection& connection) {
    std::byte byte{};
    EXPECT_EQ(connection.read_some(task, {&byte, 1}).error(), ErrorCode::reset);
    said += "c";
  });
  run(1);
  EXPECT_EQ(network.reset_connections("elsewhere", 0, kAlways, key("t")), 0U);
  EXPECT_EQ(network.reset_connections("server", 1, kAlways, key("t")), 0U);
  EXPECT_EQ(network.reset_connections("server", 9092, kAlways, key("t")), 1U);
  run(2);
  EXPECT_EQ(said.size(), 2U);
}

TEST_F(NetworkTest, ALimitOnSocketsIsTooManyFiles) {
  NodeEnv& client = node("client");
  NodeEnv& server = node("server");
  serve(server, [&](Task& task, Connection&) { task.scheduler().park(task); });
  network.set_socket_limit(client.process(), 1);
  std::optional<ErrorCode> error;
  dial(client, [&](Task& task, Connection&) {
    error = client.env().network.connect(task, {"server", 9092}).error().code();
  });
  run(1);
  EXPECT_EQ(error, ErrorCode::too_many_files);
}

// Keyed randomness: what one pair of hosts does leaves what happens to another pair as it was.
std::vector<std::int64_t> arrival_times(bool with_others) {
  World world({.seed = 11});
  SimNetwork network(world, {}, {});
  NoDisk disk;
  std::vector<std::unique_ptr<NodeEnv>> nodes;
  std::vector<std::int64_t> times;
  const auto pair = [&](const std::string& a, const std::string& b, bool watched) {
    for (const std::string& name : {a, b}) {
      nodes.push_back(
          std::make_unique<NodeEnv>(network, world.add_process({.name = name}), name, disk));
    }
    NodeEnv& server = *nodes[nodes.size() - 2];
    NodeEnv& client = *nodes.back();
    server.process().start([&, watched](Task& task) {
      auto listener = server.env().network.listen(task, {"", 1}).value();
      auto connection = listener->accept(task).value();
      for (int i = 0; i < 100; ++i) {
        std::byte byte{};
        ASSERT_TRUE(read_exact(task, *connection, {&byte, 1}).has_value());
        const WorldScope scope;
        if (watched) times.push_back(world.now().ns());
      }
    });
    client.process().start([&, a](Task& task) {
      auto connection = client.env().network.connect(task, {a, 1}).value();
      for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(connection->write_some(task, as_bytes("x")).has_value());
        ASSERT_TRUE(sleep_until(task, client.process().local_now() + milliseconds(3)).has_value());
      }
    });
  };
  if (with_others) pair("c", "d", false);
  pair("a", "b", true);
  world.run_until(Time() + seconds(10));
  return times;
}

TEST(Network, OtherTrafficChangesNothing) {
  const std::vector<std::int64_t> alone = arrival_times(false);
  EXPECT_EQ(alone.size(), 100U);
  EXPECT_EQ(alone, arrival_times(true));
}

}  // namespace
}  // namespace flux::sim
