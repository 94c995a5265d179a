// What runs as a broker process: the broker itself, or the simulator's own probe node.
//
// The simulator knows a node by this and by its environment, nothing more.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/env/env.h"
#include "sim/check/checker.h"
#include "sim/world/process.h"

namespace flux::sim {

struct NodeSetup {
  NodeId id{-1};
  std::string address;  // this host's, where it listens
  std::uint16_t port = 0;
  std::string log_directory;
  // All brokers of the cluster, for quorum voters and bootstrap lists.
  struct Peer {
    NodeId id{-1};
    std::string address;
    std::uint16_t port = 0;
  };
  std::vector<Peer> peers;
  std::map<std::string, std::string> config;
};

// One line of text for each member: what a node's record keeps.
std::string write_setup(const NodeSetup& setup);
Result<NodeSetup> read_setup(std::string_view text);

class NodeProgram {
 public:
  virtual ~NodeProgram() = default;

  // Before the run: a setup that the node would refuse is a mistake in the scenario.
  virtual Result<void> check(const NodeSetup& setup) const = 0;
  // Likewise a topic that it would not make.
  virtual Result<void> check_topic(const ClusterFacts::Topic&) const { return {}; }
  // In the node's process, on its heap, at each start. A stop request is heard through
  // process.on_stop(). The error of a node that could not go on is for the report.
  virtual Result<void> run(env::Task& task, env::Env& env, const NodeSetup& setup,
                           Process& process) = 0;
};

std::vector<std::string_view> program_names();
// Null when there is none of this name.
std::unique_ptr<NodeProgram> make_program(std::string_view name);

}  // namespace flux::sim
