// What a swarm is held to once it is over.
#include <gtest/gtest.h>

#include "sim/fault/registry.h"
#include "sim/run/report.h"

namespace flux::sim {
namespace {

constexpr std::string_view kFloors = R"({
  "swarm": {"from_seeds": 50, "per_hundred": {"read": 10, "fault.rot": 40},
            "at_most_per_hundred": {"excused": 4}, "each_fault_per_hundred": 2}
})";

class Held : public testing::Test {
 protected:
  void SetUp() override {
    auto loaded = load_floors("floors.json", kFloors, "swarm");
    ASSERT_TRUE(loaded.has_value()) << loaded.error().to_string();
    floors = *loaded;
    for (const FaultRow& row : fault_registry()) {
      if (row.swarm) counts["fault." + std::string(row.name)] = 1;
    }
    counts["fault.rot"] = 20;
    counts["read"] = 5;
    counts["excused"] = 2;
  }
  std::vector<std::string> judged(std::uint64_t seeds = 50) const {
    return held_to(floors, swarm, seeds, counts);
  }

  Floors floors;
  SwarmFaults swarm{.on = true};
  std::map<std::string, std::uint64_t> counts;
};

using Lines = std::vector<std::string>;

TEST_F(Held, WhatIsReachedAndNotExceededIsNothing) { EXPECT_EQ(judged(), Lines()); }

TEST_F(Held, ACountBelowItsFloorOrAboveItsCeiling) {
  counts["read"] = 4;
  counts["excused"] = 3;
  EXPECT_EQ(judged(), (Lines{"read: 4 of at least 5", "excused: 3 of at most 2"}));
  EXPECT_EQ(judged(49), Lines()) << "too few seeds to say so";
}

TEST_F(Held, AFaultThatStrikesNoMore) {
  counts.erase("fault.net_slow");
  EXPECT_EQ(judged(), Lines{"fault.net_slow: 0 of at least 1"});
  swarm.except = {"net_slow"};
  EXPECT_EQ(judged(), Lines()) << "it is not to be drawn";
  swarm.except.clear();
  counts["fault.rot"] = 19;
  EXPECT_EQ(judged(), (Lines{"fault.net_slow: 0 of at least 1", "fault.rot: 19 of at least 20"}))
      << "one that has a floor of its own";
}

}  // namespace
}  // namespace flux::sim
