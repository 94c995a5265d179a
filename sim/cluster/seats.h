// ClientSeat: what one client process is given (Seat), and what the run learns from it.
#pragma once

#include <string>
#include <vector>

#include "sim/workload/workload.h"

namespace flux::sim {

class ClientSeat final : public Seat {
 public:
  ClientSeat(Process& process, History& history, const WorkloadSpec& spec,
             const ClusterFacts& facts, std::uint32_t number)
      : process_(process), history_(history), spec_(spec), facts_(facts), number_(number) {}

  Process& process() override { return process_; }
  History& history() override { return history_; }
  const WorkloadSpec& spec() const override { return spec_; }
  const ClusterFacts& facts() const override { return facts_; }
  std::uint32_t number() const override { return number_; }
  const std::vector<env::Endpoint>& bootstrap() const override { return bootstrap_; }
  RunPhase phase() const override { return phase_; }
  void done() override { done_ = true; }
  void waits_for(std::string_view what) override;

  // For the cluster.
  void set_bootstrap(std::vector<env::Endpoint> bootstrap) { bootstrap_ = std::move(bootstrap); }
  void begin_phase(RunPhase phase);
  // The process was started again: whatever it had said is forgotten.
  void restarted();
  bool is_done() const { return done_; }
  const std::string& waiting() const { return waiting_; }

 private:
  Process& process_;
  History& history_;
  WorkloadSpec spec_;
  const ClusterFacts& facts_;
  std::uint32_t number_;
  std::vector<env::Endpoint> bootstrap_;
  RunPhase phase_ = RunPhase::safety;
  bool done_ = false;
  std::string waiting_;
};

}  // namespace flux::sim
