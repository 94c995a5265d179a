// produce_consume: a client that writes and reads the topics of its workload at the same time, with
// the library and the habits drawn for it.
//
// Operations, by the weights of the spec: "produce" hands in one batch, which is one operation;
// "fetch" takes what consumers have got; "seek" starts a partition over; "list_offsets" asks for a
// partition's end; "describe" asks for a topic's metadata; "omit" does nothing, as programs do at
// times. A fetch operation is open from the answer before it to its own: that is when the library
// asks. One whose draw is hostile misbehaves instead (hostile.h).
#pragma once

#include <memory>

#include "sim/workload/workload.h"

namespace flux::sim {

class ProduceConsume final : public Workload {
 public:
  static std::unique_ptr<Workload> make() { return std::make_unique<ProduceConsume>(); }
  void run(env::Task& task, env::Env& env, Seat& seat) override;
};

}  // namespace flux::sim
