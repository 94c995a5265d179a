// Cluster: the hosts, disks, network and processes of one run, put together from a scenario.
//
// It starts processes, starts again what ended (RestartPolicy) unless a fault holds it down, tells
// the history what happened to nodes and disks, and is the ground on which faults are injected.
// Brokers stand on host1.. with brokers_per_host each; every client has a host of its own. All of
// it lives as long as the world's events.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/check/history.h"
#include "sim/cluster/program.h"
#include "sim/cluster/scenario.h"
#include "sim/cluster/seats.h"
#include "sim/env/machine_disk.h"
#include "sim/env/node_env.h"
#include "sim/env/sim_disk.h"
#include "sim/env/sim_network.h"
#include "sim/fault/ground.h"
#include "sim/replay/recording_env.h"
#include "sim/workload/workloads.h"

namespace flux::sim {

inline constexpr std::uint16_t kBrokerPort = 9092;

class Cluster final : public Ground, private ProcessWatcher, private EventTarget {
 public:
  Cluster(World& world, const Scenario& scenario, History& history);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  const ClusterFacts& facts() const { return facts_; }
  // Whether the nodes would take their setups.
  Result<void> check() const;
  // Writes down all that this broker is told and does; false when there is none of this name.
  bool record(std::string_view process);
  // What was written down.
  std::optional<NodeRecord> take_record();
  void start();
  // Tells all seats, and starts the auditors when their phase begins.
  void begin_phase(RunPhase phase);
  // What keeps the phase from ending: seats that are not done, processes that are down. Processes
  // in `outside` are not waited for.
  std::vector<Pending> pending(const std::vector<std::uint32_t>& outside);
  // Asks every living broker to end; stopped() says whether all have.
  void stop_brokers();
  std::vector<std::string> still_running() const;
  // Errors with which nodes ended by themselves.
  const std::vector<std::string>& node_errors() const { return node_errors_; }

  // Ground
  World& world() override { return world_; }
  SimNetwork& network() override { return network_; }
  const std::vector<GroundProcess>& processes() const override { return ground_processes_; }
  const std::vector<GroundHost>& hosts() const override { return ground_hosts_; }
  void hold(std::uint32_t process, Exit exit) override;
  void hold_in_order(std::uint32_t process) override;
  void release(std::uint32_t process) override;
  void power_cut(std::uint32_t host) override;
  void power_on(std::uint32_t host) override;
  void move(std::uint32_t host) override;
  std::uint32_t start_twin(std::uint32_t process) override;
  void end_twin(std::uint32_t twin) override;

 private:
  class OmenTeller;
  // One process and what is needed to start it again. Index: as in processes().
  struct Slot {
    Process* process = nullptr;
    std::unique_ptr<SimDisk> disk;
    std::unique_ptr<NodeEnv> env;
    std::uint32_t holds = 0;
    bool wanted = false;  // it should be running when nothing holds it
    bool restarts = true;
    NodeSetup setup;  // of a broker
    std::unique_ptr<NodeRecorder> recorder;
    std::unique_ptr<RecordingEnv> recording;
    std::unique_ptr<Workload> work;  // of a client
    std::unique_ptr<ClientSeat> seat;
    bool auditor = false;
  };
  enum : std::uint64_t { kRestart = 0, kStopBound = 1 };

  std::uint32_t add_host(const std::string& name, const std::string& rack);
  Slot& add_process(const std::string& name, std::uint32_t host, const std::string& root);
  void add_brokers();
  void add_clients();
  void add_client(const WorkloadSpec& spec, const WorkloadKind& kind, const std::string& name,
                  std::uint32_t number);
  void add_auditors();
  void refresh_peers();
  void begin(std::uint32_t process);
  void run_broker(env::Task& task, Slot& slot);
  void run_client(env::Task& task, Slot& slot);
  void fire(std::uint64_t argument) override;
  void process_ended(Process& process, Exit exit) override;
  std::uint32_t slot_of(const Process& process) const;
  bool audits() const { return phase_ == RunPhase::audit; }

  World& world_;
  const Scenario& scenario_;
  History& history_;
  SimNetwork network_;
  std::unique_ptr<NodeProgram> program_;
  ClusterFacts facts_;
  std::vector<std::unique_ptr<OmenTeller>> omens_;
  std::vector<std::unique_ptr<MachineDisk>> disks_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<GroundProcess> ground_processes_;
  std::vector<GroundHost> ground_hosts_;
  std::vector<std::uint32_t> power_holds_;  // by host: how many power cuts keep it down
  std::vector<std::uint32_t> moves_;        // by host: how often it came back elsewhere
  std::vector<std::string> node_errors_;
  RunPhase phase_ = RunPhase::safety;
  bool stopping_ = false;
};

}  // namespace flux::sim
