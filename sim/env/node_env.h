// NodeEnv: the simulated environment of one process, put together as env::Env.
#pragma once

#include "core/env/env.h"
#include "sim/env/node_network.h"
#include "sim/world/world.h"

namespace flux::sim {

class SimClock final : public env::Clock {
 public:
  explicit SimClock(Process& process) : process_(process) {}
  Instant now() override { return process_.local_now(); }
  WallTime wall_now() override;

 private:
  Process& process_;
};

// Draws by (world's seed, incarnation of the process, key).
class SimRandom final : public env::Random {
 public:
  explicit SimRandom(Process& process) : process_(process) {}
  std::uint64_t draw(Key key, std::uint64_t bound) override;
  std::uint64_t draw_u64(Key key) override { return draw(key, UINT64_MAX); }

 private:
  Process& process_;
};

class SimTrace final : public env::Trace {
 public:
  explicit SimTrace(Process& process) : process_(process) {}
  // Always: ids are given whether or not anybody listens.
  bool wants(env::Severity) const override { return true; }
  void emit(env::Severity severity, std::string_view event,
            std::initializer_list<env::Field> fields) override;

 private:
  Process& process_;
};

class NodeEnv {
 public:
  NodeEnv(SimNetwork& network, Process& process, std::string host, env::Disk& disk)
      : clock_(process),
        random_(process),
        trace_(process),
        network_(network, process, std::move(host)),
        process_(process),
        disk_(disk) {}

  // For one incarnation: the scheduler is the incarnation's loop.
  env::Env env() { return {clock_, process_.loop(), network_, disk_, random_, trace_}; }
  NodeNetwork& network() { return network_; }
  Process& process() { return process_; }

 private:
  SimClock clock_;
  SimRandom random_;
  SimTrace trace_;
  NodeNetwork network_;
  Process& process_;
  env::Disk& disk_;
};

}  // namespace flux::sim
