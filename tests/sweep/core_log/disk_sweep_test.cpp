// Every operation of a script fails in turn: once, and from then on; and the machine dies there.
// Then every operation of the recovery that follows.
#include <gtest/gtest.h>

#include "tests/support/log_script.h"

namespace flux::test {
namespace {

constexpr int kProducers = 2;
constexpr int kBatches = 6;

// In the last two a write that fails leaves a part of its bytes, or all of them.
enum class Way { fails_once, fails_for_good, no_space, dies, leaves_half, leaves_all };

void arm(SmallNode& node, Way way, std::uint64_t at) {
  ImageDisk& disk = node.disk;
  const std::uint64_t from = disk.operations + at;
  disk.failure = way == Way::no_space ? ErrorCode::no_space : ErrorCode::io_error;
  disk.failed_write_halves = way == Way::leaves_all ? 2 : way == Way::leaves_half ? 1 : 0;
  if (way == Way::dies) {
    disk.dies_at = from;
  } else {
    disk.fails_from = from;
    const bool lasts = way == Way::fails_for_good || way == Way::no_space;
    disk.fails = lasts ? ~std::uint64_t{0} : 1;
  }
}

void disarm(SmallNode& node) {
  node.disk.fails = 0;
  node.revive();
}

// What the life in which the operation fails begins with.
enum class Before { nothing, a_crash, a_clean_stop };

std::string name_of(Before before) {
  if (before == Before::nothing) return "";
  return before == Before::a_crash ? " of recovery" : " after a clean stop";
}

// Returns false when the operation was never reached: the sweep is over.
bool run_one(Way way, std::uint64_t at, Before was, bool power) {
  SmallNode node;
  LogScript script(node, small_config(), kProducers, kBatches);
  const std::string about = "way " + std::to_string(static_cast<int>(way)) + " operation " +
                            std::to_string(at) + name_of(was) + (power ? ", power cut" : ", kill");
  if (was == Before::a_clean_stop) script.live(kBatches / 2);
  if (was == Before::a_crash) {
    // Ends in the middle, so that there is something to recover.
    node.disk.dies_at = 70;
    script.live();
    disarm(node);
    if (power) node.power_cut();
  }
  const std::uint64_t before = node.disk.operations;
  arm(node, way, at);
  script.live();
  const bool reached = node.disk.operations > before + at;
  disarm(node);
  if (power) node.power_cut();
  script.check(about);
  script.live();
  EXPECT_TRUE(script.done()) << about;
  script.check(about + ", after finishing");
  return reached;
}

class SweepTest : public ::testing::TestWithParam<Way> {};

TEST_P(SweepTest, AnyOperationMayFail) {
  for (const bool power : {false, true}) {
    std::uint64_t at = 0;
    while (run_one(GetParam(), at, Before::nothing, power) && !HasFailure()) ++at;
    EXPECT_GT(at, 60U);
  }
}

TEST_P(SweepTest, AnyOperationOfRecoveryMayFail) {
  for (const bool power : {false, true}) {
    std::uint64_t at = 0;
    while (run_one(GetParam(), at, Before::a_crash, power) && !HasFailure()) ++at;
    EXPECT_GT(at, 50U);
  }
}

TEST_P(SweepTest, AnyOperationAfterACleanStopMayFail) {
  for (const bool power : {false, true}) {
    std::uint64_t at = 0;
    while (run_one(GetParam(), at, Before::a_clean_stop, power) && !HasFailure()) ++at;
    EXPECT_GT(at, 40U);
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, SweepTest,
                         ::testing::Values(Way::fails_once, Way::fails_for_good, Way::no_space,
                                           Way::dies, Way::leaves_half, Way::leaves_all));

}  // namespace
}  // namespace flux::test
