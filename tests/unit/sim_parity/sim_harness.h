// SimHarness: a world with one machine and one process on it, as tests/parity asks for a backend.
//
// The body runs in the process's main fiber, on the node's heap; what a test keeps of it is plain
// data, since the heap ends with the process.
#pragma once

#include <string>
#include <utility>

#include "core/base/check.h"
#include "sim/env/machine_disk.h"
#include "sim/env/node_env.h"
#include "sim/env/sim_disk.h"
#include "sim/env/sim_network.h"
#include "sim/world/world.h"

namespace flux::parity {

// What a simulated environment is made of, beyond what a scenario leaves alone.
struct SimSetup {
  fiber::ReadyOrder order = fiber::ReadyOrder::fifo;
  sim::NetworkHabits network;
  sim::LinkRule link;
  sim::DiskHabits disk;
};

// Setup is a type with `static SimSetup make()`.
template <class Setup>
class SimHarness {
 public:
  static std::string unavailable() { return {}; }

  SimHarness()
      : setup_(Setup::make()),
        world_({.seed = 1, .stacks = {}}),
        network_(world_, setup_.network, setup_.link),
        machine_(world_, "host", setup_.disk),
        process_(world_.add_process({.name = "node", .order = setup_.order})),
        disk_(machine_, process_, "/data"),
        node_(network_, process_, "host", disk_) {}

  // References of an Env are good for one life of the process, and here there is only one.
  env::Env& env() { return *env_; }
  std::string host() const { return "host"; }

  template <class Body>
  void run(Body&& body) {
    process_.start([&](env::Task& task) {
      env::Env env = node_.env();
      env_ = &env;
      body(task);
      // Tasks that the body left behind run to their ends before the process does.
      while (process_.loop().live() > 1) {
        CHECK(sleep_until(task, env.clock.now() + milliseconds(1)).has_value());
      }
      env_ = nullptr;
    });
    world_.run_until(sim::Time() + kBound);
    CHECK(!process_.alive(), "a body did not end within the bound");
    CHECK_EQ(process_.heap_bytes(), 0U);
  }

 private:
  // Of simulated time; no body waits that long.
  static constexpr Duration kBound = seconds(24 * 3600);

  SimSetup setup_;
  sim::World world_;
  sim::SimNetwork network_;
  sim::MachineDisk machine_;
  sim::Process& process_;
  sim::SimDisk disk_;
  sim::NodeEnv node_;
  env::Env* env_ = nullptr;
};

}  // namespace flux::parity
