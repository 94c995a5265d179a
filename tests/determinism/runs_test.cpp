// One seed is one run: in this build, whatever is watched or written along the way.

#include <gtest/gtest.h>

#include "sim/cluster/run.h"

namespace flux::sim {
namespace {

Scenario scenario() {
  Scenario out;
  out.name = "test";
  out.node = "probe";
  out.order = fiber::ReadyOrder::hosted;
  out.phases.safety = seconds(3);
  WorkloadSpec spec;
  spec.kind = "probe";
  spec.clients = 3;
  out.workloads.push_back(spec);
  out.swarm.on = true;
  out.swarm.only = {"kill", "power_cut_broker", "net_reset", "pause", "net_tail", "clock_drift"};
  out.swarm.kind_percent = 100;
  out.swarm.until = out.phases.safety;
  return out;
}

RunResult run_seed(std::uint64_t seed, RunOptions options = {}) {
  options.seed = seed;
  auto result = run(scenario(), std::move(options));
  EXPECT_TRUE(result.has_value()) << result.error().to_string();
  return std::move(*result);
}

TEST(Determinism, TheSameSeedIsTheSameRun) {
  const RunResult one = run_seed(11);
  const RunResult same = run_seed(11);
  EXPECT_EQ(one.hash, same.hash);
  EXPECT_EQ(one.checkpoints, same.checkpoints);
  EXPECT_EQ(one.counts, same.counts);
  EXPECT_EQ(one.processes, same.processes);
}

TEST(Determinism, AnotherSeedIsAnotherRun) { EXPECT_NE(run_seed(11).hash, run_seed(12).hash); }

TEST(Determinism, ASeedDoesNotDependOnTheOneBefore) {
  const std::uint64_t alone = run_seed(13).hash;
  run_seed(14);
  EXPECT_EQ(run_seed(13).hash, alone);
}

TEST(Determinism, WatchingChangesNothing) {
  const std::uint64_t plain = run_seed(11).hash;
  std::size_t lines = 0;
  std::size_t errors = 0;
  std::size_t events = 0;
  RunOptions traced;
  traced.trace = [&](std::string_view) { ++lines; };
  EXPECT_EQ(run_seed(11, std::move(traced)).hash, plain);
  RunOptions filtered;
  filtered.trace = [&](std::string_view) { ++errors; };
  filtered.trace_least = env::Severity::warning;
  EXPECT_EQ(run_seed(11, std::move(filtered)).hash, plain);
  RunOptions watched;
  watched.watch_last = UINT64_MAX;
  watched.watcher = [&](const SeamEvent&) { ++events; };
  watched.tell_story = true;
  watched.record_tape = true;
  const RunResult result = run_seed(11, std::move(watched));
  EXPECT_EQ(result.hash, plain);
  EXPECT_EQ(events, result.seam_events);
  EXPECT_GT(lines, errors);
  EXPECT_FALSE(result.story.empty());
}

RunOptions played(const RunResult& recorded) {
  RunOptions options;
  options.played = recorded.tape;
  options.plan = recorded.plan;
  return options;
}

RunResult recorded_run(std::uint64_t seed) {
  RunOptions options;
  options.record_tape = true;
  return run_seed(seed, std::move(options));
}

TEST(Determinism, ATapeIsTheRun) {
  const RunResult recorded = recorded_run(11);
  const RunResult replayed = run_seed(11, played(recorded));
  EXPECT_EQ(replayed.hash, recorded.hash);
  EXPECT_EQ(replayed.tape_use.used, replayed.tape_use.entries);
  EXPECT_EQ(replayed.tape_use.off_tape, 0U);
  // The tape holds every decision, so the seed behind it no longer matters to the world's choices.
  EXPECT_EQ(run_seed(11, played(replayed.tape.empty() ? recorded : replayed)).hash, recorded.hash);
}

TEST(Determinism, OneEditedDecisionLeavesTheOthers) {
  const RunResult recorded = recorded_run(11);
  RunOptions options = played(recorded);
  options.record_tape = true;
  // The last delay of the network: little can follow from it.
  Decision* edited = nullptr;
  for (Decision& decision : options.played) {
    if (decision.label == "net.delay" && decision.bound > 1) edited = &decision;
  }
  ASSERT_NE(edited, nullptr);
  const std::uint64_t key = edited->key;
  edited->value = edited->value == 0 ? 1 : 0;
  const RunResult after = run_seed(11, std::move(options));
  std::map<std::uint64_t, std::uint64_t> before;
  for (const Decision& decision : recorded.tape) before[decision.key] = decision.value;
  std::size_t compared = 0;
  for (const Decision& decision : after.tape) {
    const auto found = before.find(decision.key);
    if (found == before.end() || decision.key == key) continue;
    EXPECT_EQ(found->second, decision.value) << decision.label;
    ++compared;
  }
  EXPECT_GT(compared, recorded.tape.size() / 2);
}

}  // namespace
}  // namespace flux::sim
