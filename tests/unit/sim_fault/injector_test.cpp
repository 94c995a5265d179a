// Every row of the registry strikes a running cluster of test nodes once, and heals.

#include "sim/fault/injector.h"

#include <gtest/gtest.h>

#include "sim/cluster/run.h"
#include "sim/fault/registry.h"

namespace flux::sim {
namespace {

Scenario small(std::uint32_t brokers) {
  Scenario scenario;
  scenario.name = "test";
  scenario.node = "probe";
  scenario.topology.brokers = brokers;
  scenario.topology.racks = 2;
  scenario.phases.safety = seconds(4);
  WorkloadSpec spec;
  spec.kind = "probe";
  spec.clients = 2;
  spec.request_timeout = milliseconds(500);
  scenario.workloads.push_back(spec);
  return scenario;
}

FaultItem item_of(const FaultRow& row) {
  FaultItem item;
  item.fault = row.name;
  item.ordinal = 1;
  item.target = row.target == TargetClass::rack ? "rack1" : "broker1";
  if (row.target == TargetClass::network) item.target = "all";
  item.trigger.at = seconds(1);
  item.duration = row.for_ms_high > 0 ? milliseconds(1500) : Duration();
  return item;
}

RunResult must_run(const Scenario& scenario, RunOptions options = {}) {
  auto result = run(scenario, std::move(options));
  EXPECT_TRUE(result.has_value()) << result.error().to_string();
  return std::move(*result);
}

class EachFault : public testing::TestWithParam<std::string> {};

TEST_P(EachFault, StrikesAndHeals) {
  const FaultRow* row = find_fault(GetParam());
  Scenario scenario = small(3);
  scenario.faults = {item_of(*row)};
  RunOptions options;
  options.keep_observations = true;
  const RunResult result = must_run(scenario, std::move(options));
  EXPECT_EQ(result.counts.at("fault." + GetParam()), 1U);
  bool healed = false;
  for (const Observation& observation : result.observations) {
    const auto* fault = std::get_if<FaultEvent>(&observation);
    healed = healed || (fault && fault->phase == FaultPhase::healed);
  }
  EXPECT_EQ(healed, row->for_ms_high > 0);
  // Wrong bytes and lost disks are more than the test node bears; it must not take the run down.
  EXPECT_NE(result.verdict, Verdict::crash);
}

std::vector<std::string> row_names() {
  std::vector<std::string> names;
  for (const FaultRow& row : fault_registry()) names.emplace_back(row.name);
  return names;
}
INSTANTIATE_TEST_SUITE_P(Registry, EachFault, testing::ValuesIn(row_names()),
                         [](const auto& row) { return row.param; });

TEST(Injector, TakingOneItemOutLeavesTheDrawsOfOthers) {
  Scenario scenario = small(1);
  FaultItem kill = item_of(*find_fault("kill"));
  kill.trigger.at = milliseconds(3500);
  FaultItem pause = item_of(*find_fault("pause"));
  pause.trigger.kind = FaultTrigger::Kind::every;
  pause.trigger.period = milliseconds(300);
  pause.trigger.chance = ratio(1, 2);
  pause.duration = milliseconds(10);
  const auto pauses = [](const RunResult& result) {
    std::vector<std::int64_t> times;
    for (const Observation& observation : result.observations) {
      const auto* fault = std::get_if<FaultEvent>(&observation);
      if (fault && fault->fault == "pause" && fault->phase == FaultPhase::struck) {
        times.push_back(fault->at.ns());
      }
    }
    return times;
  };
  RunOptions keep;
  keep.keep_observations = true;
  scenario.faults = {kill, pause};
  RunOptions keep_too;
  keep_too.keep_observations = true;
  const auto both = pauses(must_run(scenario, std::move(keep)));
  scenario.faults = {pause};
  const auto alone = pauses(must_run(scenario, std::move(keep_too)));
  EXPECT_FALSE(alone.empty());
  EXPECT_EQ(both, alone);
}

TEST(Injector, StrikesInTheMidstOfWhatReachedTheMark) {
  Scenario scenario = small(1);
  FaultItem kill = item_of(*find_fault("kill"));
  kill.trigger = {};
  kill.trigger.kind = FaultTrigger::Kind::mark;
  kill.trigger.mark = "probe.written";
  kill.trigger.hit = 5;
  scenario.faults = {kill};
  RunOptions options;
  options.until = Time() + seconds(4);
  const RunResult result = must_run(scenario, std::move(options));
  EXPECT_EQ(result.counts.at("fault.kill"), 1U);
  // The fifth append was written and never synced.
  EXPECT_EQ(result.counts.at("mark.probe.written"), result.counts.at("mark.probe.synced") + 1);
}

TEST(Injector, RefusesAPlanThatCannotBe) {
  Scenario scenario = small(1);
  scenario.faults = {item_of(*find_fault("kill"))};
  scenario.faults[0].target = "broker9";
  EXPECT_FALSE(run(scenario, {}).has_value());
  scenario.faults[0].target = "broker1";
  scenario.faults[0].parameters["speed"] = 3;
  EXPECT_FALSE(run(scenario, {}).has_value());
  scenario.faults[0].parameters.clear();
  scenario.faults[0].trigger.kind = FaultTrigger::Kind::mark;
  scenario.faults[0].trigger.mark = "no.such.mark";
  EXPECT_FALSE(run(scenario, {}).has_value());
}

TEST(Injector, APermanentFaultStaysOutsideOfTheCore) {
  Scenario scenario = small(2);
  FaultItem kill = item_of(*find_fault("kill"));
  kill.target = "broker2";
  kill.permanent = true;
  kill.duration = {};
  scenario.faults = {kill};
  const RunResult result = must_run(scenario);
  EXPECT_EQ(result.verdict, Verdict::held) << (result.reasons.empty() ? "" : result.reasons[0]);
}

}  // namespace
}  // namespace flux::sim
