#include "sim/env/node_env.h"

namespace flux::sim {

WallTime SimClock::wall_now() {
  const WallTime now = process_.wall_now();
  process_.seam(SeamKind::clock, 1, static_cast<std::uint64_t>(now.ns()), 0);
  return now;
}

std::uint64_t SimRandom::draw(Key key, std::uint64_t bound) {
  const Key decision = process_.incarnation_key().with(key.value);
  const std::uint64_t value = process_.world().decisions().draw(decision, bound, "node.draw");
  process_.seam(SeamKind::draw, key.value, value, 0);
  return value;
}

void SimTrace::emit(env::Severity severity, std::string_view event,
                    std::initializer_list<env::Field> fields) {
  process_.world().set_cause(process_.world().note(&process_, severity, event, fields));
}

}  // namespace flux::sim
