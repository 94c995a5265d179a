// The two nodes that look at their world: a server that echoes and keeps files, and a client that
// calls it. Both go on whatever fails, and tell a Sight what they saw.
#pragma once

#include <string>

#include "core/env/env.h"
#include "sim/world/process.h"
#include "tests/unit/sim_parity/sight.h"

namespace flux::parity {

// Of the server: data, control, metadata.
inline constexpr std::array<std::uint16_t, 3> kPorts{9092, 9093, 9094};

struct ServerRole {
  Sight* sight = nullptr;
  bool twin = false;
  std::string address;
};

// Returns when the process is asked to stop.
void serve(env::Task& task, env::Env env, sim::Process& process, const ServerRole& role);
// Calls `server` for ever, wherever it is at the time.
void call(env::Task& task, env::Env env, Sight& sight, const std::string& server);

}  // namespace flux::parity
