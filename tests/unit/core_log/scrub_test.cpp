// The scrub: what was verified once is looked at again, and what rotted since is not served.
#include <gtest/gtest.h>

#include "core/env/passing_disk.h"
#include "core/sync/task_group.h"
#include "tests/support/log_kit.h"
#include "tests/support/marks.h"

namespace flux::log {
namespace {

using env::Task;
using test::LogPointer;
using test::SmallNode;

using Values = std::vector<std::string>;

constexpr std::string_view kFirstSegment = "data/t-0/00000000000000000000.log";

LogConfig one_segment() {
  LogConfig config = test::small_config();
  config.segment_bytes = 1U << 20;
  return config;
}

// What one scrub of the whole log has read, in steps of that size.
Scrubbed scrub_all(Task& task, Log& log, std::uint64_t bytes_max = 1) {
  Scrubbed sum;
  ScrubPlace place{.until = log.synced_end()};
  for (;;) {
    const auto step = log.scrub(task, place, bytes_max);
    EXPECT_TRUE(step);
    if (!step || !*step) return sum;
    sum.bytes += (*step)->bytes;
    sum.rotten += (*step)->rotten;
  }
}

Values fill(Task& task, Log& log, int from, int to) {
  Values out;
  for (int i = from; i < to; ++i) {
    const std::string tag = "v" + std::to_string(i);
    EXPECT_TRUE(test::append_synced(task, log, tag));
    out.push_back(tag + "/0");
  }
  return out;
}

TEST(ScrubTest, ReadsEveryClosedByteOnceAndFindsNothingInASoundLog) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *test::open_log(task, node.env(), test::small_config());
    EXPECT_EQ(scrub_all(task, *log).bytes, 0U);
    const Values values = fill(task, *log, 0, 30);
    EXPECT_GT(log->segment_count(), 3U);
    for (const std::uint64_t bytes_max : {1, 200, 1'000'000}) {
      const Scrubbed all = scrub_all(task, *log, bytes_max);
      EXPECT_EQ(all.bytes, log->size_bytes());
      EXPECT_EQ(all.rotten, 0U);
    }
    EXPECT_TRUE(log->damage().empty());
    EXPECT_EQ(test::read_all(task, *log), values);
    EXPECT_TRUE(log->close(task));
    EXPECT_EQ(node.disk.open_files, 0U);
  });
}

TEST(ScrubTest, AStepReadsOneRunOfBlocksAndNoMoreThanIsAskedFor) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *test::open_log(task, node.env(), one_segment());
    fill(task, *log, 0, 30);
    ScrubPlace place{.until = log->synced_end()};
    const std::uint64_t one = (**log->scrub(task, place, 1)).bytes;
    EXPECT_GE(one, test::small_config().block_bytes);
    EXPECT_LT(one, 2 * test::small_config().block_bytes);
    EXPECT_EQ((**log->scrub(task, place, one + 1)).bytes, 2 * one);
    EXPECT_TRUE(log->close(task));
  });
}

TEST(ScrubTest, RotAfterTheFirstReadIsFoundAndNotServed) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *test::open_log(task, node.env(), test::small_config());
    const Values values = fill(task, *log, 0, 30);
    EXPECT_EQ(test::read_all(task, *log), values);
    node.flip_bit(task, kFirstSegment, 70);
    // It was verified, so it is believed, until the scrub has come by.
    EXPECT_TRUE(log->read(task, Offset(0), {.bytes_max = 1}));
    EXPECT_TRUE(log->damage().empty());
    EXPECT_EQ(scrub_all(task, *log).rotten, 1U);
    ASSERT_EQ(log->damage().size(), 1U);
    EXPECT_EQ(log->damage()[0].from, Offset(0));
    const auto lost = static_cast<std::size_t>(log->damage()[0].to.value());
    EXPECT_LT(lost, 5U);
    const Values after = test::read_all(task, *log);
    ASSERT_EQ(after.size(), values.size());
    for (std::size_t i = 0; i < after.size(); ++i) {
      EXPECT_EQ(after[i], i < lost ? "corrupt" : values[i]) << i;
    }
    // Found once, it is known; and nothing was cut off.
    EXPECT_EQ(scrub_all(task, *log).rotten, 0U);
    EXPECT_EQ(log->end_offset(), Offset(30));
    const auto file = *node.env().disk.open(task, kFirstSegment, env::Open::read);
    EXPECT_GT(*file->size(task), 400U);
    EXPECT_TRUE(log->close(task));
  });
}

TEST(ScrubTest, OneWrongReadingCondemnsNoMoreThanIsRotten) {
  // Of the entries or of the segment, at the first reading or the one that is to confirm it.
  for (const std::string_view file : {"*.integrity", "*.log"}) {
    for (const std::uint64_t reading : {0, 1}) {
      SmallNode node;
      node.run([&](Task& task) {
        const LogPointer log = *test::open_log(task, node.env(), one_segment());
        fill(task, *log, 0, 30);
        node.flip_bit(task, kFirstSegment, 70);
        node.image.order({.fault = sim::OrderedFault::misdirected_read,
                          .path = std::string(file),
                          .skip = reading});
        scrub_all(task, *log);
        ASSERT_EQ(log->damage().size(), 1U) << file << reading;
        EXPECT_EQ(log->damage()[0].from, Offset(0));
        EXPECT_LT(log->damage()[0].to, Offset(3)) << file << reading;
        EXPECT_TRUE(log->close(task));
      });
    }
  }
}

TEST(ScrubTest, WhatIsWrittenAfterItBeganComesWithTheNext) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *test::open_log(task, node.env(), test::small_config());
    fill(task, *log, 0, 10);
    const std::uint64_t then = log->size_bytes();
    ScrubPlace place{.until = log->synced_end()};
    std::uint64_t bytes = 0;
    // Each step is overtaken by as much as it has read.
    for (int i = 10;; i += 10) {
      const auto step = log->scrub(task, place, 1);
      ASSERT_TRUE(step);
      if (!*step) break;
      ASSERT_LT(i, 200);
      bytes += (*step)->bytes;
      fill(task, *log, i, i + 10);
    }
    EXPECT_GT(bytes, 0U);
    EXPECT_LE(bytes, then);
    EXPECT_TRUE(log->close(task));
  });
}

TEST(ScrubTest, WhatIsNotSyncedIsLeftAlone) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *test::open_log(task, node.env(), one_segment());
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(test::append(task, *log, "v" + std::to_string(i)));
    node.flip_bit(task, kFirstSegment, 70);
    ScrubPlace place{.until = log->synced_end()};
    while (*log->scrub(task, place, 1)) {
    }
    EXPECT_TRUE(log->damage().empty());
    EXPECT_TRUE(log->halt(task));
  });
}

TEST(ScrubTest, GoesOnBehindWhatWasDeletedMeanwhile) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *test::open_log(task, node.env(), test::small_config());
    fill(task, *log, 0, 30);
    ScrubPlace place{.until = log->synced_end()};
    EXPECT_TRUE(*log->scrub(task, place, 1));
    EXPECT_TRUE(log->advance_start(task, Offset(20)));
    EXPECT_TRUE(log->remove_deleted(task, nanoseconds(0)));
    EXPECT_TRUE(*log->scrub(task, place, 1));
    EXPECT_GT(place.segment, Offset(0));
    EXPECT_TRUE(log->close(task));
  });
}

TEST(ScrubTest, FilesThatGoWhileItOpensThemAreNoError) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *test::open_log(task, node.env(), test::small_config());
    fill(task, *log, 0, 30);
    EXPECT_TRUE(log->advance_start(task, Offset(20)));
    sync::Event opened;
    node.disk.open_gate = &opened;
    node.disk.open_gate_path = kFirstSegment;
    ScrubPlace place{.until = log->synced_end()};
    sync::TaskGroup scrubbing(node.env().scheduler);
    scrubbing.spawn("scrub", [&](Task& own) {
      const auto step = log->scrub(own, place, 1);
      ASSERT_TRUE(step && *step);
      EXPECT_EQ((*step)->bytes, 0U);
    });
    for (int i = 0; i < 10; ++i) task.scheduler().yield(task);
    EXPECT_TRUE(log->remove_deleted(task, nanoseconds(0)));
    opened.set();
    EXPECT_TRUE(scrubbing.wait(task));
    EXPECT_EQ(test::mark_hits("log.deleted_under_scrub"), 1U);
    EXPECT_GT((**log->scrub(task, place, 1)).bytes, 0U);
    EXPECT_TRUE(log->close(task));
  });
}

TEST(ScrubTest, AHaltedLogIsNotScrubbed) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *test::open_log(task, node.env(), test::small_config());
    fill(task, *log, 0, 10);
    ScrubPlace place{.until = log->synced_end()};
    EXPECT_TRUE(*log->scrub(task, place, 1));
    EXPECT_TRUE(log->halt(task));
    EXPECT_EQ(log->scrub(task, place, 1).error(), ErrorCode::not_available);
  });
}

// From then on its files' names may be those of another log.
TEST(ScrubTest, ALogThatIsHaltedWhileItOpensFilesIsNotReadAnyMore) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *test::open_log(task, node.env(), test::small_config());
    fill(task, *log, 0, 30);
    sync::Event opened;
    node.disk.open_gate = &opened;
    node.disk.open_gate_path = kFirstSegment;
    ScrubPlace place{.until = log->synced_end()};
    sync::TaskGroup scrubbing(node.env().scheduler);
    scrubbing.spawn("scrub", [&](Task& own) {
      EXPECT_EQ(log->scrub(own, place, 1).error(), ErrorCode::not_available);
    });
    for (int i = 0; i < 10; ++i) task.scheduler().yield(task);
    EXPECT_TRUE(log->halt(task));
    opened.set();
    EXPECT_TRUE(scrubbing.wait(task));
    EXPECT_EQ(place.position, 0U);
  });
}

class CountingDisk final : public env::PassingDisk {
 public:
  using PassingDisk::PassingDisk;
  std::uint64_t opens = 0;
  Result<std::unique_ptr<env::File>> open(Task& task, std::string_view path,
                                          env::Open mode) override {
    ++opens;
    return PassingDisk::open(task, path, mode);
  }
};

TEST(ScrubTest, OpensEachFileOnceForAllThatAStepReads) {
  SmallNode node;
  CountingDisk disk(node.disk);
  env::Env counted{node.env().clock,  node.env().scheduler, node.env().network, disk,
                   node.env().random, node.env().trace};
  node.run([&](Task& task) {
    const LogPointer log = *test::open_log(task, counted, one_segment());
    fill(task, *log, 0, 30);
    static_cast<void>(env::sleep_until(task, node.now_instant() + seconds(1)));
    EXPECT_EQ(node.disk.open_files, 0U);
    disk.opens = 0;
    ScrubPlace place{.until = log->synced_end()};
    EXPECT_EQ((**log->scrub(task, place, 1U << 20)).bytes, log->size_bytes());
    EXPECT_EQ(disk.opens, 2U);
    EXPECT_TRUE(log->close(task));
  });
}

}  // namespace
}  // namespace flux::log
