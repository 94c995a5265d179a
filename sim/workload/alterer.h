// alterer: a client that alters settings of the topics that others write and read, and of all
// brokers, and gives topics of its own more partitions.
//
// Its operations by weight: `layout` alters how records are stored, of which those who judge the
// others' records need not know; `promise` what an acknowledgement means and what becomes of
// records, and these alterations stand in the history. Without weights it is all layout.
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
