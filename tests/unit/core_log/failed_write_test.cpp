// What a write that failed leaves behind its segment's end, and what a roll after it makes of that.
#include <gtest/gtest.h>

#include "core/log/log.h"
#include "tests/support/log_kit.h"
#include "tests/support/marks.h"

namespace flux::test {
namespace {

using env::Task;
using log::Log;
using Values = std::vector<std::string>;

// One that fails, and a part of whose bytes are there.
void fail_write(Task& task, SmallNode& node, Log& log, unsigned halves) {
  // Once the log is idle the next operation opens the file, and the one after it is the write.
  static_cast<void>(env::sleep_until(task, node.now_instant() + seconds(1)));
  node.disk.fails_from = node.disk.operations + 1;
  node.disk.fails = 1;
  node.disk.failed_write_halves = halves;
  const std::uint64_t failed = mark_hits("log.write_failed");
  EXPECT_FALSE(append(task, log, "failed").has_value());
  EXPECT_EQ(mark_hits("log.write_failed"), failed + 1);
  node.disk.fails = 0;
}

void add(Task& task, Log& log, Values& expected, const std::string& tag) {
  EXPECT_TRUE(append_synced(task, log, tag).has_value());
  expected.push_back(tag + "/0");
}

// Four synced batches in one segment, and a failed write behind them.
LogPointer begin(Task& task, SmallNode& node, Values& expected, unsigned halves) {
  const LogPointer log = *open_log(task, node.env(), small_config());
  for (int i = 0; i < 4; ++i) add(task, *log, expected, "v" + std::to_string(i));
  EXPECT_EQ(log->segment_count(), 1U);
  fail_write(task, node, *log, halves);
  return log;
}

void expect_after_opening(SmallNode& node, const Values& expected, bool clean = false) {
  node.run([&](Task& task) {
    const auto opened = open_log(task, node.env(), small_config());
    ASSERT_TRUE(opened.has_value()) << opened.error().to_string();
    EXPECT_EQ((*opened)->recovery().clean, clean);
    EXPECT_EQ(read_all(task, **opened), expected);
    EXPECT_EQ((*opened)->recovery().segments_dropped, 0U);
    EXPECT_EQ((*opened)->recovery().rotten_ranges, 0U);
    EXPECT_TRUE((*opened)->close(task).has_value());
  });
}

TEST(FailedWriteTest, IsGoneOnceTheLogRolls) {
  for (const unsigned halves : {1U, 2U}) {
    SmallNode node;
    Values expected;
    node.run([&](Task& task) {
      const LogPointer log = begin(task, node, expected, halves);
      for (int i = 0; i < 12; ++i) add(task, *log, expected, std::string(200, 'y'));
      EXPECT_GT(log->segment_count(), 4U);
      EXPECT_TRUE(log->close(task).has_value());
    });
    expect_after_opening(node, expected, true);
  }
}

// A kill before anything of the next segment is synced.
TEST(FailedWriteTest, DoesNotTakeTheNextSegmentWithIt) {
  SmallNode node;
  Values expected;
  node.run([&](Task& task) {
    const LogPointer log = begin(task, node, expected, 1);
    EXPECT_TRUE(append(task, *log, std::string(200, 'y')).has_value());
    expected.push_back(std::string(200, 'y') + "/0");
    node.disk.dies_at = node.disk.operations;
  });
  node.kill();
  expect_after_opening(node, expected);
}

// Whoever left it there: a truncation that the power took back, an older release.
TEST(FailedWriteTest, BytesBehindASegmentThatAnotherFollowsAreNotOfTheLog) {
  for (const bool whole : {true, false}) {
    for (const bool synced : {true, false}) {
      SmallNode node;
      Values expected;
      node.run([&](Task& task) {
        const LogPointer log = begin(task, node, expected, 0);
        EXPECT_TRUE(log->roll(task).has_value());
        if (synced) {
          add(task, *log, expected, "next");
        } else {
          EXPECT_TRUE(append(task, *log, "next").has_value());
          expected.push_back("next/0");
        }
        Bytes batch = make_batch("stray");
        record::set_base_offset(batch, Offset(4));
        record::set_leader_epoch(batch, LeaderEpoch(0));
        if (!whole) batch.resize(batch.size() / 2);
        const std::string path = "data/t-0/00000000000000000000.log";
        const auto file = *node.env().disk.open(task, path, env::Open::read_write);
        EXPECT_TRUE(file->write_at(task, *file->size(task), batch).has_value());
        node.disk.dies_at = node.disk.operations;
      });
      node.kill();
      expect_after_opening(node, expected);
      expect_after_opening(node, expected, true);
    }
  }
}

TEST(FailedWriteTest, AShorterOneLeavesNothingOfItBehindTheEnd) {
  SmallNode node;
  Values expected;
  node.run([&](Task& task) {
    const LogPointer log = begin(task, node, expected, 2);
    add(task, *log, expected, "z");
    const std::string path = "data/t-0/00000000000000000000.log";
    const auto file = *node.env().disk.open(task, path, env::Open::read);
    EXPECT_EQ(*file->size(task), log->size_bytes());
    EXPECT_TRUE(log->close(task).has_value());
  });
  expect_after_opening(node, expected, true);
}

// On a full disk nobody may append for long.
TEST(FailedWriteTest, WhatAFullDiskTookOfItIsGivenBackAtOnce) {
  SmallNode node;
  Values expected;
  node.run([&](Task& task) {
    const std::string path = "data/t-0/00000000000000000000.log";
    node.disk.failure = ErrorCode::no_space;
    const LogPointer log = begin(task, node, expected, 1);
    const auto file = *node.env().disk.open(task, path, env::Open::read);
    EXPECT_EQ(*file->size(task), log->size_bytes());
    EXPECT_TRUE(log->close(task).has_value());
  });
  expect_after_opening(node, expected, true);
}

TEST(FailedWriteTest, ARollThatCannotCutItFails) {
  SmallNode node;
  Values expected;
  node.run([&](Task& task) {
    const LogPointer log = begin(task, node, expected, 2);
    node.disk.fails_from = node.disk.operations;
    node.disk.fails = 1;
    EXPECT_FALSE(append(task, *log, std::string(200, 'y')).has_value());
    EXPECT_EQ(log->segment_count(), 1U);
    add(task, *log, expected, std::string(200, 'z'));
    EXPECT_EQ(log->segment_count(), 2U);
    EXPECT_TRUE(log->close(task).has_value());
  });
  expect_after_opening(node, expected, true);
}

}  // namespace
}  // namespace flux::test
