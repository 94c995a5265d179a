// The probe node: listens, and serves one journal to any number of connections.
//
// Knobs (the scenario's broker_config): probe.bug = no_sync | no_crc | no_dedup | no_dir_sync, and
// probe.canary = pointer_order | uninitialised.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "core/base/result.h"
#include "core/env/env.h"

namespace flux::sim::probe {

struct NodeConfig {
  std::string address;
  std::uint16_t port = 0;
  std::string directory;
  std::map<std::string, std::string> knobs;
};

// A knob or a value that does not exist is `invalid`.
Result<void> check_knobs(const std::map<std::string, std::string>& knobs);

// Until `task` is cancelled (a clean stop) or the node cannot go on.
Result<void> serve(env::Task& task, env::Env& env, const NodeConfig& config);

}  // namespace flux::sim::probe
