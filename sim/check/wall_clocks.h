// WallClocks: what the brokers' wall clocks showed, by true time and the faults that set them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "sim/check/checker.h"

namespace flux::sim {

std::int64_t true_wall_ms(Time now);

class WallClocks {
 public:
  explicit WallClocks(const ClusterFacts& facts) : facts_(facts) {}

  void observe(const Observation& observation);

  struct Shown {
    std::int64_t earliest_ms = 0;
    std::int64_t latest_ms = 0;
  };
  // By true time, or on any broker (of this disk) whose clock was set, in [from, to].
  Shown shown(Time from, Time to, std::optional<std::uint32_t> disk = std::nullopt) const;

 private:
  const ClusterFacts& facts_;
  std::map<std::uint32_t, std::vector<ClockChange>> clocks_;  // of each process, in order
};

}  // namespace flux::sim
