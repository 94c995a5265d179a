// Server: the Kafka front door of a node: its listeners and their connections.
//
// listen() takes the ports, serve() begins to accept, stop() answers what is in flight and ends
// every connection. Between, trouble with one connection is that connection's alone.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/env/network.h"
#include "core/sync/condition.h"
#include "core/sync/task_group.h"
#include "net/server/connection.h"
#include "net/server/connection_limits.h"
#include "net/server/seldom.h"

namespace flux::server {

class Server {
 public:
  Server(env::Env& env, broker::Broker& broker, const ServerConfig& config, NodeFacts facts);

  // An error names the listener.
  Result<void> listen(env::Task& task);
  // Where it listens, in the order of the configuration, with real port numbers.
  std::vector<ListenerConfig> listeners() const;
  void serve();
  Result<void> stop(env::Task& task);

  std::size_t connections() const { return connections_.running(); }
  void write_metrics(metrics::Exposition& to) const;

 private:
  struct Listening {
    std::string name;
    std::unique_ptr<env::Listener> listener;
  };

  void accept_loop(env::Task& task, Listening& listening);
  Result<void> admit(env::Task& task, const Listening& listening,
                     std::unique_ptr<env::Connection> stream);
  Result<void> wait_for_room(env::Task& task, const Listening& listening);
  void refuse(const Listening& listening, const env::Connection& stream, std::string_view limit,
              metrics::Counter& count);
  void start(const Listening& listening, std::unique_ptr<env::Connection> stream);

  Shared shared_;
  std::vector<Listening> listening_;
  ConnectionLimits limits_;
  sync::Condition room_;  // a connection ended
  Seldom refusals_;
  Seldom waits_;
  sync::TaskGroup acceptors_;
  sync::TaskGroup connections_;
};

}  // namespace flux::server
