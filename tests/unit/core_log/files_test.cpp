// How many files a log keeps open: none while idle, few while busy.
#include <gtest/gtest.h>

#include "core/log/log.h"
#include "tests/support/log_kit.h"

namespace flux::test {
namespace {

using env::Task;

void pass(Task& task, SmallNode& node, Duration time) {
  static_cast<void>(env::sleep_until(task, node.now_instant() + time));
}

TEST(FilesTest, AnIdleLogHoldsNone) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), small_config());
    EXPECT_EQ(node.disk.open_files, 0U);
    for (int round = 0; round < 3; ++round) {
      EXPECT_TRUE(append_synced(task, *log, "a").has_value());
      EXPECT_GT(node.disk.open_files, 0U);
      pass(task, node, seconds(1));
      EXPECT_EQ(node.disk.open_files, 0U) << round;
    }
    EXPECT_TRUE(log->roll(task).has_value());
    pass(task, node, seconds(1));
    EXPECT_EQ(node.disk.open_files, 0U);
    {
      const auto slice = *log->read(task, Offset(1));
      EXPECT_EQ(node.disk.open_files, 1U);
      EXPECT_EQ(log->bytes_of(task, slice)->size(), slice.length);
    }
    EXPECT_TRUE(log->offset_of_max_timestamp(task)->has_value());
    EXPECT_EQ(node.disk.open_files, 0U);
    EXPECT_TRUE(log->close(task).has_value());
  });
}

TEST(FilesTest, ABusyLogHoldsFewHoweverManySegmentsItHas) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), small_config());
    for (int producer = 0; producer < 4; ++producer) {
      node.spawn("producer", [&](Task& own) {
        for (int i = 0; i < 50; ++i) {
          EXPECT_TRUE(append_synced(own, *log, std::string(200, 'x')).has_value());
        }
      });
    }
    pass(task, node, milliseconds(1));  // all is done before time passes
    EXPECT_EQ(log->end_offset(), Offset(200));
    EXPECT_GT(log->segment_count(), 60U);
    EXPECT_LE(node.disk.open_files_max, 16U);
    EXPECT_LE(node.disk.open_files, 2U);
    EXPECT_EQ(read_all(task, *log).size(), 200U);
    EXPECT_LE(node.disk.open_files_max, 16U);
    EXPECT_TRUE(log->close(task).has_value());
  });
}

TEST(FilesTest, WhatNobodySyncsIsSyncedOnceIdle) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(append(task, *log, "a").has_value());
      log->sync_when_idle();
      pass(task, node, seconds(20));
      EXPECT_EQ(log->synced_end(), Offset(0));
    }
    pass(task, node, seconds(20));
    EXPECT_EQ(log->synced_end(), Offset(3));
    EXPECT_EQ(node.disk.open_files, 0U);
    EXPECT_TRUE(append(task, *log, "a").has_value());
    log->sync_when_idle();
    const Instant before = node.now_instant();
    EXPECT_TRUE(log->close(task).has_value());
    EXPECT_EQ(node.now_instant(), before);
  });
}

// flush.ms counts from the first append that is not synced, whatever follows.
TEST(FilesTest, WhatNobodySyncsIsSyncedInTime) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(append(task, *log, "a").has_value());
      log->sync_when_idle(seconds(10));
      EXPECT_EQ(log->synced_end(), Offset(0));
      pass(task, node, seconds(2));
    }
    pass(task, node, milliseconds(1));
    EXPECT_EQ(log->synced_end(), Offset(5));
    // Told sooner while it waits.
    EXPECT_TRUE(append(task, *log, "a").has_value());
    log->sync_when_idle(seconds(10));
    pass(task, node, milliseconds(1));
    log->sync_when_idle(seconds(1));
    pass(task, node, seconds(1) + milliseconds(1));
    EXPECT_EQ(log->synced_end(), Offset(6));
    EXPECT_TRUE(log->close(task).has_value());
  });
}

// Nobody appends again, and the next append would be the first to ask.
TEST(FilesTest, ASyncThatCouldNotBeginIsAskedForAgain) {
  for (const Duration within : {seconds(1), Duration::max()}) {
    SmallNode node;
    node.run([&](Task& task) {
      const LogPointer log = *open_log(task, node.env(), {});
      EXPECT_TRUE(append(task, *log, "a").has_value());
      node.disk.failure = ErrorCode::no_space;
      node.disk.fails_from = node.disk.operations;
      node.disk.fails = 1;
      log->sync_when_idle(within);
      pass(task, node, std::min(within, log->config().unsynced_idle) + milliseconds(1));
      EXPECT_EQ(log->synced_end(), Offset(0));
      EXPECT_FALSE(log->poisoned());
      pass(task, node, seconds(2));
      EXPECT_EQ(log->synced_end(), Offset(1));
      EXPECT_TRUE(log->close(task).has_value());
    });
  }
}

}  // namespace
}  // namespace flux::test
