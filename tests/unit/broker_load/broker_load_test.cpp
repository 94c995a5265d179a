#include <random>
#include <unistd.h>

#include "tests/bench/broker_load/caller.h"
#include "tests/bench/broker_load/histogram.h"
#include "tests/bench/broker_load/meter.h"
#include "tests/bench/broker_load/pacer.h"

namespace flux::load {
namespace {

TEST(LoadHistogram, AnEmptyOneHasNothing) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.at(0.5), 0u);
  EXPECT_EQ(histogram.max(), 0u);
}

TEST(LoadHistogram, SmallValuesAreExact) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 100; ++value) histogram.add(value);
  EXPECT_EQ(histogram.count(), 100u);
  EXPECT_EQ(histogram.at(0.0), 1u);
  EXPECT_EQ(histogram.at(0.5), 50u);
  EXPECT_EQ(histogram.at(0.99), 99u);
  EXPECT_EQ(histogram.at(1.0), 100u);
}

TEST(LoadHistogram, EveryValueComesBackWithin08Percent) {
  std::mt19937_64 draw(1);
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t value = draw() >> (draw() % 64);
    Histogram histogram;
    histogram.add(value);
    // Without a larger one the end of its bucket would be cut to the value itself.
    if (value < UINT64_MAX / 2) histogram.add(value * 2 + 1000);
    const std::uint64_t got = histogram.at(0.5);
    EXPECT_GE(got, value);
    EXPECT_LE(got - value, value / 128);
    if (HasFailure()) return;
    i += 99;
  }
}

TEST(LoadHistogram, ATailIsNotHiddenByTheRest) {
  Histogram histogram;
  for (int i = 0; i < 998; ++i) histogram.add(50'000);
  histogram.add(3'000'000);
  histogram.add(9'000'000);
  EXPECT_NEAR(static_cast<double>(histogram.at(0.5)), 50'000, 400);
  EXPECT_NEAR(static_cast<double>(histogram.at(0.999)), 3'000'000, 24'000);
  EXPECT_EQ(histogram.at(1.0), 9'000'000u);
}

TEST(LoadMeter, ReadsAProcessWhoseNameHoldsEverything) {
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  EXPECT_DOUBLE_EQ(
      cpu_seconds("42 (a ) R b) S 1 42 42 0 -1 4194560 300 0 0 0 250 150 7 8 20 0 5 0 900 1 2"),
      400 / ticks);
  EXPECT_LT(cpu_seconds(""), 0);
  EXPECT_LT(cpu_seconds("42 (x) S 1 2 3"), 0);
}

TEST(LoadMeter, ReadsWhatWasStolen) {
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  EXPECT_DOUBLE_EQ(stolen_seconds("cpu  1 2 3 4 5 6 7 800 9 10\ncpu0 1 2 3 4 5 6 7 8\n"),
                   800 / ticks);
  EXPECT_LT(stolen_seconds("intr 1 2 3"), 0);
}

TEST(LoadPacer, EveryMomentComesOnceAndNotBeforeItsTime) {
  Pacer pacer(20'000);
  std::uint64_t come = 0;
  while (come < 200) {
    come += pacer.wait();
    EXPECT_GE(boot_ns(), pacer.moment(come - 1));
  }
  // Moments are counted from the first, so that rounding does not add up.
  EXPECT_EQ(pacer.moment(20'000) - pacer.moment(0), 1'000'000'000u);
}

TEST(LoadCaller, AnAddressIsAHostAndAPort) {
  const auto at = parse_address("127.0.0.1:9092");
  ASSERT_TRUE(at.has_value());
  EXPECT_EQ(at->host, "127.0.0.1");
  EXPECT_EQ(at->port, 9092);
  for (const char* const wrong : {"", "127.0.0.1", "127.0.0.1:", "a:0", "a:65536", "a:1x"}) {
    EXPECT_FALSE(parse_address(wrong).has_value()) << wrong;
  }
}

// As produce.json's definition has it, by hand: what the fast reader must agree with.
Bytes answer_of(std::int32_t partition, std::int16_t error, std::int64_t offset) {
  Bytes out(4 + 4 + 2 + 1 + 4 + 4 + 2 + 8 + 8 + 8 + 4);
  store_be(out.data() + 4, std::int32_t{1});
  store_be(out.data() + 8, std::int16_t{1});
  out[10] = std::byte{'t'};
  store_be(out.data() + 11, std::int32_t{1});
  store_be(out.data() + 15, partition);
  store_be(out.data() + 19, error);
  store_be(out.data() + 21, offset);
  return out;
}

TEST(LoadCaller, AnAnswerIsTakenOnlyWhenItIsRight) {
  EXPECT_EQ(read_produced(answer_of(3, 0, 77), "t", 3).value(), 77);
  EXPECT_FALSE(read_produced(answer_of(4, 0, 77), "t", 3).has_value());
  EXPECT_FALSE(read_produced(answer_of(3, 6, -1), "t", 3).has_value());
  EXPECT_FALSE(read_produced(answer_of(3, 0, 77), "topic", 3).has_value());
}

TEST(LoadCaller, ARequestSaysItsLength) {
  const Bytes frame = produce_frame("t", 2, 100);
  EXPECT_EQ(load_be<std::uint32_t>(frame.data()), frame.size() - 4);
  EXPECT_EQ(load_be<std::int16_t>(frame.data() + 6), kProduceVersion);
  EXPECT_GT(frame.size(), 160u);
  EXPECT_LT(frame.size(), 260u);
}

}  // namespace
}  // namespace flux::load
