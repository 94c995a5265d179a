#include "sim/check/wall_clocks.h"

#include <algorithm>
#include <iterator>

#include "sim/world/process.h"

namespace flux::sim {
namespace {

constexpr std::int64_t kBillion = 1'000'000'000;

// What the clock showed at `now`, by its last change.
std::int64_t wall_ms(const ClockChange& change, Time now) {
  __extension__ using Wide = __int128;
  const std::int64_t passed = (now - change.at).ns();
  const auto gained = static_cast<std::int64_t>(Wide{passed} * change.drift_ppb / kBillion);
  return (ProcessConfig().wall_start + Duration(now.ns()) + change.ahead + Duration(gained)).ms();
}

}  // namespace

std::int64_t true_wall_ms(Time now) {
  return (ProcessConfig().wall_start + Duration(now.ns())).ms();
}

void WallClocks::observe(const Observation& observation) {
  if (const auto* change = std::get_if<ClockChange>(&observation)) {
    clocks_[change->process].push_back(*change);
  }
}

// A clock that is not set runs forward, so it shows the least just after it was set, and the most
// just before it is set again.
WallClocks::Shown WallClocks::shown(Time from, Time to, std::optional<std::uint32_t> disk) const {
  Shown out{true_wall_ms(from), true_wall_ms(to)};
  for (const ClusterFacts::Broker& broker : facts_.brokers) {
    const auto changes = clocks_.find(broker.process);
    if ((disk && broker.disk != *disk) || changes == clocks_.end()) continue;
    for (auto at = changes->second.begin(); at != changes->second.end(); ++at) {
      const auto next = std::next(at);
      const Time end = next == changes->second.end() ? to : std::min(to, next->at);
      if (at->at > to || end < from) continue;
      out.earliest_ms = std::min(out.earliest_ms, wall_ms(*at, std::max(at->at, from)));
      out.latest_ms = std::max(out.latest_ms, wall_ms(*at, end));
    }
  }
  return out;
}

}  // namespace flux::sim
