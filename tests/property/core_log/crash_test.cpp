// The log after a crash at an arbitrary operation, of the process or of the machine, again and
// again: what a power cut leaves of the unsynced writes and names is drawn as the simulated disk
// draws it (any subset of sectors, torn, reordered, with sizes and names on their own).
#include <gtest/gtest.h>

#include "core/base/keyed.h"
#include "tests/support/log_script.h"
#include "tests/support/marks.h"

namespace flux::test {
namespace {

constexpr Key kDraw = key("crash_test");

std::uint64_t draw(std::uint64_t seed, std::string_view what, std::uint64_t bound) {
  return keyed_below(seed, kDraw.with(what), bound);
}

log::LogConfig config_of(std::uint64_t seed) {
  log::LogConfig config;
  config.segment_bytes = static_cast<std::uint32_t>(200 + draw(seed, "segment", 2000));
  config.index_interval_bytes = static_cast<std::uint32_t>(draw(seed, "index", 400));
  config.block_bytes = static_cast<std::uint32_t>(1 + draw(seed, "block", 600));
  config.mark_idle = milliseconds(static_cast<std::int64_t>(draw(seed, "idle", 3)));
  return config;
}

void run_seed(std::uint64_t seed) {
  sim::DiskHabits habits;
  if (draw(seed, "journal", 2) == 0) habits.power_cut.names = sim::NameLoss::ordered;
  if (draw(seed, "stale", 4) == 0) habits.power_cut.stale_sector = ratio(1, 2);
  SmallNode node(habits, seed);
  LogScript script(node, config_of(seed), 1 + static_cast<int>(draw(seed, "producers", 8)), 12,
                   draw(seed, "uniform", 2) == 0);
  for (std::uint64_t life = 0; life < 6 && !script.done(); ++life) {
    const std::uint64_t own = mix64(seed * 31 + life);
    const bool stops = draw(own, "stops", 4) == 0;  // in order, unless it dies before
    node.disk.dies_at = node.disk.operations + draw(own, "dies", stops ? 400 : 120);
    script.live(stops ? static_cast<int>(life) * 2 + 2 : 12);
    if (draw(own, "power", 3) == 0) {
      node.kill();
    } else {
      node.power_cut();
    }
    // Sometimes recovery dies too.
    while (draw(own, "again", 4) == 0 && node.disk.operations < 2000) {
      node.disk.dies_at = node.disk.operations + draw(own, "dies again", 30);
      script.live();
      node.power_cut();
      break;
    }
    script.check("seed " + std::to_string(seed) + " life " + std::to_string(life));
    if (::testing::Test::HasFailure()) return;
  }
  script.live();
  EXPECT_TRUE(script.done()) << seed;
  script.check("seed " + std::to_string(seed) + " at the end");
}

TEST(CrashTest, KeepsItsPromisesOverCrashes) {
  for (std::uint64_t seed = 1; seed <= 1000 && !HasFailure(); ++seed) run_seed(seed);
  // An empty green run is none: these states must have been reached.
  for (const char* name : {"log.torn_tail_cut", "log.segment_dropped", "log.roll",
                           "log.group_commit", "log.duplicate_answered", "log.index_rebuilt",
                           "log.segment_repaired", "log.mark_made_durable", "log.opened_clean",
                           "log.clean_mark_dropped", "log.clean_mark_not_believed"}) {
    EXPECT_GT(mark_hits(name), 0U) << name;
  }
}

}  // namespace
}  // namespace flux::test
