// read_back: the auditor of produce_consume. Reads every partition from its start to its end, once,
// and reports it as final reads.
//
// It speaks the wire by the client library but reads record batches with the plain decoder, which
// shares no code with the broker's. A range that the broker refuses to serve is asked for a few
// times and then passed by, so that rot at one place does not hide the rest.
#pragma once

#include <memory>

#include "sim/workload/workload.h"

namespace flux::sim {

class ReadBack final : public Workload {
 public:
  static std::unique_ptr<Workload> make() { return std::make_unique<ReadBack>(); }
  void run(env::Task& task, env::Env& env, Seat& seat) override;
};

}  // namespace flux::sim
