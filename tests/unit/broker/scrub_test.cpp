// The scrub of a broker's partitions: how fast, how often, what it finds, and what it leaves alone.
#include <gtest/gtest.h>

#include "core/broker/fetch.h"
#include "core/broker/produce.h"
#include "core/record/batch_builder.h"
#include "tests/support/marks.h"
#include "tests/unit/broker/running_broker.h"

namespace flux::broker {
namespace {

constexpr std::size_t kValueBytes = 200;
constexpr std::uint64_t kPlenty = 1U << 30;

class ScrubTest : public RunningBroker {
 protected:
  ScrubTest() { knobs.block_bytes = 300; }

  void with_scrub(const ScrubConfig& scrub, const std::function<void(env::Task&, Broker&)>& body) {
    housekeeping = {.first_after = seconds(1), .check_interval = seconds(3600), .scrub = scrub};
    with_broker(body);
  }
  static void make_topic(env::Task& task, Broker& broker, const std::string& name,
                         std::int32_t partitions = 1) {
    ASSERT_TRUE(broker.controller().create_topic(
        task,
        {.name = name, .partitions = partitions, .settings = {{"internal.segment.bytes", "900"}}},
        false));
  }
  void produce(env::Task& task, Broker& broker, const std::string& name, int records,
               std::int32_t partition = 0) {
    const auto topic = broker.image()->topic(name);
    for (int i = 0; i < records; ++i) {
      record::BatchBuilder builder;
      builder.add(record::Timestamp(node.env().clock.wall_now().ms()), record::text("key"),
                  record::text(std::string(kValueBytes, 'x')));
      const auto bytes = std::make_shared<Bytes>(*builder.build());
      const auto begun =
          begin_produce(task, broker, *topic, PartitionIndex(partition), *bytes, bytes, {});
      ASSERT_TRUE(begun) << begun.error().detail;
      ASSERT_TRUE(finish_produce(task, *begun, Acks::all, broker.patience_end()));
    }
  }
  static Fetched fetch_from(env::Task& task, Broker& broker, const std::string& name, Offset from) {
    const auto topic = broker.image()->topic(name);
    return fetch(
        task, broker,
        {{.partition = broker.partition(*topic, PartitionIndex(0)), .from = from, .bytes_max = 1}},
        {.wait_max = {}})[0];
  }
  void wait(env::Task& task, Duration time) {
    ASSERT_TRUE(env::sleep_until(task, node.env().clock.now() + time));
  }
  static std::uint64_t bytes_of(const Broker& broker, const std::string& name) {
    const auto partition =
        broker.known_partition(broker.image()->topic(name)->id, PartitionIndex(0));
    return partition->log()->size_bytes();
  }
};

TEST_F(ScrubTest, APassReadsEveryByteOnceAnInterval) {
  with_scrub({.interval = seconds(100), .bytes_per_second = kPlenty},
             [&](env::Task& task, Broker& broker) {
               make_topic(task, broker, "a");
               make_topic(task, broker, "b");
               make_topic(task, broker, "empty", 3);
               produce(task, broker, "a", 20);
               produce(task, broker, "b", 7);
               const std::uint64_t all = bytes_of(broker, "a") + bytes_of(broker, "b");
               for (std::uint64_t pass = 1; pass <= 3; ++pass) {
                 wait(task, seconds(50));
                 EXPECT_EQ(broker.metrics().scrub_passes.value(), pass);
                 EXPECT_EQ(broker.metrics().scrubbed_bytes.value(), pass * all);
                 EXPECT_EQ(node.disk.open_files, 0U);
                 wait(task, seconds(50));
               }
               EXPECT_EQ(broker.metrics().scrub_rotten_ranges.value(), 0U);
             });
}

TEST_F(ScrubTest, WithoutAnIntervalNothingIsRead) {
  with_scrub({.interval = Duration::max()}, [&](env::Task& task, Broker& broker) {
    make_topic(task, broker, "t");
    produce(task, broker, "t", 5);
    wait(task, seconds(std::int64_t{365} * 24 * 3600));
    EXPECT_EQ(broker.metrics().scrubbed_bytes.value(), 0U);
  });
}

TEST_F(ScrubTest, NoMoreIsReadInASecondThanAllowedAndFilesAreGivenBackMeanwhile) {
  constexpr std::uint64_t kRate = 500;
  with_scrub({.interval = seconds(1), .bytes_per_second = kRate},
             [&](env::Task& task, Broker& broker) {
               make_topic(task, broker, "t");
               produce(task, broker, "t", 40);
               const std::uint64_t all = bytes_of(broker, "t");
               ASSERT_GT(all, 10 * kRate);
               wait(task, seconds(1));
               for (std::uint64_t second = 1; second * kRate < all; ++second) {
                 wait(task, seconds(1));
                 const std::uint64_t read = broker.metrics().scrubbed_bytes.value();
                 EXPECT_LE(read, (second + 2) * kRate);
                 EXPECT_GE(read, (second - 1) * kRate);
                 EXPECT_EQ(node.disk.open_files, 0U);
                 // Nobody waits for the scrub.
                 EXPECT_FALSE(fetch_from(task, broker, "t", Offset(3)).fault);
               }
               wait(task, seconds(5));
               EXPECT_GE(broker.metrics().scrub_passes.value(), 1U);
             });
}

TEST_F(ScrubTest, AStopDoesNotWaitForThePass) {
  Instant before_stop;
  with_scrub({.interval = seconds(1), .bytes_per_second = 1}, [&](env::Task& task, Broker& broker) {
    make_topic(task, broker, "t");
    produce(task, broker, "t", 10);
    wait(task, seconds(2));
    EXPECT_GT(broker.metrics().scrubbed_bytes.value(), 0U);
    EXPECT_EQ(broker.metrics().scrub_passes.value(), 0U);
    before_stop = node.now_instant();
  });
  EXPECT_LT(node.now_instant() - before_stop, seconds(1));
}

TEST_F(ScrubTest, RotIsRefusedToReadersAndHarmsNothingElse) {
  with_scrub({.interval = seconds(100), .bytes_per_second = kPlenty},
             [&](env::Task& task, Broker& broker) {
               make_topic(task, broker, "t");
               make_topic(task, broker, "well");
               produce(task, broker, "t", 10);
               produce(task, broker, "well", 10);
               // Read once, it is believed.
               EXPECT_FALSE(fetch_from(task, broker, "t", Offset(0)).fault);
               node.flip_bit(task, "data/t-0/00000000000000000000.log", 100);
               EXPECT_FALSE(fetch_from(task, broker, "t", Offset(0)).fault);
               wait(task, seconds(2));
               EXPECT_EQ(broker.metrics().scrub_rotten_ranges.value(), 1U);
               const Fetched rotten = fetch_from(task, broker, "t", Offset(0));
               ASSERT_TRUE(rotten.fault);
               EXPECT_EQ(rotten.fault->kind, FaultKind::corrupt_message);
               EXPECT_FALSE(fetch_from(task, broker, "t", Offset(5)).fault);
               for (int i = 0; i < 10; ++i) {
                 EXPECT_FALSE(fetch_from(task, broker, "well", Offset(i)).fault);
               }
               produce(task, broker, "t", 1);
               EXPECT_FALSE(fetch_from(task, broker, "t", Offset(10)).fault);
               // The next pass knows it.
               wait(task, seconds(100));
               EXPECT_EQ(broker.metrics().scrub_rotten_ranges.value(), 1U);
               metrics::Exposition page;
               broker.write_metrics(task, page);
               const std::string text = page.finish();
               EXPECT_NE(text.find("\nflux_log_damaged_ranges 1\n"), std::string::npos);
             });
}

TEST_F(ScrubTest, WhatNobodyUsesIsOpenedForItsTurnAndStaysOpenOnlyIfItIsDamaged) {
  with_scrub({.interval = Duration::max()}, [&](env::Task& task, Broker& broker) {
    make_topic(task, broker, "sound");
    make_topic(task, broker, "spoilt");
    make_topic(task, broker, "empty");
    produce(task, broker, "sound", 10);
    produce(task, broker, "spoilt", 10);
  });
  with_scrub({.interval = seconds(100), .bytes_per_second = kPlenty},
             [&](env::Task& task, Broker& broker) {
               node.flip_bit(task, "data/spoilt-0/00000000000000000000.log", 100);
               wait(task, seconds(2));
               EXPECT_EQ(broker.metrics().scrub_passes.value(), 1U);
               EXPECT_EQ(broker.metrics().scrub_rotten_ranges.value(), 1U);
               EXPECT_GT(broker.metrics().scrubbed_bytes.value(), 20 * kValueBytes);
               const auto known = [&](const std::string& name) {
                 return broker.known_partition(broker.image()->topic(name)->id, PartitionIndex(0));
               };
               EXPECT_EQ(known("empty"), nullptr);
               ASSERT_NE(known("sound"), nullptr);
               EXPECT_EQ(known("sound")->log(), nullptr);
               ASSERT_NE(known("spoilt"), nullptr);
               ASSERT_NE(known("spoilt")->log(), nullptr);
               EXPECT_EQ(known("spoilt")->log()->damage().size(), 1U);
               EXPECT_EQ(node.disk.open_files, 0U);
               // Closed, it is as it was.
               EXPECT_EQ(known("sound")->high_watermark(), Offset(10));
               produce(task, broker, "sound", 1);
               EXPECT_FALSE(fetch_from(task, broker, "sound", Offset(10)).fault);
             });
}

TEST_F(ScrubTest, AnAppendThatMeetsTheClosingOfALogIsNotLost) {
  with_scrub({.interval = Duration::max()}, [&](env::Task& task, Broker& broker) {
    make_topic(task, broker, "t");
    produce(task, broker, "t", 4);
  });
  int records = 4;
  // The scrub opens, reads and closes meanwhile.
  for (int steps = 0; steps < 60; ++steps) {
    SCOPED_TRACE(steps);
    with_scrub({.interval = seconds(100), .bytes_per_second = kPlenty},
               [&](env::Task& task, Broker& broker) {
                 wait(task, seconds(1));
                 for (int i = 0; i < steps; ++i) task.scheduler().yield(task);
                 produce(task, broker, "t", 1);
                 ++records;
                 EXPECT_FALSE(fetch_from(task, broker, "t", Offset(records - 1)).fault);
                 wait(task, seconds(1));
                 EXPECT_FALSE(fetch_from(task, broker, "t", Offset(0)).fault);
               });
  }
}

TEST_F(ScrubTest, ATopicMayBeDeletedAndMadeAnewUnderIt) {
  const std::uint64_t found_before = test::mark_hits("log.rot_found_by_scrub");
  for (int steps = 0; steps < 60; ++steps) {
    SCOPED_TRACE(steps);
    with_scrub({.interval = seconds(100), .bytes_per_second = kPlenty}, [&](env::Task& task,
                                                                            Broker& broker) {
      make_topic(task, broker, "t");
      produce(task, broker, "t", 9);
      const Uuid former = broker.image()->topic("t")->id;
      wait(task, seconds(1));
      for (int i = 0; i < steps; ++i) task.scheduler().yield(task);
      ASSERT_TRUE(broker.controller().delete_topic(task, former));
      make_topic(task, broker, "t");
      produce(task, broker, "t", 3);
      wait(task, seconds(1));
      EXPECT_EQ(broker.metrics().scrub_passes.value(), 1U);
      EXPECT_EQ(broker.metrics().scrub_rotten_ranges.value(), 0U);
      EXPECT_FALSE(fetch_from(task, broker, "t", Offset(0)).fault);
      ASSERT_TRUE(broker.controller().delete_topic(task, broker.image()->topic("t")->id));
      ASSERT_TRUE(broker.work().wait(task));
      const auto entries = node.env().disk.list(task, "data");
      ASSERT_TRUE(entries && !entries->empty());
      for (const auto& entry : *entries) {
        EXPECT_FALSE(entry.name.starts_with("t-")) << entry.name;
      }
    });
  }
  EXPECT_EQ(test::mark_hits("log.rot_found_by_scrub"), found_before);
}

}  // namespace
}  // namespace flux::broker
