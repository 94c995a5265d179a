#include "sim/check/promise.h"

#include <algorithm>

namespace flux::sim {

Promise promise_of(const Settings& settings, const Operation& op) {
  const bool produced = op.kind == OperationKind::produce;
  if (produced && op.acks != Acks::all) return Promise::survives_kill;
  const Time from = produced ? op.invoked : Time();
  const auto held = settings.held(op.topic, kDurability, from, op.completed);
  const bool fsync =
      std::ranges::all_of(held, [](const Settings::Held& one) { return one.value == "fsync"; });
  return fsync ? Promise::survives_power_cut : Promise::survives_kill;
}

}  // namespace flux::sim
