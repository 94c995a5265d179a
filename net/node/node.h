// Node: one whole Flux node over an environment. The simulator and the daemon build exactly this.
//
//   Node node(env, config);
//   TRY(node.start(task));
//   TRY(node.wait(task));   // until request_stop()
//   TRY(node.stop(task));   // everything answered, synced and closed
//
// Invariants: start() returns once clients are served; after a start() that failed, and after
// stop(), nothing of the node runs any more. It never asks whether it is simulated.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/broker/broker.h"
#include "core/broker/reserve.h"
#include "core/controller/controller.h"
#include "core/controller/data_directory.h"
#include "core/env/env.h"
#include "core/metrics/metered_disk.h"
#include "core/sync/event.h"
#include "net/node/config.h"
#include "net/node/kafka_record_codec.h"
#include "net/node/monitor.h"
#include "net/server/server.h"

namespace flux::node {

class Node {
 public:
  Node(const env::Env& env, Config config);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  Result<void> start(env::Task& task);
  // Does not suspend: may be called from outside of any task.
  void request_stop() { stop_requested_.set(); }
  Result<void> wait(env::Task& task) { return stop_requested_.wait(task); }
  // Not cut short by cancellation.
  Result<void> stop(env::Task& task);
  // All of the above in turn.
  Result<void> run(env::Task& task);

  const Config& config() const { return config_; }
  // Once started.
  const std::string& cluster_id() const { return directory_->properties().cluster_id; }
  // With real port numbers.
  std::vector<server::ListenerConfig> listeners() const { return server_->listeners(); }
  // Where it tells how it is, if it was asked to.
  std::optional<env::Endpoint> http() const;
  controller::Controller& controller() { return *controller_; }
  broker::Broker& broker() { return *broker_; }

 private:
  Result<void> start_monitor(env::Task& task);
  Result<void> start_parts(env::Task& task);
  void build();
  controller::RegisterBrokerRecord registration() const;
  std::vector<controller::BrokerEndpoint> endpoints() const;

  metrics::MeteredDisk disk_;
  const Config config_;
  broker::Reserve reserve_;  // on that disk
  env::Env env_;             // on that reserve
  KafkaRecordCodec codec_;
  sync::Event stop_requested_;
  std::unique_ptr<Monitor> monitor_;  // uses all others
  // In the order of their making; each uses those before it.
  std::unique_ptr<controller::DataDirectory> directory_;
  std::unique_ptr<controller::Controller> controller_;
  std::unique_ptr<broker::Broker> broker_;
  std::unique_ptr<server::Server> server_;
  bool controller_started_ = false;
};

}  // namespace flux::node
