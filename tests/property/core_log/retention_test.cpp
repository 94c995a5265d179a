// A log whose front is deleted, over crashes at arbitrary operations, of the process or of the
// machine: against a model of what was told.
#include <gtest/gtest.h>

#include "tests/support/marks.h"
#include "tests/support/retention_script.h"

namespace flux::test {
namespace {

std::uint64_t draw(std::uint64_t seed, std::string_view what, std::uint64_t bound) {
  return keyed_below(seed, key("retention_test").with(what), bound);
}

int run_seed(std::uint64_t seed) {
  sim::DiskHabits habits;
  if (draw(seed, "journal", 2) == 0) habits.power_cut.names = sim::NameLoss::ordered;
  SmallNode node(habits, seed);
  log::LogConfig config = small_config();
  config.segment_bytes = static_cast<std::uint32_t>(100 + draw(seed, "segment", 600));
  RetentionScript script(node, config, seed);
  for (std::uint64_t life = 0; life < 6; ++life) {
    const std::uint64_t own = mix64(seed * 31 + life);
    node.disk.dies_at = node.disk.operations + draw(own, "dies", 200);
    script.live(40);
    if (draw(own, "power", 3) == 0) {
      node.kill();
    } else {
      node.power_cut();
    }
    if (draw(own, "again", 4) == 0) {
      node.disk.dies_at = node.disk.operations + draw(own, "dies again", 40);
      script.live(0);
      node.power_cut();
    }
    script.check("seed " + std::to_string(seed) + " life " + std::to_string(life));
    if (::testing::Test::HasFailure()) break;
  }
  return script.advanced;
}

TEST(RetentionPropertyTest, TheStartNeverGoesBackAndNothingElseIsMissing) {
  int advanced = 0;
  for (std::uint64_t seed = 1; seed <= 1000 && !HasFailure(); ++seed) advanced += run_seed(seed);
  EXPECT_GT(advanced, 400);
  for (const char* name :
       {"log.start_advanced", "log.expired", "log.active_segment_expired", "log.segment_deleted",
        "log.deleted_segment_found", "log.start_beyond_end", "log.start_file_behind"}) {
    EXPECT_GT(mark_hits(name), 0U) << name;
  }
}

}  // namespace
}  // namespace flux::test
