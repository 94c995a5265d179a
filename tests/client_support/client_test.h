// A simulated world with fake brokers and one process that runs a client.
#pragma once

#include <gtest/gtest.h>

#include "core/base/check.h"
#include "net/client/admin.h"
#include "net/client/consumer.h"
#include "net/client/producer.h"
#include "sim/env/node_env.h"
#include "tests/client_support/fake_broker.h"
#include "tests/support/world_assert.h"

namespace flux::test {

// These tests use no files.
class NoDisk final : public env::Disk {
 public:
  Result<std::unique_ptr<env::File>> open(env::Task&, std::string_view, env::Open) override {
    return none();
  }
  Result<void> make_directory(env::Task&, std::string_view) override { return none(); }
  Result<void> rename(env::Task&, std::string_view, std::string_view) override { return none(); }
  Result<void> remove(env::Task&, std::string_view) override { return none(); }
  Result<void> sync_directory(env::Task&, std::string_view) override { return none(); }
  Result<std::vector<env::DirectoryEntry>> list(env::Task&, std::string_view) override {
    return none();
  }
  Result<env::Space> space(env::Task&) override { return none(); }
  std::uint64_t boot_id() override { return 0; }

 private:
  static std::unexpected<Error> none() { return fail(ErrorCode::unsupported); }
};

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() : world({.seed = 1}), network(world, {}, {}) {}

  sim::NodeEnv& node(const std::string& name) {
    sim::Process& process = world.add_process({.name = name});
    nodes.push_back(std::make_unique<sim::NodeEnv>(network, process, name, disk));
    return *nodes.back();
  }
  void add_broker(int id) {
    const std::string name = "broker" + std::to_string(id);
    cluster.brokers[NodeId(id)] = {.host = name, .port = 9092};
    sim::NodeEnv& at = node(name);
    at.process().start(
        [this, &at, id](env::Task& task) { serve_fake(task, at.env(), cluster, NodeId(id)); });
  }
  client::ClientConfig config() const {
    client::ClientConfig out;
    out.bootstrap = {{.host = "broker1", .port = 9092}};
    out.request_timeout = seconds(2);
    out.connect_timeout = seconds(2);
    out.api_timeout = seconds(10);
    return out;
  }
  // Runs `body` with a client in a process of its own until it returns.
  void with_client(std::function<void(env::Task&, client::Client&)> body,
                   const client::ClientConfig& with, std::int64_t limit_seconds = 300) {
    sim::NodeEnv& at = node("client");
    bool ended = false;
    at.process().start([&, body = std::move(body)](env::Task& task) {
      client::Client client(at.env(), with);
      body(task, client);
      client.close(task);
      ended = true;
    });
    world.run_until(world.now() + seconds(limit_seconds));
    EXPECT_TRUE(ended) << "the client did not end";
  }
  void with_client(std::function<void(env::Task&, client::Client&)> body) {
    with_client(std::move(body), config());
  }
  std::uint64_t requests(kafka::ApiKey api) { return cluster.counts[api]; }

  sim::World world;
  sim::SimNetwork network;
  NoDisk disk;
  std::vector<std::unique_ptr<sim::NodeEnv>> nodes;
  FakeCluster cluster;
};

inline client::ProducerRecord record_of(const std::string& value, int partition = 0) {
  return {.topic = "t", .partition = PartitionIndex(partition), .value = to_bytes(as_bytes(value))};
}

inline std::vector<std::string> numbered(int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) out.push_back("v" + std::to_string(i));
  return out;
}

}  // namespace flux::test
