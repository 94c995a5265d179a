// A node is a function of what its environment tells it: recorded and played alone, it does the
// same.

#include "sim/cluster/replay_node.h"

#include <gtest/gtest.h>

#include "sim/cluster/run.h"

namespace flux::sim {
namespace {

NodeRecord record_of(std::uint64_t seed, const std::vector<std::string>& faults) {
  Scenario scenario;
  scenario.name = "test";
  scenario.node = "probe";
  scenario.order = seed % 2 == 0 ? fiber::ReadyOrder::hosted : fiber::ReadyOrder::fifo;
  scenario.phases.safety = seconds(3);
  WorkloadSpec spec;
  spec.kind = "probe";
  spec.clients = 3;
  scenario.workloads.push_back(spec);
  if (!faults.empty()) {
    scenario.swarm.on = true;
    scenario.swarm.only = faults;
    scenario.swarm.kind_percent = 100;
    scenario.swarm.until = scenario.phases.safety;
  }
  RunOptions options;
  options.seed = seed;
  options.record_node = "broker1";
  auto result = run(scenario, std::move(options));
  EXPECT_TRUE(result.has_value()) << result.error().to_string();
  return std::move(*result->node_record);
}

void expect_equal_replay(const NodeRecord& record) {
  const auto replay = replay_node(record);
  ASSERT_TRUE(replay.has_value()) << replay.error().to_string();
  EXPECT_EQ(replay->difference, "");
  EXPECT_EQ(replay->hash, record.hash);
  EXPECT_EQ(replay->tokens, record.tokens.size());
}

TEST(ReplayNode, AQuietNodeGivesItsHashAgain) { expect_equal_replay(record_of(1, {})); }

TEST(ReplayNode, SoDoesOneThatIsKilledPausedAndRobbedOfItsConnections) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    expect_equal_replay(record_of(
        seed, {"kill", "power_cut_broker", "stop", "pause", "net_reset", "slow_cpu", "clock_drift",
               "clock_jump", "timers_early", "net_short_io", "disk_hang"}));
  }
}

TEST(ReplayNode, TheTextFormIsTheRecord) {
  const NodeRecord record = record_of(3, {"kill"});
  const auto back = read_record(write_record(record));
  ASSERT_TRUE(back.has_value()) << back.error().to_string();
  EXPECT_EQ(back->tokens, record.tokens);
  EXPECT_EQ(back->hash, record.hash);
  expect_equal_replay(*back);
}

TEST(ReplayNode, TheFirstDifferenceIsNamed) {
  NodeRecord record = record_of(1, {});
  std::size_t changed = 0;
  for (std::size_t i = record.tokens.size() / 2; i < record.tokens.size(); ++i) {
    if (record.tokens[i].token != TokenKind::call) continue;
    record.tokens[i].b ^= 1;  // as if the node had passed something else
    changed = i;
    break;
  }
  ASSERT_NE(changed, 0U);
  const auto replay = replay_node(record);
  ASSERT_TRUE(replay.has_value());
  EXPECT_NE(replay->difference.find("token " + std::to_string(changed) + ":"), std::string::npos)
      << replay->difference;
}

}  // namespace
}  // namespace flux::sim
