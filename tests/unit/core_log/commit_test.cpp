// Group commit, and what a sync that fails does.
#include <gtest/gtest.h>

#include "core/log/log.h"
#include "tests/support/log_kit.h"
#include "tests/support/marks.h"

namespace flux::test {
namespace {

using env::Task;
using log::Log;

TEST(CommitTest, OneFlushServesAllWhoWait) {
  SmallNode node;
  int done = 0;
  LogPointer log;
  node.run([&](Task& task) {
    log = *open_log(task, node.env(), {});
    for (int i = 0; i < 50; ++i) {
      node.spawn("producer", [&](Task& producer) {
        ASSERT_TRUE(append_synced(producer, *log, "x").has_value());
        ++done;
      });
    }
  });
  EXPECT_EQ(done, 50);
  EXPECT_EQ(log->synced_end(), Offset(50));
  // Two files a round. All fit in few rounds, though each waits for its own bytes.
  EXPECT_LT(node.disk.syncs, 60U);
  EXPECT_GT(mark_hits("log.group_commit"), 0U);
  node.run([&](Task& task) { EXPECT_TRUE(log->close(task).has_value()); });
}

TEST(CommitTest, IdleLogsRunNothing) {
  SmallNode node;
  LogPointer log;
  // run() returns only when no fiber is left.
  EXPECT_TRUE(node.run([&](Task& task) {
    log = *open_log(task, node.env(), {});
    EXPECT_TRUE(append_synced(task, *log, "x").has_value());
  }));
  EXPECT_GT(mark_hits("log.mark_made_durable"), 0U);
  node.run([&](Task& task) { EXPECT_TRUE(log->close(task).has_value()); });
}

TEST(CommitTest, WaitsObeyDeadlines) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    const auto appended = append(task, *log, "x");
    sync::Event gate;
    node.disk.gate = &gate;
    {
      const env::DeadlineScope scope(task, node.now_instant() + seconds(1));
      EXPECT_EQ(log->sync(task, appended->end).error().code(), ErrorCode::timed_out);
    }
    EXPECT_EQ(log->synced_end(), Offset(0));
    gate.set();
    EXPECT_TRUE(log->sync(task, appended->end).has_value());
    EXPECT_TRUE(log->close(task).has_value());
  });
}

TEST(CommitTest, AFailedSyncPoisonsAndIsNotRetried) {
  for (const char* file : {"*.log", "*.integrity"}) {
    SmallNode node;
    LogPointer log;
    node.run([&](Task& task) {
      log = *open_log(task, node.env(), {});
      EXPECT_TRUE(append_synced(task, *log, "a").has_value());
      // Lets the mark of the first commit become durable, whose sync is not the one to fail.
      static_cast<void>(env::sleep_until(task, node.now_instant() + seconds(1)));
      node.image.order({.fault = sim::OrderedFault::sync_error, .path = file});
      EXPECT_EQ(append_synced(task, *log, "b").error().code(), ErrorCode::io_error);
      EXPECT_TRUE(log->poisoned());
      EXPECT_EQ(log->sync(task, log->end_offset()).error().code(), ErrorCode::io_error);
      EXPECT_EQ(append(task, *log, "c").error().code(), ErrorCode::io_error);
      EXPECT_EQ(log->synced_end(), Offset(1));
      // What was durable is still served; what was not is not.
      EXPECT_EQ(log->read(task, Offset(0))->next, Offset(1));
      EXPECT_TRUE(log->read(task, Offset(1))->empty());
      EXPECT_FALSE(log->close(task).has_value());
    });
    EXPECT_GT(mark_hits("log.sync_failed"), 0U);
    // Opened again in the same boot: what the failed sync dropped is written once more.
    node.run([&](Task& task) {
      log = *open_log(task, node.env(), {});
      EXPECT_EQ(log->synced_end(), log->end_offset());
      EXPECT_TRUE(append_synced(task, *log, "d").has_value());
      EXPECT_TRUE(log->close(task).has_value());
    });
    std::vector<std::string> before;
    node.run([&](Task& task) {
      log = *open_log(task, node.env(), {});
      before = read_all(task, *log);
      EXPECT_TRUE(log->close(task).has_value());
    });
    log.reset();
    node.power_cut();
    node.run([&](Task& task) {
      log = *open_log(task, node.env(), {});
      EXPECT_EQ(read_all(task, *log), before);
      EXPECT_EQ(before.front(), "a/0");
      EXPECT_EQ(before.back(), "d/0");
      EXPECT_TRUE(log->close(task).has_value());
    });
  }
}

// Whoever would open the files again waits for what is under way, which ends without a write.
TEST(CommitTest, APoisonedLogWritesNoMoreOnceHalted) {
  SmallNode node;
  sync::Event rolled;
  sync::Event synced;
  node.disk.open_gate_path = "1.log";
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), small_config());
    EXPECT_TRUE(append(task, *log, "a").has_value());
    node.disk.gate = &synced;
    log->request_sync();
    node.disk.open_gate = &rolled;
    bool appended = false;
    bool halted = false;
    node.spawn("producer", [&](Task& own) {
      const auto result = append(own, *log, std::string(490, 'b'));
      EXPECT_EQ(result.error().code(), ErrorCode::io_error);
      appended = true;
    });
    static_cast<void>(env::sleep_until(task, node.now_instant() + seconds(1)));
    node.image.order({.fault = sim::OrderedFault::sync_error, .path = "*.log"});
    synced.set();
    static_cast<void>(env::sleep_until(task, node.now_instant() + seconds(1)));
    EXPECT_TRUE(log->poisoned());
    node.spawn("opener", [&](Task& own) {
      EXPECT_TRUE(log->halt(own).has_value());
      EXPECT_TRUE(appended);
      halted = true;
    });
    static_cast<void>(env::sleep_until(task, node.now_instant() + seconds(1)));
    EXPECT_FALSE(halted);
    rolled.set();
    static_cast<void>(env::sleep_until(task, node.now_instant() + seconds(1)));
    EXPECT_TRUE(halted);
    EXPECT_EQ(log->segment_count(), 1U);
    EXPECT_EQ(log->end_offset(), Offset(1));
    const std::uint64_t operations = node.disk.operations;
    EXPECT_FALSE(append(task, *log, "c").has_value());
    EXPECT_EQ(node.disk.operations, operations);
  });
}

// The mark of a commit that a dead process has written, and the disk does not have yet.
TEST(CommitTest, OpeningMakesTheMarksDurable) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    EXPECT_TRUE(append_synced(task, *log, "a").has_value());
    EXPECT_TRUE(append_synced(task, *log, "b").has_value());
    static_cast<void>(env::sleep_until(task, node.now_instant() + milliseconds(10)));
    node.disk.dies_at = node.disk.operations;
  });
  node.kill();
  node.run([&](Task& task) { EXPECT_TRUE(open_log(task, node.env(), {}).has_value()); });
  EXPECT_GT(mark_hits("log.marks_synced_at_open"), 0U);
  node.power_cut();
  // What was told durable is not cut off when it rots.
  const std::uint64_t last = make_batch("a").size();
  ASSERT_TRUE(node.image.rot_at("data/t-0/00000000000000000000.log", last + 30, std::byte{1}));
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    EXPECT_EQ(read_all(task, *log), (std::vector<std::string>{"a/0", "corrupt"}));
    EXPECT_TRUE(log->close(task).has_value());
  });
}

// The same after a sync of the marks that failed: a later one need not cover them.
TEST(CommitTest, MarksThatAFailedSyncDroppedAreWrittenAgain) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    EXPECT_TRUE(append_synced(task, *log, "a").has_value());
    EXPECT_TRUE(append_synced(task, *log, "b").has_value());
    static_cast<void>(env::sleep_until(task, node.now_instant() + milliseconds(10)));
    node.image.order({.fault = sim::OrderedFault::sync_error, .path = "*.integrity"});
    static_cast<void>(env::sleep_until(task, node.now_instant() + seconds(1)));
    EXPECT_TRUE(log->poisoned());
  });
  node.run([&](Task& task) { EXPECT_TRUE(open_log(task, node.env(), {}).has_value()); });
  node.power_cut();
  const std::uint64_t last = make_batch("a").size();
  ASSERT_TRUE(node.image.rot_at("data/t-0/00000000000000000000.log", last + 30, std::byte{1}));
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    EXPECT_EQ(read_all(task, *log), (std::vector<std::string>{"a/0", "corrupt"}));
    EXPECT_TRUE(log->close(task).has_value());
  });
}

TEST(CommitTest, AFullDiskRefusesAndRecoversByItself) {
  sim::DiskHabits habits = strict_disk();
  habits.limits.capacity_bytes = 64 << 10;
  SmallNode node(habits);
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    Offset acknowledged{0};
    Result<log::Appended> last = log::Appended{};
    for (int i = 0; i < 2000 && last; ++i) {
      last = append_synced(task, *log, std::string(200, 'x'));
      if (last) acknowledged = last->end;
    }
    ASSERT_FALSE(last.has_value());
    EXPECT_EQ(last.error().code(), ErrorCode::no_space);
    EXPECT_FALSE(log->poisoned());
    node.image.habits().limits.capacity_bytes = 10 << 20;
    EXPECT_TRUE(append_synced(task, *log, "after").has_value());
    const auto all = read_all(task, *log);
    EXPECT_EQ(all.size(), static_cast<std::size_t>(log->end_offset().value()));
    EXPECT_EQ(all.back(), "after/0");
    EXPECT_TRUE(log->close(task).has_value());
  });
}

TEST(CommitTest, DuplicatesAreAnsweredWithTheOriginalOffset) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    const auto send = [&](Log& to, std::int32_t sequence, std::int16_t epoch = 0) {
      return append(task, to, "p" + std::to_string(sequence),
                    {.records = 2, .producer = 9, .epoch = epoch, .sequence = sequence});
    };
    for (std::int32_t i = 0; i < 7; ++i) EXPECT_EQ(send(*log, i * 2)->base, Offset(i * 2));
    const auto again = send(*log, 6);
    EXPECT_TRUE(again->duplicate);
    EXPECT_EQ(again->base, Offset(6));
    EXPECT_EQ(again->end, Offset(8));
    EXPECT_EQ(log->end_offset(), Offset(14));
    // Older than the five that are kept, or ahead.
    EXPECT_EQ(send(*log, 0).error().code(), ErrorCode::out_of_order_sequence);
    EXPECT_EQ(send(*log, 16).error().code(), ErrorCode::out_of_order_sequence);
    EXPECT_EQ(send(*log, 14, 1).error().code(), ErrorCode::out_of_order_sequence);
    EXPECT_TRUE(send(*log, 0, 1).has_value());
    EXPECT_EQ(send(*log, 14, 0).error().code(), ErrorCode::invalid_producer_epoch);
    EXPECT_TRUE(log->sync(task, log->end_offset()).has_value());
    EXPECT_TRUE(log->close(task).has_value());

    const LogPointer reopened = *open_log(task, node.env(), {});
    EXPECT_EQ(reopened->producers(), log->producers());
    EXPECT_TRUE(send(*reopened, 0, 1)->duplicate);
    EXPECT_EQ(send(*reopened, 2, 1)->base, Offset(16));
    EXPECT_TRUE(reopened->close(task).has_value());
  });
}

}  // namespace
}  // namespace flux::test
