// hostile: a client that does what no library does, and what brokers on the open internet meet
// every hour: garbage, frames that end early, lengths beyond all measure, requests of unknown
// kinds, connections that are dropped in the middle or left standing.
//
// It asks for nothing that a broker should do, so it reports no operation: what is held against the
// broker is that everybody else is still served.
#pragma once

#include <memory>

#include "sim/workload/session.h"

namespace flux::sim {

// Until the safety phase ends.
void misbehave(env::Task& task, Session& session);

class Hostile final : public Workload {
 public:
  static std::unique_ptr<Workload> make() { return std::make_unique<Hostile>(); }
  void run(env::Task& task, env::Env& env, Seat& seat) override;
};

}  // namespace flux::sim
