// What is remembered of idempotent producers, and what follows for their next batch.
#include "core/log/producer_state.h"

#include <gtest/gtest.h>

#include "tests/support/log_kit.h"

namespace flux::log {
namespace {

struct Batch {
  std::int32_t sequence = 0;
  int records = 1;
  std::int16_t epoch = 3;
  std::int64_t producer = 9;

  Bytes bytes() const {
    return test::make_batch("x", {.records = records,
                                  .timestamp = 70,
                                  .producer = producer,
                                  .epoch = epoch,
                                  .sequence = sequence});
  }
};

void apply(ProducerState& state, const Batch& batch, std::int64_t offset = 0) {
  const Bytes bytes = batch.bytes();
  state.apply(*record::BatchView::first_of(bytes), Offset(offset));
}
std::optional<ProducerBatch> duplicate(const ProducerState& state, const Batch& batch) {
  const Bytes bytes = batch.bytes();
  return state.find_duplicate(*record::BatchView::first_of(bytes));
}
constexpr std::optional<ErrorCode> kMayCome = std::nullopt;
std::optional<ErrorCode> check(const ProducerState& state, const Batch& batch,
                               const Producer* pending = nullptr) {
  const Bytes bytes = batch.bytes();
  const auto checked = state.check(*record::BatchView::first_of(bytes), pending);
  if (checked) return kMayCome;
  return checked.error().code();
}

TEST(ProducerStateTest, RemembersABatchAsItWas) {
  ProducerState state;
  apply(state, {.sequence = 4, .records = 3}, 100);
  const Producer* producer = state.find(ProducerId(9));
  ASSERT_NE(producer, nullptr);
  EXPECT_EQ(producer->epoch, ProducerEpoch(3));
  const ProducerBatch expected{.first = Sequence(4),
                               .last = Sequence(6),
                               .base_offset = Offset(100),
                               .last_offset_delta = 2,
                               .timestamp = record::Timestamp(72)};
  EXPECT_EQ(producer->batches, std::vector<ProducerBatch>{expected});
  EXPECT_EQ(producer->batches[0].last_offset(), Offset(102));
  EXPECT_EQ(state.find(ProducerId(8)), nullptr);
}

TEST(ProducerStateTest, ADuplicateIsTheSameSequencesOfTheSameEpoch) {
  ProducerState state;
  EXPECT_FALSE(duplicate(state, {.sequence = 0}));
  apply(state, {.sequence = 0, .records = 3}, 100);
  apply(state, {.sequence = 3, .records = 3}, 103);
  EXPECT_EQ(duplicate(state, {.sequence = 0, .records = 3})->base_offset, Offset(100));
  EXPECT_EQ(duplicate(state, {.sequence = 3, .records = 3})->base_offset, Offset(103));
  EXPECT_FALSE(duplicate(state, {.sequence = 0, .records = 2}));
  EXPECT_FALSE(duplicate(state, {.sequence = 1, .records = 2}));
  EXPECT_FALSE(duplicate(state, {.sequence = 0, .records = 3, .epoch = 4}));
  EXPECT_FALSE(duplicate(state, {.sequence = 0, .records = 3, .producer = 8}));
}

TEST(ProducerStateTest, SequencesGoOnWithinAnEpochAndBeginAtZeroInTheNext) {
  ProducerState state;
  EXPECT_EQ(check(state, {.sequence = 77}), kMayCome);  // nothing is known of it
  apply(state, {.sequence = 0, .records = 3});
  EXPECT_EQ(check(state, {.sequence = 3}), kMayCome);
  EXPECT_EQ(check(state, {.sequence = 2}), ErrorCode::out_of_order_sequence);
  EXPECT_EQ(check(state, {.sequence = 4}), ErrorCode::out_of_order_sequence);
  EXPECT_EQ(check(state, {.sequence = 3, .epoch = 2}), ErrorCode::invalid_producer_epoch);
  EXPECT_EQ(check(state, {.sequence = 0, .epoch = 4}), kMayCome);
  EXPECT_EQ(check(state, {.sequence = 3, .epoch = 4}), ErrorCode::out_of_order_sequence);
  EXPECT_EQ(check(state, {.sequence = -1, .epoch = -1, .producer = -1}), kMayCome);
}

TEST(ProducerStateTest, WhatTheSameAppendBringsCountsBeforeWhatIsKnown) {
  ProducerState state;
  apply(state, {.sequence = 0});
  const Bytes next = Batch{.sequence = 1}.bytes();
  const Producer pending =
      state.preview(state.find(ProducerId(9)), *record::BatchView::first_of(next), Offset(1));
  EXPECT_EQ(pending.batches.size(), 2U);
  EXPECT_EQ(check(state, {.sequence = 2}, &pending), kMayCome);
  EXPECT_EQ(check(state, {.sequence = 1}, &pending), ErrorCode::out_of_order_sequence);
  EXPECT_EQ(state.find(ProducerId(9))->batches.size(), 1U) << "a preview changes nothing";
}

TEST(ProducerStateTest, ANewEpochForgetsTheBatchesOfTheOldOne) {
  ProducerState state;
  apply(state, {.sequence = 0}, 5);
  apply(state, {.sequence = 0, .epoch = 4}, 6);
  const Producer& producer = *state.find(ProducerId(9));
  EXPECT_EQ(producer.epoch, ProducerEpoch(4));
  ASSERT_EQ(producer.batches.size(), 1U);
  EXPECT_EQ(producer.batches[0].base_offset, Offset(6));
}

// A transaction's marker has an epoch and no sequence: the next batch begins at zero.
TEST(ProducerStateTest, AMarkerMovesTheEpochAndIsNoBatch) {
  ProducerState state;
  apply(state, {.sequence = 0});
  apply(state, {.sequence = -1, .epoch = 4});
  EXPECT_EQ(state.find(ProducerId(9))->epoch, ProducerEpoch(4));
  EXPECT_TRUE(state.find(ProducerId(9))->batches.empty());
  EXPECT_EQ(check(state, {.sequence = 0, .epoch = 4}), kMayCome);
  EXPECT_EQ(check(state, {.sequence = 1, .epoch = 4}), ErrorCode::out_of_order_sequence);
}

TEST(ProducerStateTest, TheNewestBatchesAreKept) {
  ProducerState state(2);
  for (int i = 0; i < 4; ++i) {
    apply(state, {.sequence = i}, i);
    const auto& batches = state.find(ProducerId(9))->batches;
    EXPECT_EQ(batches.size(), std::min<std::size_t>(static_cast<std::size_t>(i) + 1, 2));
    EXPECT_EQ(batches.back().base_offset, Offset(i));
  }
  Producer many = *state.find(ProducerId(9));
  many.batches.push_back(many.batches.back());
  state.restore(ProducerId(1), many);
  EXPECT_EQ(state.find(ProducerId(1))->batches.size(), 2U);
}

TEST(ProducerStateTest, WhoHasNoIdIsNoProducer) {
  ProducerState state;
  apply(state, {.sequence = -1, .epoch = -1, .producer = -1});
  EXPECT_TRUE(state.producers().empty());
}

TEST(ProducerStateTest, TheSilentGoAndThoseHeardSinceStay) {
  ProducerState state;
  for (const std::int64_t id : {1, 2, 3}) apply(state, {.producer = id});
  state.hear(ProducerId(1), Instant(10));
  state.hear(ProducerId(2), Instant(10));
  state.hear(ProducerId(1), Instant(20));
  state.hear(ProducerId(7), Instant(10));  // who is not known
  EXPECT_FALSE(state.forget_silent(Instant(9)));
  EXPECT_EQ(state.producers().size(), 3U);
  EXPECT_FALSE(state.forget_silent(Instant(10)));
  EXPECT_EQ(state.find(ProducerId(2)), nullptr);
  EXPECT_NE(state.find(ProducerId(1)), nullptr);
  EXPECT_FALSE(state.forget_silent(Instant(19)));
  EXPECT_NE(state.find(ProducerId(1)), nullptr);
  // One that comes back is heard anew.
  apply(state, {.producer = 2});
  state.hear(ProducerId(2), Instant(30));
  EXPECT_FALSE(state.forget_silent(Instant(29)));
  EXPECT_EQ(state.find(ProducerId(1)), nullptr);
  EXPECT_NE(state.find(ProducerId(2)), nullptr);
  EXPECT_NE(state.find(ProducerId(3)), nullptr) << "who was never heard is never forgotten";
}

}  // namespace
}  // namespace flux::log
