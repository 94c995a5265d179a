// Server: the Kafka front door of a node: its listeners and their connections.
//
// listen() takes the ports, serve() begins to accept, stop() answers what is in flight and ends
// every connection. Between, trouble with one connection is that connection's alone.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/env/network.h"
#include "core/sync/task_group.h"
#include "net/server/connection.h"

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

 private:
  struct Listening {
    std::string name;
    std::unique_ptr<env::Listener> listener;
  };

  void accept_loop(env::Task& task, Listening& listening);
  void admit(const Listening& listening, std::unique_ptr<env::Connection> stream);

  Shared shared_;
  std::vector<Listening> listening_;
  sync::TaskGroup acceptors_;
  sync::TaskGroup connections_;
};

}  // namespace flux::server
