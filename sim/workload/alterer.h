// alterer: a client that alters settings of the topics that others write and read, and of all
// brokers, and gives topics of its own more partitions.
//
// It alters only what changes how records are stored, never what becomes of them or what an
// acknowledgement means: those who judge the others' records need not know of it.
#pragma once

#include <memory>

#include "sim/workload/workload.h"

namespace flux::sim {

class Alterer final : public Workload {
 public:
  static std::unique_ptr<Workload> make() { return std::make_unique<Alterer>(); }
  void run(env::Task& task, env::Env& env, Seat& seat) override;
};

}  // namespace flux::sim
