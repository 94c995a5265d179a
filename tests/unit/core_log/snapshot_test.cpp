// What a log knows of idempotent producers when it is opened: the fold of its batches, begun with
// the snapshot of what stood before them.
#include <gtest/gtest.h>

#include "core/base/crc32c.h"
#include "core/log/names.h"
#include "core/log/producer_snapshot.h"
#include "tests/support/log_kit.h"
#include "tests/support/marks.h"

namespace flux::test {
namespace {

using env::Task;
using log::ProducerState;

void apply(ProducerState& state, std::int64_t producer, std::int32_t sequence, std::int64_t offset,
           int records = 2) {
  const Bytes batch =
      make_batch("x", {.records = records, .producer = producer, .epoch = 3, .sequence = sequence});
  state.apply(*record::BatchView::first_of(batch), Offset(offset));
}

ProducerState some_producers() {
  ProducerState state;
  for (std::int32_t i = 0; i < 7; ++i) apply(state, 9, i * 2, i * 10);
  apply(state, 4, INT32_MAX, 80);  // its last sequence is 0
  return state;
}

TEST(SnapshotTest, KeepsEveryBatchThatIsRemembered) {
  const ProducerState state = some_producers();
  const Bytes bytes = log::encode_producers(state);
  EXPECT_EQ(bytes.size(), 10U + 6 * 46);
  ProducerState read;
  ASSERT_TRUE(log::decode_producers(bytes, Offset(82), read).has_value());
  EXPECT_EQ(read, state);
  ProducerState fewer(2);
  ASSERT_TRUE(log::decode_producers(bytes, Offset(82), fewer).has_value());
  EXPECT_EQ(fewer.find(ProducerId(9))->batches.front().first, Sequence(10));
}

// A million are a matter of a tenth of a second, and some may be forgotten meanwhile.
TEST(SnapshotTest, ManyProducersLetOthersIn) {
  constexpr int kMany = 6000;
  ProducerState state;
  for (int i = 0; i < kMany; ++i) {
    apply(state, i, 0, i * 2);
    state.hear(ProducerId(i), Instant(i));
  }
  const Bytes whole = log::encode_producers(state);
  std::size_t pieces = 0;
  const record::Pace pace = [&](record::PaceOf, std::size_t bytes) {
    EXPECT_LE(bytes, 2 * record::kPaceBytes);
    ++pieces;
  };
  EXPECT_TRUE(equal(log::encode_producers(state, pace), whole));
  EXPECT_GE(pieces, 2 * (whole.size() / record::kPaceBytes));
  pieces = 0;
  ProducerState read;
  ASSERT_TRUE(log::decode_producers(whole, Offset(kMany * 2), read, pace).has_value());
  EXPECT_EQ(read, state);
  EXPECT_GE(pieces, 3 * (whole.size() / record::kPaceBytes));

  const record::Pace forgetful = [&](record::PaceOf, std::size_t) {
    state.forget_silent(Instant(kMany / 2));
  };
  const Bytes rest = log::encode_producers(state, forgetful);
  ProducerState left;
  ASSERT_TRUE(log::decode_producers(rest, Offset(kMany * 2), left).has_value());
  EXPECT_NE(left.find(ProducerId(kMany - 1)), nullptr);
}

TEST(SnapshotTest, OpeningWithManyProducersLetsOthersIn) {
  constexpr int kMany = 4 * ProducerState::kForgottenAtOnce;
  SmallNode node;
  node.run([&](Task& task) {
    LogPointer log = *open_log(task, node.env(), {});
    for (int i = 0; i < kMany; ++i) {
      ASSERT_TRUE(append(task, *log, "a", {.producer = i, .epoch = 0, .sequence = 0}));
    }
    EXPECT_TRUE(log->close(task).has_value());
    const std::uint64_t before = node.asked_to_yield();
    log = *open_log(task, node.env(), {});
    EXPECT_TRUE(log->recovery().clean);
    EXPECT_EQ(log->producers().producers().size(), std::size_t{kMany});
    // Three times for what is unpacked, and for each thousand when they are taken for heard.
    EXPECT_GE(node.asked_to_yield() - before, 3 * (kMany * 46 / record::kPaceBytes) + 4);
    EXPECT_TRUE(log->close(task).has_value());
  });
}

// The layout, byte by byte: producer 7, epoch 0, its newest batch of three records at offset 5.
TEST(SnapshotTest, HasKafkasLayout) {
  Bytes bytes(56);
  store_be<std::int16_t>(bytes.data(), 1);
  store_be<std::int32_t>(bytes.data() + 6, 1);
  std::byte* entry = bytes.data() + 10;
  store_be<std::int64_t>(entry, 7);
  store_be<std::int32_t>(entry + 10, 4);
  store_be<std::int64_t>(entry + 14, 7);
  store_be<std::int32_t>(entry + 22, 2);
  store_be<std::int64_t>(entry + 26, 1'700'000'000'000);
  store_be<std::int32_t>(entry + 34, -1);
  store_be<std::int64_t>(entry + 38, -1);
  store_be<std::uint32_t>(bytes.data() + 2, crc32c(ByteView(bytes).subspan(6)));
  ProducerState state;
  ASSERT_TRUE(log::decode_producers(bytes, Offset(8), state).has_value());
  const log::Producer* producer = state.find(ProducerId(7));
  ASSERT_NE(producer, nullptr);
  EXPECT_EQ(producer->epoch, ProducerEpoch(0));
  ASSERT_EQ(producer->batches.size(), 1U);
  EXPECT_EQ(producer->batches[0].first, Sequence(2));
  EXPECT_EQ(producer->batches[0].last, Sequence(4));
  EXPECT_EQ(producer->batches[0].base_offset, Offset(5));
  EXPECT_EQ(log::encode_producers(state), bytes);
}

TEST(SnapshotTest, WhatDoesNotFitIsRefused) {
  const Bytes good = log::encode_producers(some_producers());
  const auto refused = [](const Bytes& bytes, std::int64_t end) {
    ProducerState state;
    const auto read = log::decode_producers(bytes, Offset(end), state);
    EXPECT_TRUE(state.producers().empty());
    return !read && read.error() == ErrorCode::corrupt;
  };
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= std::byte{0x10};
    EXPECT_TRUE(refused(bad, 82)) << i;
    EXPECT_TRUE(refused(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(i)), 82));
  }
  EXPECT_TRUE(refused(good, 81));  // it speaks of offset 81
}

// Three segments, of which retention has deleted the first: its producer's batches are gone.
void make_log_without_its_first_segment(SmallNode& node) {
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    EXPECT_TRUE(append_synced(task, *log, "a", {.producer = 1, .epoch = 0, .sequence = 0}));
    EXPECT_TRUE(log->roll(task).has_value());
    EXPECT_TRUE(append_synced(task, *log, "b", {.producer = 2, .epoch = 0, .sequence = 0}));
    EXPECT_TRUE(log->roll(task).has_value());
    EXPECT_TRUE(append_synced(task, *log, "c", {.producer = 2, .epoch = 0, .sequence = 1}));
    EXPECT_TRUE(log->close(task).has_value());
    for (const std::string_view suffix : log::kSegmentSuffixes) {
      static_cast<void>(node.disk.remove(
          task, std::string(kLogDirectory) + "/" + log::segment_file(Offset(0), suffix)));
    }
    take_clean_mark_away(task, node.env());
    EXPECT_TRUE(node.disk.sync_directory(task, kLogDirectory).has_value());
  });
}

TEST(SnapshotTest, WhatWasDeletedIsStillRemembered) {
  SmallNode node;
  make_log_without_its_first_segment(node);
  node.power_cut();
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    EXPECT_EQ(log->start_offset(), Offset(1));
    const auto again = append(task, *log, "a", {.producer = 1, .epoch = 0, .sequence = 0});
    EXPECT_TRUE(again->duplicate);
    EXPECT_EQ(again->base, Offset(0));
    EXPECT_EQ(append(task, *log, "d", {.producer = 1, .epoch = 0, .sequence = 2}).error().code(),
              ErrorCode::out_of_order_sequence);
    EXPECT_EQ(log->producers().find(ProducerId(2))->batches.size(), 2U);
    EXPECT_TRUE(log->close(task).has_value());
  });
}

// A segment begun at opening, behind one that rotted, is one like those that a roll begins.
TEST(SnapshotTest, WhatStoodBeforeRotIsRememberedOnceItIsDeleted) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    EXPECT_TRUE(append_synced(task, *log, "a", {.producer = 1, .epoch = 0, .sequence = 0}));
    EXPECT_TRUE(append_synced(task, *log, "b"));
    EXPECT_TRUE(log->close(task).has_value());
    take_clean_mark_away(task, node.env());
  });
  const std::size_t second = make_batch("a", {.producer = 1, .epoch = 0, .sequence = 0}).size();
  ASSERT_TRUE(node.image.rot_at("data/t-0/00000000000000000000.log", second + 30, std::byte{1}));
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    EXPECT_EQ(log->segment_count(), 2U);
    EXPECT_TRUE(log->advance_start(task, log->end_offset()).has_value());
    EXPECT_TRUE(log->remove_deleted(task, Duration()).has_value());
    EXPECT_EQ(log->segment_count(), 1U);
  });
  node.kill();
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    EXPECT_EQ(log->start_offset(), Offset(2));
    EXPECT_TRUE(append(task, *log, "a", {.producer = 1, .epoch = 0, .sequence = 0})->duplicate);
    EXPECT_TRUE(log->close(task).has_value());
  });
}

TEST(SnapshotTest, ADamagedOneIsIgnored) {
  SmallNode node;
  make_log_without_its_first_segment(node);
  ASSERT_TRUE(node.image.rot_at("data/t-0/00000000000000000001.snapshot", 20, std::byte{1}));
  const std::uint64_t before = mark_hits("log.snapshot_ignored");
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    EXPECT_EQ(log->producers().find(ProducerId(1)), nullptr);
    EXPECT_EQ(log->producers().find(ProducerId(2))->batches.size(), 2U);
    EXPECT_TRUE(log->close(task).has_value());
  });
  EXPECT_EQ(mark_hits("log.snapshot_ignored"), before + 1);
}

// A snapshot with a good checksum that does not say what the log says.
TEST(SnapshotTest, NoneIsBelievedMoreThanTheLog) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    EXPECT_TRUE(append_synced(task, *log, "a", {.producer = 1, .epoch = 0, .sequence = 0}));
    EXPECT_TRUE(log->roll(task).has_value());
    EXPECT_TRUE(append_synced(task, *log, "b", {.producer = 1, .epoch = 0, .sequence = 1}));
    EXPECT_TRUE(log->close(task).has_value());
    ProducerState lie;
    apply(lie, 1, 40, 0, 1);
    for (const std::int64_t at : {0, 1, 2, 3}) {
      const std::string file = log::segment_file(Offset(at), log::kSnapshotSuffix);
      EXPECT_TRUE(env::replace_file(task, node.disk, std::string(kLogDirectory) + "/" + file,
                                    log::encode_producers(lie)));
    }
    const ProducerState truth = log->producers();
    const LogPointer reopened = *open_log(task, node.env(), {});
    EXPECT_EQ(reopened->producers(), truth);
    EXPECT_TRUE(reopened->close(task).has_value());
    const auto left = *node.disk.list(task, kLogDirectory);
    EXPECT_EQ(
        std::ranges::count_if(
            left, [](const auto& entry) { return entry.name.ends_with(log::kSnapshotSuffix); }),
        3)  // of both segments, and of the end
        << "those of no segment go";
  });
}

}  // namespace
}  // namespace flux::test
