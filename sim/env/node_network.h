// NodeNetwork: the network as one process sees it; implements env::Network over SimNetwork.
//
// The objects handed to the node live in the node's heap and only name what the world keeps, so
// that a kill can drop them unseen.
#pragma once

#include "sim/env/sim_network.h"

namespace flux::sim {

class NodeNetwork final : public env::Network {
 public:
  // `host` is the name others reach this process by.
  NodeNetwork(SimNetwork& network, Process& process, std::string host)
      : network_(network), process_(process), host_(std::move(host)) {}

  const std::string& host() const { return host_; }
  // The machine came back under another address; for the next incarnation.
  void move_to(std::string host) { host_ = std::move(host); }

  Result<std::unique_ptr<env::Listener>> listen(env::Task& task, const env::Endpoint& at) override;
  Result<std::unique_ptr<env::Connection>> connect(env::Task& task,
                                                   const env::Endpoint& to) override;

 private:
  SimNetwork& network_;
  Process& process_;
  std::string host_;
};

}  // namespace flux::sim
