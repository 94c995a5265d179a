#include "sim/check/promise.h"

namespace flux::sim {

bool is_fsync_topic(const ClusterFacts& facts, std::string_view topic) {
  std::string mode = "fsync";
  if (const auto set = facts.broker_config.find("log.flux.durability");
      set != facts.broker_config.end()) {
    mode = set->second;
  }
  for (const ClusterFacts::Topic& one : facts.topics) {
    const auto set = one.config.find("flux.durability");
    if (one.name == topic && set != one.config.end()) mode = set->second;
  }
  return mode == "fsync";
}

Promise promise_of(const ClusterFacts& facts, const Operation& op) {
  const bool weak = op.kind == OperationKind::produce && op.acks != Acks::all;
  return !weak && is_fsync_topic(facts, op.topic) ? Promise::survives_power_cut
                                                  : Promise::survives_kill;
}

}  // namespace flux::sim
