// The machine dies at every operation of a script that deletes the front of a log, and at every
// operation of the recovery that follows.
#include <gtest/gtest.h>

#include "tests/support/retention_script.h"

namespace flux::test {
namespace {

constexpr std::uint64_t kSeed = 7;
constexpr int kSteps = 30;

// Returns false when the operation was never reached: the sweep is over.
bool run_one(std::uint64_t at, bool in_recovery, bool power, int& advanced) {
  SmallNode node;
  RetentionScript script(node, small_config(), kSeed);
  const std::string about = "operation " + std::to_string(at) +
                            (in_recovery ? " of recovery" : "") + (power ? ", power cut" : "");
  const auto crash = [&] {
    if (power) {
      node.power_cut();
    } else {
      node.kill();
    }
  };
  if (in_recovery) {
    node.disk.dies_at = 160;
    script.live(kSteps);
    crash();
  }
  const std::uint64_t before = node.disk.operations;
  node.disk.dies_at = before + at;
  script.live(in_recovery ? 0 : kSteps);
  const bool reached = node.disk.operations > before + at;
  crash();
  script.check(about);
  script.live(kSteps);
  script.check(about + ", afterwards");
  advanced += script.advanced;
  return reached;
}

TEST(RetentionSweepTest, TheMachineMayDieAtAnyOperation) {
  for (const bool power : {false, true}) {
    std::uint64_t at = 0;
    int advanced = 0;
    while (run_one(at, false, power, advanced) && !HasFailure()) ++at;
    EXPECT_GT(at, 100U);
    EXPECT_GT(advanced, 10);
  }
}

TEST(RetentionSweepTest, AndAtAnyOperationOfRecovery) {
  for (const bool power : {false, true}) {
    std::uint64_t at = 0;
    int advanced = 0;
    while (run_one(at, true, power, advanced) && !HasFailure()) ++at;
    EXPECT_GT(at, 10U);
    EXPECT_GT(advanced, 10);
  }
}

}  // namespace
}  // namespace flux::test
