// What an item's target word means on a given ground: which processes, hosts, links and files.
//
// "any", "any_broker" and "any_client" draw one by the item's key, the same one each time the item
// is asked; with a salt (the strike's count) another each time.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "sim/fault/ground.h"
#include "sim/fault/plan.h"
#include "sim/fault/registry.h"

namespace flux::sim {

struct Struck {
  std::vector<std::uint32_t> processes;  // process: those; host, rack, disk: all on them
  std::vector<std::uint32_t> hosts;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> directions;  // links, by host
  std::string pattern = "*";                                        // files
  std::string name;  // what was chosen, as it is told
};

Result<Struck> resolve(const FaultItem& item, const FaultRow& row, std::uint64_t strike,
                       Ground& ground);

}  // namespace flux::sim
