#include "sim/fault/registry.h"

#include <set>

#include <gtest/gtest.h>

#include "sim/fault/plan.h"
#include "sim/world/decisions.h"

namespace flux::sim {
namespace {

TEST(Registry, EveryRowSaysWhatItDoesAndWhatMustHappen) {
  std::set<std::string_view> names;
  for (const FaultRow& row : fault_registry()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_GT(row.meaning.size(), 10U) << row.name;
    EXPECT_GT(row.must.size(), 10U) << row.name;
    EXPECT_LE(row.for_ms_low, row.for_ms_high) << row.name;
    for (const FaultParameter& parameter : {row.first, row.second}) {
      EXPECT_LE(parameter.low, parameter.usual) << row.name;
      EXPECT_LE(parameter.usual, parameter.high) << row.name;
    }
    const bool lasts = row.span == FaultSpan::lasting;
    EXPECT_TRUE(!lasts || row.for_ms_high > 0) << row.name;
    EXPECT_FALSE(lasts && row.target == TargetClass::file) << row.name << ": no file carries it";
  }
  EXPECT_GT(names.size(), 50U);
}

SwarmFaults everything() {
  SwarmFaults swarm;
  swarm.on = true;
  swarm.kind_percent = 100;
  swarm.until = seconds(10);
  return swarm;
}

TEST(Plan, IsAFunctionOfTheSeed) {
  Decisions one(7);
  Decisions same(7);
  Decisions other(8);
  const auto names = [](const FaultPlan& plan) {
    std::string all;
    for (const FaultItem& item : plan) {
      all += item.name() + "@" + std::to_string(item.trigger.at.ms()) + " ";
    }
    return all;
  };
  const std::string first = names(draw_plan(everything(), one));
  EXPECT_EQ(first, names(draw_plan(everything(), same)));
  EXPECT_NE(first, names(draw_plan(everything(), other)));
}

TEST(Plan, TakingAKindOutLeavesAllOthers) {
  Decisions one(7);
  Decisions other(7);
  SwarmFaults without = everything();
  without.except = {"kill", "rot"};
  FaultPlan full = draw_plan(everything(), one);
  const FaultPlan rest = draw_plan(without, other);
  std::erase_if(full,
                [](const FaultItem& item) { return item.fault == "kill" || item.fault == "rot"; });
  ASSERT_EQ(full.size(), rest.size());
  for (std::size_t i = 0; i < rest.size(); ++i) {
    EXPECT_EQ(full[i].name(), rest[i].name());
    EXPECT_EQ(full[i].trigger.at, rest[i].trigger.at);
    EXPECT_EQ(full[i].duration, rest[i].duration);
    EXPECT_EQ(full[i].parameters, rest[i].parameters);
  }
}

}  // namespace
}  // namespace flux::sim
