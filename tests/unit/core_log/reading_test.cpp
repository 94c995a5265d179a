// Reading a segment: how it is walked, what that costs, and what is served while parts of it are
// not what was written.
#include <functional>

#include <gtest/gtest.h>

#include "core/log/integrity.h"
#include "core/log/log.h"
#include "core/log/names.h"
#include "core/log/segment.h"
#include "core/sync/task_group.h"
#include "tests/support/log_kit.h"
#include "tests/support/marks.h"

namespace flux::log {
namespace {

using env::Task;
using test::LogPointer;
using test::SmallNode;
using Values = std::vector<std::string>;

constexpr std::string_view kSegment = "data/t-0/00000000000000000000.log";
constexpr std::string_view kEntries = "data/t-0/00000000000000000000.integrity";
constexpr std::string_view kIndex = "data/t-0/00000000000000000000.index";

LogConfig always() {
  LogConfig config;
  config.read_verify = ReadVerify::always;
  return config;
}

// --- BatchWalker

// Three batches of two records, from offset 10 on.
struct Walked {
  Walked() {
    for (const std::int64_t base : {10, 12, 14}) {
      batches.push_back(test::make_batch("x", {.records = 2}));
      record::set_base_offset(batches.back(), Offset(base));
    }
    size = static_cast<std::uint32_t>(batches[0].size());
  }
  // The first offsets of what was walked over, and -1 where that ended with an error.
  std::vector<std::int64_t> walk(std::uint32_t cut = 0, Offset from = Offset(10)) {
    std::vector<std::int64_t> out;
    SmallNode node;
    node.run([&](Task& task) {
      const auto make = *node.disk.open(task, "walked", env::Open::create);
      Bytes bytes;
      for (const Bytes& batch : batches) append(bytes, batch);
      bytes.resize(bytes.size() - cut);
      EXPECT_TRUE(make->write_at(task, 0, bytes));
      BatchWalker walker(*node.disk.open(task, "walked", env::Open::read), {0, from},
                         {3 * size, Offset(16)});
      while (!walker.done()) {
        const auto batch = walker.next(task);
        out.push_back(batch ? batch->base.value() : -1);
        if (!batch) {
          EXPECT_EQ(batch.error(), ErrorCode::corrupt);
          break;
        }
        EXPECT_EQ(batch->position + batch->size, walker.position());
      }
    });
    return out;
  }

  std::vector<Bytes> batches;
  std::uint32_t size = 0;
};

TEST(BatchWalkerTest, GoesFromBatchToBatchUpToTheEnd) {
  EXPECT_EQ(Walked().walk(), (std::vector<std::int64_t>{10, 12, 14}));
  // The offset that it begins with may lie in a range that was lost.
  EXPECT_EQ(Walked().walk(0, Offset(3)), (std::vector<std::int64_t>{10, 12, 14}));
}

TEST(BatchWalkerTest, AHeaderThatCannotBeRightIsAnError) {
  EXPECT_EQ(Walked().walk(0, Offset(11)), (std::vector<std::int64_t>{-1}));
  const auto changed = [](std::size_t batch, const std::function<void(Bytes&)>& change) {
    Walked walked;
    change(walked.batches[batch]);
    return walked.walk();
  };
  const auto base = [](std::int64_t offset) {
    return [offset](Bytes& batch) { record::set_base_offset(batch, Offset(offset)); };
  };
  const auto delta = [](std::int32_t last) {
    return [last](Bytes& batch) { store_be(batch.data() + 23, last); };
  };
  const auto longer = [](Bytes& batch) {
    store_be(batch.data() + 8, static_cast<std::int32_t>(batch.size()) - 12 + 1);
  };
  EXPECT_EQ(changed(1, base(11)), (std::vector<std::int64_t>{10, -1}));
  EXPECT_EQ(changed(1, delta(-1)), (std::vector<std::int64_t>{10, -1}));
  EXPECT_EQ(changed(2, base(15)), (std::vector<std::int64_t>{10, 12, -1}));
  EXPECT_EQ(changed(2, delta(2)), (std::vector<std::int64_t>{10, 12, -1}));
  EXPECT_EQ(changed(2, longer), (std::vector<std::int64_t>{10, 12, -1}));
}

TEST(BatchWalkerTest, OfAFileThatWasCutItGivesWhatIsThere) {
  const Walked walked;
  EXPECT_EQ(Walked().walk(walked.size), (std::vector<std::int64_t>{10, 12, -1}));
  EXPECT_EQ(Walked().walk(2 * walked.size - 60), (std::vector<std::int64_t>{10, -1}));
}

// --- what a read costs

std::uint64_t operations_of_a_read(Task& task, SmallNode& node, Log& log, Offset from) {
  const std::uint64_t before = node.disk.operations;
  const auto slice = log.read(task, from, {.bytes_max = 1});
  EXPECT_TRUE(slice && slice->first == from);
  return node.disk.operations - before;
}

// The segment is twenty times as long as what is walked at once.
TEST(ReadCostTest, AReadWalksOverOneIntervalOfTheIndexAndNoMore) {
  constexpr std::uint64_t kFew = 6;
  SmallNode node;
  node.run([&](Task& task) {
    LogPointer log = *test::open_log(task, node.env(), {});
    for (int i = 0; i < 250; ++i) EXPECT_TRUE(test::append(task, *log, std::string(260, 'x')));
    EXPECT_TRUE(log->sync(task, log->end_offset()));
    EXPECT_GT(log->size_bytes(), 20U * 4096);
    const auto expect_few = [&](const char* when) {
      EXPECT_TRUE(log->read(task, Offset(240)));  // loads what it needs
      for (const Offset from : {Offset(100), Offset(240)}) {
        operations_of_a_read(task, node, *log, from);  // verifies what it reads
        EXPECT_LE(operations_of_a_read(task, node, *log, from), kFew) << when;
      }
    };
    expect_few("written a moment ago");
    EXPECT_TRUE(log->roll(task));
    expect_few("rolled");
    EXPECT_TRUE(log->close(task));
    log = *test::open_log(task, node.env(), {});
    expect_few("closed and opened");
    EXPECT_TRUE(log->close(task));
    node.flip_bit(task, kIndex, 5);
    log = *test::open_log(task, node.env(), {});
    EXPECT_TRUE(log->recovery().clean);
    expect_few("an index that was made anew by a read");
    EXPECT_TRUE(log->halt(task));
    test::take_clean_mark_away(task, node.env());
    log = *test::open_log(task, node.env(), {});
    EXPECT_EQ(log->recovery().indexes_rebuilt, 1U);
    expect_few("an index that was made anew at opening");
    EXPECT_TRUE(log->close(task));
  });
}

// --- what is served

// Batches of one record, each synced and so closed as a block of its own; closed and opened again.
LogPointer reopened(Task& task, SmallNode& node, const LogConfig& config, int batches) {
  const LogPointer log = *test::open_log(task, node.env(), config);
  for (int i = 0; i < batches; ++i) {
    EXPECT_TRUE(test::append_synced(task, *log, "v" + std::to_string(i)));
  }
  EXPECT_TRUE(log->close(task));
  return *test::open_log(task, node.env(), config);
}

void spoil_entry(Task& task, SmallNode& node, int block) {
  const Bytes bytes = *env::read_file(task, node.disk, kEntries, 1 << 20);
  const IntegrityCodec codec(test::identity_of(), Offset(0));
  for (std::uint32_t i = 0; integrity_entry_at(i) < bytes.size(); ++i) {
    const std::uint64_t at = integrity_entry_at(i);
    const auto entry = codec.entry(ByteView(bytes).subspan(static_cast<std::size_t>(at)), i);
    if (!entry || entry->kind != IntegrityKind::block || block-- > 0) continue;
    return node.flip_bit(task, kEntries, at + 5);
  }
  ADD_FAILURE() << "no such entry";
}

TEST(RotTest, EachRangeIsKnownByItselfWhicheverIsFoundFirst) {
  const auto size = test::make_batch("v0").size();
  for (const bool forward : {true, false}) {
    LogConfig config;
    config.block_bytes = 1;
    SmallNode node;
    node.run([&](Task& task) {
      const LogPointer log = reopened(task, node, config, 6);
      node.flip_bit(task, kSegment, size + 70);
      node.flip_bit(task, kSegment, 4 * size + 70);
      for (const std::int64_t offset : {forward ? 1 : 4, forward ? 4 : 1}) {
        EXPECT_EQ(log->read(task, Offset(offset)).error(), ErrorCode::corrupt);
      }
      EXPECT_EQ(log->damage(),
                (std::vector<Damage>{{Offset(1), Offset(2)}, {Offset(4), Offset(5)}}));
      EXPECT_EQ(test::read_all(task, *log),
                (Values{"v0/0", "corrupt", "v2/0", "v3/0", "corrupt", "v5/0"}));
      EXPECT_TRUE(log->halt(task));
    });
  }
}

// A header is not under the batch's own checksum: only the entry's digest knows it.
TEST(RotTest, ABlockWhoseEntryIsNotWrittenYetIsHeldAgainstItAllTheSame) {
  LogConfig config = always();
  config.block_bytes = 1;
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *test::open_log(task, node.env(), config);
    node.image.order({.fault = sim::OrderedFault::write_error, .path = "*.integrity"});
    EXPECT_TRUE(test::append(task, *log, "a"));
    EXPECT_EQ(test::read_all(task, *log), Values{"a/0"});
    node.flip_bit(task, kSegment, 15);  // the epoch
    EXPECT_EQ(log->read(task, Offset(0)).error(), ErrorCode::corrupt);
    EXPECT_TRUE(log->halt(task));
  });
}

TEST(RotTest, WhatWasAppendedAMomentAgoAnswersForItselfAtEveryRead) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *test::open_log(task, node.env(), always());
    EXPECT_TRUE(test::append_synced(task, *log, "a"));
    EXPECT_TRUE(test::append(task, *log, "b"));
    EXPECT_TRUE(test::append(task, *log, "c"));
    EXPECT_EQ(test::read_all(task, *log), (Values{"a/0", "b/0", "c/0"}));
    const std::uint64_t last = log->size_bytes() - 1;
    node.flip_bit(task, kSegment, last);
    EXPECT_EQ(log->read(task, Offset(2)).error(), ErrorCode::corrupt);
    EXPECT_EQ(log->read(task, Offset(0)).error(), ErrorCode::corrupt);
    node.flip_bit(task, kSegment, last);
    EXPECT_EQ(test::read_all(task, *log), (Values{"a/0", "b/0", "c/0"}));
    EXPECT_TRUE(log->close(task));
  });
}

TEST(RotTest, BatchesWhoseEntryIsLostMustStandInLine) {
  const auto size = test::make_batch("a").size();
  SmallNode node;
  node.run([&](Task& task) {
    LogPointer log = *test::open_log(task, node.env(), {});
    EXPECT_TRUE(test::append(task, *log, "a"));
    EXPECT_TRUE(test::append_synced(task, *log, "b"));
    EXPECT_TRUE(log->close(task));
    log = *test::open_log(task, node.env(), {});
    spoil_entry(task, node, 0);
    node.flip_bit(task, kSegment, size + 7);  // the second one's offset, which is 0 now
    EXPECT_FALSE(log->read(task, Offset(0)));
    EXPECT_EQ(log->damage(), (std::vector<Damage>{{Offset(0), Offset(2)}}));
    EXPECT_TRUE(log->halt(task));
  });
}

// Their entry is gone as well: what was lost is told by the batches' own checksums.
TEST(RotTest, BytesWhoseEntryIsLostAreNotServedUnseen) {
  for (const bool each_time : {false, true}) {
    const auto size = test::make_batch("v0").size();
    SmallNode node;
    node.run([&](Task& task) {
      const LogPointer log = reopened(task, node, each_time ? always() : LogConfig(), 5);
      spoil_entry(task, node, 2);
      node.flip_bit(task, kSegment, 2 * size + 70);
      EXPECT_EQ(test::read_all(task, *log), (Values{"v0/0", "v1/0", "corrupt", "v3/0", "v4/0"}));
      EXPECT_TRUE(log->halt(task));
    });
  }
}

TEST(RotTest, ANeighbourThatCannotBeReadDoesNotMatterThoughTheEntryIsLost) {
  const auto size = test::make_batch("v0").size();
  for (const bool each_time : {false, true}) {
    SmallNode node;
    node.run([&](Task& task) {
      const LogPointer log = reopened(task, node, each_time ? always() : LogConfig(), 5);
      node.image.order({.fault = sim::OrderedFault::read_error,
                        .path = "*.log",
                        .begin = size + 10,
                        .end = size + 20,
                        .count = 1000});
      spoil_entry(task, node, 2);
      EXPECT_EQ(test::read_all(task, *log), (Values{"v0/0", "io_error", "v2/0", "v3/0", "v4/0"}));
      EXPECT_TRUE(log->halt(task));
    });
  }
}

TEST(RotTest, ABlockIsServedFromItsMiddle) {
  SmallNode node;
  node.run([&](Task& task) {
    LogPointer log = *test::open_log(task, node.env(), always());
    for (const char* tag : {"a", "b", "c"}) EXPECT_TRUE(test::append(task, *log, tag));
    EXPECT_TRUE(log->close(task));
    log = *test::open_log(task, node.env(), always());
    EXPECT_EQ(test::read_all(task, *log, Offset(1)), (Values{"b/0", "c/0"}));
    EXPECT_EQ(test::read_all(task, *log, Offset(1), 1), (Values{"b/0", "c/0"}));
    EXPECT_TRUE(log->close(task));
  });
}

TEST(RotTest, AReadThatAScrubOvertakesServesNothingThatItFound) {
  const auto size = test::make_batch("v0").size();
  for (int steps = 0; steps < 14; ++steps) {
    SCOPED_TRACE(steps);
    LogConfig config;
    config.block_bytes = 1;
    SmallNode node;
    node.run([&](Task& task) {
      const LogPointer log = reopened(task, node, config, 5);
      EXPECT_EQ(test::read_all(task, *log).size(), 5U);
      node.flip_bit(task, kSegment, size + 70);
      sync::TaskGroup readers(node.env().scheduler);
      readers.spawn("reader", [&](Task& own) {
        const auto slice = log->read(own, Offset(1));
        if (!slice) return;
        EXPECT_FALSE(slice->empty());
        EXPECT_TRUE(log->damage().empty());
      });
      for (int i = 0; i < steps; ++i) task.scheduler().yield(task);
      ScrubPlace place{.until = log->synced_end()};
      EXPECT_TRUE(log->scrub(task, place, 1U << 20));
      EXPECT_TRUE(readers.wait(task));
      EXPECT_EQ(log->damage(), (std::vector<Damage>{{Offset(1), Offset(2)}}));
      EXPECT_TRUE(log->halt(task));
    });
  }
}

}  // namespace
}  // namespace flux::log
