#include "sim/check/answered.h"

#include <fmt/format.h>

namespace flux::sim {

void AnsweredChecker::observe(const Observation& observation) {
  if (const auto* invoked = std::get_if<Invoked>(&observation)) {
    const Operation& op = invoked->operation;
    open_[op.id] = {op.client, op.incarnation,
                    fmt::format("operation {} ({} of {}-{}), asked at {} ms", op.id.value(),
                                name_of(op.kind), op.topic, op.partition.value(), op.invoked.ms())};
    count("asked");
  } else if (const auto* completed = std::get_if<Completed>(&observation)) {
    open_.erase(completed->operation.id);
    count("compared");
    count(name_of(completed->operation.outcome));
  } else if (const auto* node = std::get_if<NodeEvent>(&observation)) {
    if (node->change != NodeChange::ended) return;
    const auto cut_off = std::erase_if(open_, [&](const auto& entry) {
      const auto& [id, open] = entry;
      if (open.client != node->process) return false;
      if (node->exit == Exit::clean) {
        violation(node->at, "its client ended in order without an answer: " + open.what, {id});
      }
      return true;
    });
    count("cut_off", cut_off);
  }
}

std::vector<Pending> AnsweredChecker::pending(Time) {
  std::vector<Pending> list;
  for (const auto& [id, open] : open_) list.push_back({open.what, {}});
  return list;
}

}  // namespace flux::sim
