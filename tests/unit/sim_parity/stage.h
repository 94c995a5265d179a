// Stage: two machines, a server on one and a client on the other, and faults by their names in the
// registry, struck through the injector as in any run.
//
// Without a fault its disks keep everything over a power cut, so that what is missing afterwards is
// a fault's work.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/env/node_env.h"
#include "sim/env/sim_disk.h"
#include "sim/fault/injector.h"
#include "tests/unit/sim_parity/observers.h"

namespace flux::parity {

class Stage final : public sim::Ground,
                    private sim::ProcessWatcher,
                    private sim::EventTarget,
                    private sim::FaultObserver {
 public:
  Stage(std::uint64_t seed, Sight& sight);

  // Runs the plan to its end; the names of the faults that struck.
  Result<std::vector<std::string>> play(const sim::FaultPlan& plan, Duration length);

  // Ground
  sim::World& world() override { return world_; }
  sim::SimNetwork& network() override { return network_; }
  const std::vector<sim::GroundProcess>& processes() const override { return ground_processes_; }
  const std::vector<sim::GroundHost>& hosts() const override { return ground_hosts_; }
  void hold(std::uint32_t process, sim::Exit exit) override;
  void hold_in_order(std::uint32_t process) override;
  void release(std::uint32_t process) override;
  void power_cut(std::uint32_t host) override;
  void power_on(std::uint32_t host) override;
  void move(std::uint32_t host) override;
  std::uint32_t start_twin(std::uint32_t process) override;
  void end_twin(std::uint32_t twin) override;

 private:
  static constexpr std::uint32_t kServer = 0;
  static constexpr std::uint32_t kClient = 1;
  struct Player {
    sim::Process* process = nullptr;
    std::unique_ptr<sim::SimDisk> disk;
    std::unique_ptr<sim::NodeEnv> env;
    std::uint32_t holds = 0;
    bool twin = false;
  };

  void add(const std::string& host, const std::string& process, const std::string& root);
  void begin(std::uint32_t process);
  void fire(std::uint64_t process) override { begin(static_cast<std::uint32_t>(process)); }
  void process_ended(sim::Process& process, sim::Exit exit) override;
  void fault_happened(const sim::FaultEvent&) override {}
  void clock_changed(const sim::ClockChange&) override {}

  Sight& sight_;
  sim::World world_;
  sim::SimNetwork network_;
  std::vector<std::unique_ptr<sim::MachineDisk>> disks_;
  std::vector<std::unique_ptr<Player>> players_;
  std::vector<sim::GroundProcess> ground_processes_;
  std::vector<sim::GroundHost> ground_hosts_;
  std::unique_ptr<sim::Injector> injector_;
};

}  // namespace flux::parity
