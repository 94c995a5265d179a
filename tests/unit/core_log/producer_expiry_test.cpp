// Idempotent producers that fell silent: how long they are remembered.
#include <gtest/gtest.h>

#include "tests/support/log_kit.h"

namespace flux::test {
namespace {

using env::Task;

constexpr std::int64_t kWallStartMs = 1'700'000'000'000;  // a small node's wall clock begins there

log::LogConfig expires_after(Duration expiry) {
  log::LogConfig config;
  config.producer_expiry = expiry;
  return config;
}

Result<log::Appended> send(Task& task, log::Log& log, std::int64_t producer, std::int32_t sequence,
                           std::int64_t timestamp = kWallStartMs) {
  return append(task, log, "x",
                {.timestamp = timestamp, .producer = producer, .epoch = 0, .sequence = sequence});
}

constexpr Duration kHour = seconds(3600);

TEST(ProducerExpiryTest, WhoIsSilentIsForgottenAndMayBeginAnywhere) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), expires_after(kHour));
    EXPECT_TRUE(send(task, *log, 1, 0).has_value());
    EXPECT_TRUE(send(task, *log, 2, 0).has_value());
    node.pass(kHour / 2);
    EXPECT_TRUE(send(task, *log, 2, 1).has_value());
    node.pass(kHour / 2 - milliseconds(1));
    EXPECT_TRUE(send(task, *log, 1, 0)->duplicate);  // not new: it is not heard by that
    EXPECT_EQ(send(task, *log, 1, 7).error().code(), ErrorCode::out_of_order_sequence);
    node.pass(milliseconds(1));
    EXPECT_TRUE(send(task, *log, 1, 7).has_value());
    EXPECT_EQ(send(task, *log, 2, 7).error().code(), ErrorCode::out_of_order_sequence);
    EXPECT_TRUE(log->close(task).has_value());
  });
}

TEST(ProducerExpiryTest, BoundsHowManyAreKnown) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), expires_after(kHour));
    for (int i = 0; i < 300; ++i) {
      EXPECT_TRUE(send(task, *log, i, 0).has_value());
      node.pass(kHour / 10);
    }
    EXPECT_EQ(log->producers().producers().size(), 10U);
    EXPECT_TRUE(log->close(task).has_value());
  });
}

// What comes next does not wait for all who fell silent together.
TEST(ProducerExpiryTest, TheSilentAreForgottenInParts) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), expires_after(kHour));
    constexpr int kTogether = log::ProducerState::kForgottenAtOnce + 1;
    for (int i = 0; i < kTogether; ++i) EXPECT_TRUE(send(task, *log, i, 0).has_value());
    node.pass(kHour);
    EXPECT_TRUE(send(task, *log, kTogether, 0).has_value());
    EXPECT_EQ(log->producers().producers().size(), 2U);
    EXPECT_TRUE(send(task, *log, kTogether, 1).has_value());
    EXPECT_EQ(log->producers().producers().size(), 1U);
    EXPECT_TRUE(log->close(task).has_value());
  });
}

TEST(ProducerExpiryTest, AnIdleLogForgetsThemAllWhenItIsAskedTo) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), expires_after(kHour));
    constexpr int kTogether = log::ProducerState::kForgottenAtOnce + 1;
    for (int i = 0; i < kTogether; ++i) EXPECT_TRUE(send(task, *log, i, 0).has_value());
    node.pass(kHour / 2);
    EXPECT_TRUE(send(task, *log, kTogether, 0).has_value());
    node.pass(kHour / 2);
    log->forget_silent_producers(task);
    EXPECT_EQ(log->producers().producers().size(), 1U);
    EXPECT_TRUE(log->close(task).has_value());
  });
}

// Records of long ago, or of the future, and a wall clock that jumps.
TEST(ProducerExpiryTest, RecordTimesDoNotMatterWhileTheLogIsOpen) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), expires_after(kHour));
    for (const std::int64_t timestamp : {std::int64_t{0}, kWallStartMs * 2}) {
      const std::int64_t producer = timestamp + 1;
      EXPECT_TRUE(send(task, *log, producer, 0, timestamp).has_value());
      EXPECT_TRUE(send(task, *log, 5, 0).has_value());
      EXPECT_TRUE(send(task, *log, producer, 0, timestamp)->duplicate);
      node.pass(kHour);
      EXPECT_FALSE(send(task, *log, producer, 0, timestamp)->duplicate);
    }
    EXPECT_TRUE(log->close(task).has_value());
  });
}

TEST(ProducerExpiryTest, OpeningCountsFromTheRecordsTimeButNobodyGoesAtOnce) {
  SmallNode node;
  node.run([&](Task& task) {
    const log::LogConfig config = expires_after(kHour);
    LogPointer log = *open_log(task, node.env(), config);
    EXPECT_TRUE(send(task, *log, 1, 0, 0).has_value());                 // of 1970
    EXPECT_TRUE(send(task, *log, 2, 0, kWallStartMs).has_value());      // of now
    EXPECT_TRUE(send(task, *log, 3, 0, kWallStartMs * 2).has_value());  // of some day
    EXPECT_TRUE(log->close(task).has_value());
    const auto known = [&](std::int64_t producer) {
      static_cast<void>(append(task, *log, "y"));  // whoever comes makes room
      return log->producers().find(ProducerId(producer)) != nullptr;
    };
    log = *open_log(task, node.env(), config);
    node.pass(seconds(9 * 60));
    EXPECT_TRUE(known(1));
    node.pass(seconds(60));
    EXPECT_FALSE(known(1));
    EXPECT_TRUE(known(2));
    node.pass(kHour - seconds(10 * 60));
    EXPECT_FALSE(known(2));
    EXPECT_FALSE(known(3));
    EXPECT_TRUE(log->close(task).has_value());
  });
}

}  // namespace
}  // namespace flux::test
