// Clients of the probe node: one that appends and reads, and the auditor that reads everything
// back.
//
// They report as producers and consumers of a topic "probe" with one partition, so that checkers
// need to know nothing of them.
#pragma once

#include "sim/workload/workload.h"

namespace flux::sim {

class ProbeClient final : public Workload {
 public:
  static std::unique_ptr<Workload> make() { return std::make_unique<ProbeClient>(); }
  void run(env::Task& task, env::Env& env, Seat& seat) override;
};

class ProbeAuditor final : public Workload {
 public:
  static std::unique_ptr<Workload> make() { return std::make_unique<ProbeAuditor>(); }
  void run(env::Task& task, env::Env& env, Seat& seat) override;
};

}  // namespace flux::sim
