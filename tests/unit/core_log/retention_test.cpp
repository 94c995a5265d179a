// How a log gets shorter at its front: the start that is told, retention by size and age, files.
#include <gtest/gtest.h>

#include "core/log/log.h"
#include "core/log/names.h"
#include "core/log/start_file.h"
#include "core/sync/task_group.h"
#include "tests/support/log_kit.h"
#include "tests/support/marks.h"

namespace flux::test {
namespace {

using env::Task;

class RetentionTest : public ::testing::Test {
 protected:
  // `count` batches of one record, each with a segment of its own behind it when `bytes` is large.
  void fill(Task& task, log::Log& log, int count, std::size_t bytes = 300) {
    for (int i = 0; i < count; ++i) {
      node.pass(milliseconds(1000));
      EXPECT_TRUE(append_synced(task, log, std::string(bytes, 'x'), {.timestamp = now_ms()}));
    }
  }
  std::int64_t now_ms() { return node.env().clock.wall_now().ms(); }
  LogPointer open(Task& task) {
    auto opened = open_log(task, node.env(), small_config());
    EXPECT_TRUE(opened.has_value()) << opened.error().to_string();
    return *opened;
  }
  std::size_t files(Task& task) { return node.env().disk.list(task, kLogDirectory)->size(); }
  static ErrorCode error_at(Task& task, log::Log& log, Offset from) {
    return log.read(task, from).error().code();
  }

  SmallNode node;
};

TEST_F(RetentionTest, TheStartMayLieInsideASegmentAndABatch) {
  node.run([&](Task& task) {
    const LogPointer log = open(task);
    EXPECT_TRUE(append_synced(task, *log, "a", {.records = 5}));
    EXPECT_TRUE(append_synced(task, *log, "b", {.records = 5}));
    EXPECT_TRUE(log->advance_start(task, Offset(3)));
    EXPECT_EQ(log->start_offset(), Offset(3));
    EXPECT_EQ(error_at(task, *log, Offset(2)), ErrorCode::out_of_range);
    EXPECT_EQ(read_all(task, *log, Offset(3)).size(), 7U);
    EXPECT_TRUE(log->advance_start(task, Offset(1)));  // nothing to do
    EXPECT_EQ(log->start_offset(), Offset(3));
    EXPECT_EQ(log->advance_start(task, Offset(11)).error().code(), ErrorCode::out_of_range);
  });
  node.power_cut();
  node.run([&](Task& task) {
    const LogPointer log = open(task);
    EXPECT_EQ(log->start_offset(), Offset(3));
    EXPECT_EQ(log->end_offset(), Offset(10));
    EXPECT_EQ(error_at(task, *log, Offset(0)), ErrorCode::out_of_range);
    EXPECT_EQ(read_all(task, *log, Offset(3)).front(), "a/3");
    EXPECT_TRUE(log->close(task));
  });
}

TEST_F(RetentionTest, SegmentsBelowTheStartGoAfterTheirDelayAndReadersKeepTheirs) {
  node.run([&](Task& task) {
    const LogPointer log = open(task);
    fill(task, *log, 6);
    EXPECT_EQ(log->segment_count(), 6U);
    const auto held = *log->read(task, Offset(1));
    const std::size_t before = files(task);
    EXPECT_TRUE(log->advance_start(task, Offset(4)));
    const auto due = *log->remove_deleted(task, seconds(60));
    ASSERT_TRUE(due.has_value());
    EXPECT_EQ(*due, node.now_instant() + seconds(60));
    EXPECT_EQ(log->segment_count(), 2U);
    EXPECT_EQ(files(task), before + 1);  // where it starts
    node.pass(seconds(61));
    EXPECT_EQ(*log->remove_deleted(task, seconds(60)), std::nullopt);
    EXPECT_EQ(files(task), before + 1 - 16);
    EXPECT_EQ(log->bytes_of(task, held)->size(), held.length);
    EXPECT_EQ(read_all(task, *log, Offset(4)).size(), 2U);
    EXPECT_TRUE(log->close(task));
  });
}

TEST_F(RetentionTest, WhatACrashLeavesOfDeletedSegmentsIsRemovedUnread) {
  node.run([&](Task& task) {
    const LogPointer log = open(task);
    fill(task, *log, 6);
    EXPECT_TRUE(log->advance_start(task, Offset(4)));
  });
  node.power_cut();
  node.run([&](Task& task) {
    // One of the files went, the others came back.
    EXPECT_TRUE(node.env().disk.remove(
        task, std::string(kLogDirectory) + "/" + log::segment_file(Offset(1), log::kLogSuffix)));
    const LogPointer log = open(task);
    EXPECT_EQ(log->segment_count(), 2U);
    EXPECT_EQ(log->recovery().rotten_ranges, 0U);
    EXPECT_EQ(log->recovery().batches, 2U);
    for (int base = 0; base < 4; ++base) {
      for (const std::string_view suffix : log::kSegmentSuffixes) {
        const std::string path =
            std::string(kLogDirectory) + "/" + log::segment_file(Offset(base), suffix);
        EXPECT_FALSE(node.disk.open(task, path, env::Open::read)) << path;
      }
    }
    EXPECT_TRUE(log->close(task));
  });
}

TEST_F(RetentionTest, BySizeWholeSegmentsGoWhileTheOthersAreAsLarge) {
  node.run([&](Task& task) {
    const LogPointer log = open(task);
    fill(task, *log, 6);
    const auto size = static_cast<std::int64_t>(log->size_bytes()) / 6;
    EXPECT_TRUE(log->expire(task, {.bytes = 6 * size}, log->end_offset()));
    EXPECT_EQ(log->start_offset(), Offset(0));
    EXPECT_TRUE(log->expire(task, {.bytes = 3 * size + 1}, log->end_offset()));
    EXPECT_EQ(log->start_offset(), Offset(2));
    EXPECT_TRUE(log->expire(task, {.bytes = 3 * size}, log->end_offset()));
    EXPECT_EQ(log->start_offset(), Offset(3));
    // Never above the high watermark.
    EXPECT_TRUE(log->expire(task, {.bytes = 0}, Offset(4)));
    EXPECT_EQ(log->start_offset(), Offset(4));
    EXPECT_TRUE(log->expire(task, {.bytes = 0}, log->end_offset()));
    EXPECT_EQ(log->start_offset(), Offset(6));
    EXPECT_EQ(read_all(task, *log, Offset(6)).size(), 0U);
    EXPECT_TRUE(log->close(task));
  });
}

TEST_F(RetentionTest, ByAgeOfTheNewestRecordAndTheActiveSegmentRolls) {
  node.run([&](Task& task) {
    const LogPointer log = open(task);
    EXPECT_TRUE(append_synced(task, *log, std::string(10, 'a'), {.timestamp = now_ms()}));
    node.pass(seconds(10));
    fill(task, *log, 1, 10);
    EXPECT_EQ(log->segment_count(), 1U);
    node.pass(seconds(10));
    EXPECT_TRUE(log->expire(task, {.ms = 10'000}, log->end_offset()));
    EXPECT_EQ(log->start_offset(), Offset(0));  // the newest is not older than that
    node.pass(milliseconds(1));
    EXPECT_TRUE(log->expire(task, {.ms = 10'000}, log->end_offset()));
    EXPECT_EQ(log->start_offset(), Offset(2));
    EXPECT_EQ(log->segment_count(), 2U);
    EXPECT_TRUE(log->expire(task, {.ms = 0}, log->end_offset()));
    EXPECT_EQ(log->segment_count(), 2U);  // an empty one is not rolled again
    node.pass(seconds(1));
    EXPECT_EQ(*log->remove_deleted(task, {}), std::nullopt);
    EXPECT_EQ(log->segment_count(), 1U);
    EXPECT_EQ(append_synced(task, *log, "b")->base, Offset(2));
    EXPECT_TRUE(log->close(task));
  });
  node.power_cut();
  node.run([&](Task& task) {
    const LogPointer log = open(task);
    EXPECT_EQ(log->start_offset(), Offset(2));
    EXPECT_EQ(read_all(task, *log, Offset(2)), std::vector<std::string>{"b/0"});
    EXPECT_TRUE(log->close(task));
  });
}

TEST_F(RetentionTest, ARecordFromTheFutureKeepsItsSegment) {
  node.run([&](Task& task) {
    const LogPointer log = open(task);
    EXPECT_TRUE(append_synced(task, *log, std::string(400, 'x'), {.timestamp = INT64_MAX - 1}));
    EXPECT_TRUE(append_synced(task, *log, std::string(400, 'x'), {.timestamp = 1}));
    EXPECT_TRUE(log->expire(task, {.ms = 0}, log->end_offset()));
    EXPECT_EQ(log->start_offset(), Offset(0));
    EXPECT_TRUE(log->close(task));
  });
}

// Only what is left counts, though its files are still there.
TEST_F(RetentionTest, ADeletedRecordFromTheFutureKeepsNothing) {
  node.run([&](Task& task) {
    const LogPointer log = open(task);
    EXPECT_TRUE(append_synced(task, *log, std::string(400, 'x'), {.timestamp = INT64_MAX - 1}));
    fill(task, *log, 2, 400);
    EXPECT_EQ(log->segment_count(), 3U);
    EXPECT_TRUE(log->advance_start(task, Offset(1)));
    node.pass(seconds(100));
    EXPECT_TRUE(log->expire(task, {.ms = 1000}, log->end_offset()));
    EXPECT_EQ(log->start_offset(), Offset(3));
    EXPECT_TRUE(log->close(task));
  });
}

TEST_F(RetentionTest, APoisonedLogAndAClosedOneDeleteNothing) {
  for (const bool poisoned : {true, false}) {
    SmallNode own;
    own.run([&](Task& task) {
      const LogPointer log = *open_log(task, own.env(), small_config());
      for (int i = 0; i < 4; ++i) EXPECT_TRUE(append_synced(task, *log, std::string(400, 'x')));
      EXPECT_TRUE(log->advance_start(task, Offset(2)));
      static_cast<void>(env::sleep_until(task, own.now_instant() + seconds(1)));
      if (poisoned) {
        own.image.order({.fault = sim::OrderedFault::sync_error, .path = "*.log"});
        EXPECT_FALSE(append_synced(task, *log, "y"));
        static_cast<void>(env::sleep_until(task, own.now_instant() + seconds(1)));
      } else {
        EXPECT_TRUE(log->close(task));
      }
      const std::uint64_t operations = own.disk.operations;
      const auto refusal = poisoned ? ErrorCode::io_error : ErrorCode::not_available;
      EXPECT_EQ(log->advance_start(task, Offset(3)).error(), refusal);
      EXPECT_EQ(log->expire(task, {.bytes = 0}, Offset(4)).error(), refusal);
      EXPECT_EQ(log->remove_deleted(task, {}).error(), refusal);
      log->request_sync();
      static_cast<void>(env::sleep_until(task, own.now_instant() + seconds(1)));
      EXPECT_EQ(own.disk.operations, operations);
      EXPECT_EQ(log->start_offset(), Offset(2));
      EXPECT_TRUE(log->halt(task));
    });
  }
}

TEST_F(RetentionTest, RoomThatWasGivenBackStaysSoOverAPowerCut) {
  node.run([&](Task& task) {
    const LogPointer log = open(task);
    fill(task, *log, 4, 400);
    EXPECT_TRUE(log->advance_start(task, Offset(3)));
    EXPECT_TRUE(log->remove_deleted(task, {}));
    node.disk.dies_at = node.disk.operations;
  });
  node.power_cut();
  node.run([&](Task& task) {
    const std::string first =
        std::string(kLogDirectory) + "/" + log::segment_file(Offset(0), log::kLogSuffix);
    EXPECT_FALSE(node.disk.open(task, first, env::Open::read));
  });
}

TEST_F(RetentionTest, TimesAreLookedUpInWhatIsLeft) {
  node.run([&](Task& task) {
    const LogPointer log = open(task);
    EXPECT_TRUE(append_synced(task, *log, "a", {.records = 3, .timestamp = 900}));
    EXPECT_TRUE(append_synced(task, *log, "b", {.records = 3, .timestamp = 500}));
    EXPECT_TRUE(log->roll(task));
    EXPECT_TRUE(append_synced(task, *log, "c", {.timestamp = 100}));
    EXPECT_TRUE(log->advance_start(task, Offset(4)));
    EXPECT_EQ((*log->offset_for_timestamp(task, record::Timestamp(0)))->offset, Offset(4));
    EXPECT_EQ(*log->offset_for_timestamp(task, record::Timestamp(900)), std::nullopt);
    EXPECT_EQ((*log->offset_of_max_timestamp(task))->offset, Offset(5));
    EXPECT_TRUE(log->advance_start(task, Offset(6)));
    EXPECT_EQ((*log->offset_of_max_timestamp(task))->offset, Offset(6));
    EXPECT_TRUE(log->close(task));
  });
}

TEST_F(RetentionTest, TheEpochOfTheStartOutlivesItsBatches) {
  const auto check = [&](log::Log& log) {
    const std::vector<log::EpochStart> wanted = {{LeaderEpoch(3), Offset(2)},
                                                 {LeaderEpoch(4), Offset(3)}};
    EXPECT_EQ(log.epochs().entries(), wanted);
  };
  node.run([&](Task& task) {
    const LogPointer log = open(task);
    for (const std::int32_t epoch : {1, 3, 3, 4}) {
      EXPECT_TRUE(append(task, *log, std::string(400, 'x'), {}, epoch));
    }
    EXPECT_TRUE(log->sync(task, log->end_offset()));
    EXPECT_TRUE(log->advance_start(task, Offset(2)));
    check(*log);
  });
  node.power_cut();
  node.run([&](Task& task) {
    const LogPointer log = open(task);
    check(*log);
    EXPECT_TRUE(log->expire(task, {.bytes = 0}, log->end_offset()));
    EXPECT_TRUE(log->close(task));
  });
  node.run([&](Task& task) {
    const LogPointer log = open(task);
    EXPECT_EQ(log->start_offset(), Offset(4));
    EXPECT_EQ(log->epochs().latest(), LeaderEpoch(4));
    EXPECT_TRUE(log->close(task));
  });
}

TEST_F(RetentionTest, AnEndThatWasLostBelowTheStartDoesNotTakeItBack) {
  node.run([&](Task& task) {
    const LogPointer log = open(task);
    EXPECT_TRUE(append_synced(task, *log, "a"));
    EXPECT_TRUE(append(task, *log, "b"));
    EXPECT_TRUE(append(task, *log, "c"));
    EXPECT_TRUE(log->advance_start(task, Offset(3)));
    node.disk.dies_at = node.disk.operations;
  });
  node.power_cut();
  for (int life = 0; life < 2; ++life) {
    node.run([&](Task& task) {
      const LogPointer log = open(task);
      EXPECT_EQ(log->start_offset(), Offset(3));
      EXPECT_EQ(log->end_offset(), Offset(3 + life));
      EXPECT_EQ(append_synced(task, *log, "d")->base, Offset(3 + life));
    });
    node.power_cut();
  }
}

TEST_F(RetentionTest, OneBadCopyOfTheStartIsMendedAndWithTwoTheFirstSegmentIsTheStart) {
  const std::string path = std::string(kLogDirectory) + "/" + std::string(log::kStartFile);
  const auto spoil = [&](Task& task, std::uint64_t at) {
    const auto file = *node.env().disk.open(task, path, env::Open::read_write);
    EXPECT_TRUE(file->write_at(task, at, as_bytes("?")));
  };
  node.run([&](Task& task) {
    {
      const LogPointer log = open(task);
      fill(task, *log, 3, 30);
      EXPECT_TRUE(log->advance_start(task, Offset(2)));
      EXPECT_TRUE(log->close(task));
    }
    for (const std::uint64_t at : {std::uint64_t{40}, log::kStartCopyDistance + 40}) {
      spoil(task, at);
      const LogPointer log = open(task);
      EXPECT_EQ(log->start_offset(), Offset(2));
      EXPECT_TRUE(log->close(task));
    }
    spoil(task, 40);
    spoil(task, log::kStartCopyDistance + 40);
    const LogPointer log = open(task);
    // All in one segment: what was deleted in it is back.
    EXPECT_EQ(log->start_offset(), Offset(0));
    EXPECT_EQ(test::mark_hits("log.start_lost"), 1U);
    // It moves on from there, and is written anew.
    EXPECT_TRUE(log->advance_start(task, Offset(3)));
    EXPECT_TRUE(log->close(task));
    const LogPointer again = open(task);
    EXPECT_EQ(again->start_offset(), Offset(3));
    EXPECT_TRUE(again->close(task));
  });
}

TEST_F(RetentionTest, AFullDiskTakesDeletesAndDyingInTheMidstOfOneIsBorne) {
  for (std::uint64_t dies = 0; dies < 6; ++dies) {
    SCOPED_TRACE(dies);
    SmallNode own;
    own.run([&](Task& task) {
      const LogPointer log = *open_log(task, own.env(), small_config());
      for (int i = 0; i < 4; ++i) EXPECT_TRUE(append_synced(task, *log, std::string(400, 'x')));
      EXPECT_TRUE(log->advance_start(task, Offset(1)));
      own.disk.failure = ErrorCode::no_space;
      own.disk.fails_from = own.disk.operations;  // no new file
      own.disk.fails = 1;
      if (dies > 0) own.disk.dies_at = own.disk.operations + dies;
      EXPECT_EQ(log->advance_start(task, Offset(3)).has_value(), dies == 0);
    });
    own.disk.fails = 0;
    own.power_cut();
    own.run([&](Task& task) {
      const LogPointer log = *open_log(task, own.env(), small_config());
      if (dies == 0) {
        EXPECT_EQ(log->start_offset(), Offset(3));
      }
      const bool either = log->start_offset() == Offset(1) || log->start_offset() == Offset(3);
      EXPECT_TRUE(either) << log->start_offset().value();
      EXPECT_TRUE(log->close(task));
    });
  }
}

TEST_F(RetentionTest, ExpiredSegmentsGoThoughTheActiveOneHasNoSuccessor) {
  node.run([&](Task& task) {
    const LogPointer log = open(task);
    fill(task, *log, 4, 400);
    EXPECT_TRUE(log->advance_start(task, Offset(1)));
    static_cast<void>(env::sleep_until(task, node.now_instant() + seconds(100)));
    node.disk.failure = ErrorCode::no_space;
    node.disk.fails_from = node.disk.operations;
    node.disk.fails = 1;
    const auto expired = log->expire(task, {.ms = 1000}, log->end_offset());
    ASSERT_FALSE(expired);
    EXPECT_EQ(expired.error().code(), ErrorCode::no_space);
    EXPECT_EQ(log->start_offset(), Offset(3));
    EXPECT_TRUE(log->expire(task, {.ms = 1000}, log->end_offset()));
    EXPECT_EQ(log->start_offset(), Offset(4));
    EXPECT_TRUE(log->close(task));
  });
}

TEST_F(RetentionTest, AReadThatTheStartOvertakesIsOutOfRange) {
  // Each operation of the read is one at which all below it may go.
  for (int steps = 0; steps < 12; ++steps) {
    SCOPED_TRACE(steps);
    SmallNode own;
    own.run([&](Task& task) {
      const LogPointer log = *open_log(task, own.env(), small_config());
      for (int i = 0; i < 4; ++i) {
        EXPECT_TRUE(append_synced(task, *log, std::string(400, 'x')));
      }
      static_cast<void>(env::sleep_until(task, own.now_instant() + seconds(1)));
      sync::TaskGroup readers(own.env().scheduler);
      readers.spawn("reader", [&](Task& reader) {
        const auto slice = log->read(reader, Offset(0));
        if (slice) return;
        EXPECT_EQ(slice.error().code(), ErrorCode::out_of_range) << slice.error().to_string();
      });
      readers.spawn("searcher", [&](Task& searcher) {
        EXPECT_TRUE(log->offset_for_timestamp(searcher, record::Timestamp(0)));
      });
      for (int i = 0; i < steps; ++i) task.scheduler().yield(task);
      EXPECT_TRUE(log->advance_start(task, Offset(3)));
      EXPECT_TRUE(log->remove_deleted(task, {}));
      EXPECT_TRUE(readers.wait(task));
      EXPECT_TRUE(log->close(task));
    });
  }
}

TEST_F(RetentionTest, AnAppendThatRacesWithRetentionKeepsItsOffset) {
  for (int steps = 0; steps < 12; ++steps) {
    SCOPED_TRACE(steps);
    SmallNode own;
    own.run([&](Task& task) {
      const LogPointer log = *open_log(task, own.env(), small_config());
      for (int i = 0; i < 3; ++i) EXPECT_TRUE(append_synced(task, *log, std::string(400, 'x')));
      sync::TaskGroup writers(own.env().scheduler);
      writers.spawn("writer", [&](Task& writer) {
        EXPECT_EQ(append_synced(writer, *log, "new")->base, Offset(3));
      });
      for (int i = 0; i < steps; ++i) task.scheduler().yield(task);
      EXPECT_TRUE(log->expire(task, {.bytes = 0}, Offset(3)));
      EXPECT_TRUE(log->remove_deleted(task, {}));
      EXPECT_TRUE(writers.wait(task));
      EXPECT_EQ(log->start_offset(), Offset(3));
      EXPECT_EQ(read_all(task, *log, Offset(3)), std::vector<std::string>{"new/0"});
      EXPECT_TRUE(log->close(task));
    });
  }
}

}  // namespace
}  // namespace flux::test
