// A simulated world with one node on one machine, and clients in processes of their own.
//
//   TEST_F(NodeTest, ...) {
//     start_node();
//     with_client([&](env::Task& task, client::Client& client) { ... });
//     end_node(sim::Exit::power_cut);
//     start_node();
//   }
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "net/client/admin.h"
#include "net/client/consumer.h"
#include "net/client/plain_decoder.h"
#include "net/client/producer.h"
#include "net/node/node.h"
#include "sim/env/machine_disk.h"
#include "sim/env/node_env.h"
#include "sim/env/sim_disk.h"
#include "tests/node_support/raw_client.h"
#include "tests/support/world_assert.h"

namespace flux::test {

class NodeTest : public ::testing::Test {
 protected:
  NodeTest()
      : world({.seed = 1}),
        network(world, {}, {}),
        machine(world, "broker", {}),
        process(world.add_process({.name = "broker"})),
        disk(machine, process, "/broker"),
        broker_env(network, process, "broker", disk) {}
  ~NodeTest() override {
    if (process.alive()) process.end(sim::Exit::killed);
  }

  // More settings, as server.properties, for the starts to come.
  std::string settings;

  // Starts the node and waits until it serves.
  void start_node() {
    ready = false;
    start_error.clear();
    process.start([this](env::Task& task) { run_node(task); });
    for (int i = 0; i < 1000 && !ready && process.alive(); ++i) pass(milliseconds(10));
  }
  void end_node(sim::Exit exit) {
    running = nullptr;
    if (process.alive()) process.end(exit);
    if (exit == sim::Exit::power_cut) machine.power_cut();
  }
  // Asks it to stop; true when it ended by itself.
  bool stop_node() {
    process.request_stop();
    for (int i = 0; i < 6000 && process.alive(); ++i) pass(milliseconds(10));
    return !process.alive();
  }
  void pass(Duration time) { world.run_until(world.now() + time); }

  // Runs `body` in a process of its own until it returns.
  void as_client(std::function<void(env::Task&, sim::NodeEnv&)> body,
                 std::int64_t limit_seconds = 300) {
    sim::NodeEnv& at = new_client();
    auto ended = std::make_shared<bool>(false);
    at.process().start([&at, ended, body = std::move(body)](env::Task& task) {
      body(task, at);
      *ended = true;
    });
    const sim::Time limit = world.now() + seconds(limit_seconds);
    while (!*ended && world.now() < limit) pass(milliseconds(20));
    EXPECT_TRUE(*ended) << "the client did not end";
    if (!*ended) at.process().end(sim::Exit::killed);
  }
  void with_client(std::function<void(env::Task&, client::Client&)> body) {
    as_client([&body](env::Task& task, sim::NodeEnv& at) {
      client::ClientConfig config;
      config.bootstrap = {{.host = "broker", .port = 9092}};
      config.request_timeout = seconds(20);
      client::Client client(at.env(), config);
      body(task, client);
      client.close(task);
    });
  }
  // A connection that speaks frames.
  void with_stream(std::function<void(env::Task&, RawClient&)> body,
                   std::int64_t limit_seconds = 300) {
    const auto run = [&body](env::Task& task, sim::NodeEnv& at) {
      env::Env env = at.env();
      auto stream = env.network.connect(task, {.host = "broker", .port = 9092});
      ASSERT_TRUE(stream) << stream.error().to_string();
      RawClient raw(env, std::move(*stream));
      body(task, raw);
    };
    as_client(run, limit_seconds);
  }

  // A topic of one partition, if it is not there.
  static void ensure_topic(env::Task& task, client::Client& client, const std::string& name) {
    const auto made = client::Admin(client).create_topic(task, {.name = name, .partitions = 1});
    EXPECT_TRUE(made.ok() || made.wire == kafka::WireError::topic_already_exists);
  }

  // Produces one record and returns what became of it.
  static client::RecordResult produce(env::Task& task, client::Client& client,
                                      const std::string& topic, const std::string& value,
                                      const client::ProducerConfig& config = {}) {
    client::Producer producer(client, config);
    auto result = producer.produce(
        task, {.topic = topic, .partition = PartitionIndex(0), .value = to_bytes(as_bytes(value))});
    producer.close(task);
    return result;
  }
  // Values of partition 0 from its beginning to the high watermark.
  static std::vector<std::string> consume(env::Task& task, client::Client& client,
                                          const std::string& topic) {
    const TopicPartition at{topic, PartitionIndex(0)};
    client::Consumer consumer(client, {.fetch_wait_max = milliseconds(100)});
    consumer.assign(at, client::StartAt::beginning());
    std::vector<std::string> out;
    for (int i = 0; i < 1000; ++i) {
      auto news = consumer.poll(task, seconds(5));
      EXPECT_TRUE(news);
      if (!news) break;
      for (const client::PartitionNews& one : *news) {
        if (one.error && !one.retrying) return {one.error->to_string()};
        for (const auto& record : one.records) {
          out.emplace_back(record.value ? as_text(*record.value) : "(null)");
        }
      }
      if (consumer.position(at) && consumer.high_watermark(at) == *consumer.position(at)) break;
    }
    return out;
  }

  // A topic "t" with one record, "before"; a sync of its log then fails, and nobody knows what
  // became of another, "during".
  void start_and_lose_a_log() {
    start_node();
    ASSERT_TRUE(ready) << start_error;
    with_client([&](env::Task& task, client::Client& client) {
      ensure_topic(task, client, "t");
      ASSERT_EQ(produce(task, client, "t", "before").fate, client::Fate::acknowledged);
    });
    machine.image().order({.fault = sim::OrderedFault::sync_error, .path = "*t-0*", .count = 1});
    with_client([&](env::Task& task, client::Client& client) {
      const auto failed =
          produce(task, client, "t", "during",
                  {.idempotent = false, .retries = 0, .delivery_timeout = seconds(5)});
      EXPECT_EQ(failed.fate, client::Fate::unknown);
    });
  }

  sim::World world;
  sim::SimNetwork network;
  sim::MachineDisk machine;
  sim::Process& process;
  sim::SimDisk disk;
  sim::NodeEnv broker_env;
  node::Node* running = nullptr;  // on the node's heap, while it runs
  bool ready = false;
  std::string start_error;

 private:
  void run_node(env::Task& task) {
    auto config =
        node::Config::parse("listeners=PLAINTEXT://broker:9092\nlog.dirs=data\n" + settings);
    if (!config) {
      set_error(config.error().to_string());
      return;
    }
    node::Node node(broker_env.env(), std::move(*config));
    auto started = node.start(task);
    if (!started) {
      set_error(started.error().to_string());
      return;
    }
    running = &node;
    ready = true;
    process.on_stop([&node] { node.request_stop(); });
    auto waited = node.wait(task);
    EXPECT_TRUE(waited);
    auto stopped = node.stop(task);
    EXPECT_TRUE(stopped) << stopped.error().to_string();
    running = nullptr;
  }
  // The text outlives the node's heap.
  void set_error(std::string_view why) {
    const sim::WorldScope scope;
    start_error = std::string(why);
  }

  sim::NodeEnv& new_client() {
    const std::string name = "client" + std::to_string(clients_.size());
    sim::Process& client = world.add_process({.name = name});
    clients_.push_back(std::make_unique<sim::NodeEnv>(network, client, name, disk));
    return *clients_.back();
  }

  std::vector<std::unique_ptr<sim::NodeEnv>> clients_;
};

}  // namespace flux::test
