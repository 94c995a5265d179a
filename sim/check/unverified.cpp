#include "sim/check/unverified.h"

#include <algorithm>

namespace flux::sim {

void UnverifiedReads::observe(const Observation& observation) {
  if (const auto* node = std::get_if<NodeEvent>(&observation)) {
    if (node->change == NodeChange::started) started_[node->process] = map_.moment();
  } else if (const auto* invoked = std::get_if<Invoked>(&observation)) {
    asked_[invoked->operation.id] = map_.moment();
  }
}

bool UnverifiedReads::excuses(const Operation& op) const {
  const auto mode = facts_.broker_config.find("flux.read.verify");
  if (mode != facts_.broker_config.end() && mode->second == "always") return false;
  const auto asked = asked_.find(op.id);
  if (asked == asked_.end()) return false;
  // Whichever broker answered, it runs since then.
  std::uint64_t life = map_.moment();
  for (const ClusterFacts::Broker& broker : facts_.brokers) {
    const auto started = started_.find(broker.process);
    life = std::min(life, started == started_.end() ? 0 : started->second);
  }
  return map_.spoiled({op.topic, op.partition}, op.offset, life, asked->second);
}

}  // namespace flux::sim
