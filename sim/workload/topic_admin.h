// topic_admin: a client that makes topics of its own, asks about them and deletes them again.
//
// Their names carry the client's, so nobody else uses them: what it says of them can be judged
// from its own history.
#pragma once

#include <memory>

#include "sim/workload/workload.h"

namespace flux::sim {

class TopicAdmin final : public Workload {
 public:
  static std::unique_ptr<Workload> make() { return std::make_unique<TopicAdmin>(); }
  void run(env::Task& task, env::Env& env, Seat& seat) override;
};

}  // namespace flux::sim
