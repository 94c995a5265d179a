// TopicRecreate: deletes the topics that others write to and read from, and makes them again.
//
// Each time another topic stands under the name; at the end of the safety phase all of them are
// there.
#pragma once

#include <memory>

#include "sim/workload/workload.h"

namespace flux::sim {

class TopicRecreate final : public Workload {
 public:
  static std::unique_ptr<Workload> make() { return std::make_unique<TopicRecreate>(); }
  void run(env::Task& task, env::Env& env, Seat& seat) override;
};

}  // namespace flux::sim
