// Partitions that get shorter at the front: by request, and by the broker's housekeeping.
#include <optional>

#include <gtest/gtest.h>

#include "core/broker/delete_records.h"
#include "core/broker/fetch.h"
#include "core/broker/produce.h"
#include "core/record/batch_builder.h"
#include "tests/unit/broker/running_broker.h"

namespace flux::broker {
namespace {

class RetentionTest : public RunningBroker {
 protected:
  RetentionTest() {
    housekeeping = {.first_after = seconds(1),
                    .check_interval = seconds(1),
                    .scrub = {.interval = Duration::max()}};
  }

  void make_topic(env::Task& task, Broker& broker, const std::string& name,
                  std::map<std::string, std::optional<std::string>> settings) {
    settings["internal.segment.bytes"] = "300";
    controller::CreateTopic topic{.name = name};
    for (const auto& [key, value] : settings) topic.settings.push_back({key, value});
    ASSERT_TRUE(broker.controller().create_topic(task, topic, false));
  }
  void produce(env::Task& task, Broker& broker, const std::string& name, int records) {
    const auto topic = broker.image()->topic(name);
    for (int i = 0; i < records; ++i) {
      record::BatchBuilder builder;
      builder.add(record::Timestamp(node.env().clock.wall_now().ms()), record::text("key"),
                  record::text(std::string(200, 'x')));
      const auto bytes = std::make_shared<Bytes>(*builder.build());
      const auto begun = begin_produce(task, broker, *topic, PartitionIndex(0), *bytes, bytes, {});
      ASSERT_TRUE(begun) << begun.error().detail;
      ASSERT_TRUE(finish_produce(task, *begun, Acks::all, broker.patience_end()));
    }
  }
  static std::shared_ptr<Partition> partition_of(Broker& broker, const std::string& name) {
    return *broker.partition(*broker.image()->topic(name), PartitionIndex(0));
  }
  static Outcome<Offset> delete_before(env::Task& task, Broker& broker, const std::string& name,
                                       Offset before) {
    return delete_records(task, broker, partition_of(broker, name), before, broker.patience_end());
  }
  static std::optional<FaultKind> fault_at(env::Task& task, Broker& broker, const std::string& name,
                                           Offset from) {
    const auto fetched =
        fetch(task, broker,
              {{.partition = partition_of(broker, name), .from = from, .bytes_max = 1 << 20}},
              {.wait_max = {}});
    if (!fetched[0].fault) return std::nullopt;
    return fetched[0].fault->kind;
  }
  // Housekeeping happens meanwhile.
  void wait(env::Task& task, Duration time) {
    ASSERT_TRUE(env::sleep_until(task, node.env().clock.now() + time));
  }
  std::size_t segments_on_disk(env::Task& task, const std::string& directory) {
    std::size_t out = 0;
    const auto listed = node.env().disk.list(task, directory);
    for (const auto& entry : *listed) {
      out += entry.name.ends_with(".log") ? 1 : 0;
    }
    return out;
  }
};

TEST_F(RetentionTest, DeletedRecordsAreOutOfRangeAlsoAfterAPowerCut) {
  with_broker([&](env::Task& task, Broker& broker) {
    make_topic(task, broker, "t", {});
    produce(task, broker, "t", 5);
    EXPECT_EQ(delete_before(task, broker, "t", Offset(3)), Offset(3));
    EXPECT_EQ(delete_before(task, broker, "t", Offset(1)), Offset(3));
    EXPECT_EQ(fault_at(task, broker, "t", Offset(2)), FaultKind::offset_out_of_range);
    EXPECT_EQ(partition_of(broker, "t")->status().log_start, Offset(3));
    EXPECT_EQ(delete_before(task, broker, "t", Offset(6)).error().kind,
              FaultKind::offset_out_of_range);
    EXPECT_EQ(delete_before(task, broker, "t", Offset(-2)).error().kind,
              FaultKind::offset_out_of_range);
  });
  node.power_cut();
  with_broker([&](env::Task& task, Broker& broker) {
    EXPECT_EQ(fault_at(task, broker, "t", Offset(2)), FaultKind::offset_out_of_range);
    EXPECT_EQ(delete_before(task, broker, "t", kToHighWatermark), Offset(5));
    produce(task, broker, "t", 1);
    EXPECT_EQ(partition_of(broker, "t")->high_watermark(), Offset(6));
  });
}

TEST_F(RetentionTest, ACompactedTopicKeepsItsRecordsUnlessItAlsoDeletes) {
  with_broker([&](env::Task& task, Broker& broker) {
    make_topic(task, broker, "c", {{"cleanup.policy", "compact"}, {"retention.ms", "1"}});
    make_topic(task, broker, "b", {{"cleanup.policy", "compact,delete"}});
    produce(task, broker, "c", 3);
    produce(task, broker, "b", 3);
    EXPECT_EQ(delete_before(task, broker, "c", Offset(1)).error().kind,
              FaultKind::policy_violation);
    EXPECT_EQ(delete_before(task, broker, "b", Offset(1)), Offset(1));
    wait(task, seconds(5));
    EXPECT_EQ(partition_of(broker, "c")->status().log_start, Offset(0));
  });
}

TEST_F(RetentionTest, SegmentsExpireByAgeAndTheirFilesGoLater) {
  with_broker([&](env::Task& task, Broker& broker) {
    make_topic(task, broker, "t", {{"retention.ms", "10000"}, {"file.delete.delay.ms", "3000"}});
    produce(task, broker, "t", 3);
    wait(task, seconds(5));
    produce(task, broker, "t", 2);
    EXPECT_EQ(partition_of(broker, "t")->status().log_start, Offset(0));
    wait(task, seconds(7));
    EXPECT_EQ(partition_of(broker, "t")->status().log_start, Offset(3));
    EXPECT_EQ(segments_on_disk(task, "data/t-0"), 5U);
    wait(task, seconds(4));
    EXPECT_EQ(segments_on_disk(task, "data/t-0"), 2U);
    wait(task, seconds(20));
    EXPECT_EQ(partition_of(broker, "t")->status().log_start, Offset(5));
    EXPECT_EQ(segments_on_disk(task, "data/t-0"), 1U);
    EXPECT_EQ(node.disk.open_files, 0U);
  });
}

TEST_F(RetentionTest, SegmentsExpireBySize) {
  with_broker([&](env::Task& task, Broker& broker) {
    make_topic(task, broker, "t", {{"retention.bytes", "900"}, {"file.delete.delay.ms", "0"}});
    produce(task, broker, "t", 9);
    wait(task, seconds(3));
    const std::uint64_t left = partition_of(broker, "t")->log()->size_bytes();
    EXPECT_GE(left, 900U);
    EXPECT_LT(left, 1300U);
  });
}

// DescribeProducers tells of those that are known.
TEST_F(RetentionTest, AnIdlePartitionForgetsSilentProducers) {
  knobs.producer_expiry = seconds(10);
  with_broker([&](env::Task& task, Broker& broker) {
    make_topic(task, broker, "t", {});
    record::BatchBuilder builder({.producer_id = ProducerId(7),
                                  .producer_epoch = ProducerEpoch(0),
                                  .base_sequence = Sequence(0)});
    builder.add(record::Timestamp(node.env().clock.wall_now().ms()), std::nullopt,
                record::text("x"));
    const auto bytes = std::make_shared<Bytes>(*builder.build());
    const auto begun = begin_produce(task, broker, *broker.image()->topic("t"), PartitionIndex(0),
                                     *bytes, bytes, {});
    ASSERT_TRUE(begun && finish_produce(task, *begun, Acks::all, broker.patience_end()));
    const auto log = partition_of(broker, "t")->log();
    wait(task, seconds(9));
    EXPECT_EQ(log->producers().producers().size(), 1U);
    wait(task, seconds(3));
    EXPECT_EQ(log->producers().producers().size(), 0U);
  });
}

TEST_F(RetentionTest, APartitionThatNobodyOpensIsOpenedOnlyOnceItMayHaveExpired) {
  with_broker([&](env::Task& task, Broker& broker) {
    make_topic(task, broker, "t", {{"retention.ms", "60000"}, {"file.delete.delay.ms", "0"}});
    make_topic(task, broker, "never", {{"retention.ms", "-1"}});
    make_topic(task, broker, "unused", {{"retention.ms", "1"}});
    produce(task, broker, "t", 4);
    produce(task, broker, "never", 1);
  });
  // With and without the index that tells of a segment.
  for (const bool clean : {true, false}) {
    SCOPED_TRACE(clean);
    with_broker([&](env::Task& task, Broker& broker) {
      const Uuid id = broker.image()->topic("t")->id;
      if (!clean) {
        ASSERT_TRUE(node.env().disk.remove(task, "data/t-0/00000000000000000000.timeindex"));
      }
      wait(task, seconds(clean ? 20 : 5));
      EXPECT_EQ(broker.known_partition(id, PartitionIndex(0)), nullptr);
      EXPECT_EQ(node.disk.open_files, 0U);
      if (clean) return;
      wait(task, seconds(60));
      ASSERT_NE(broker.known_partition(id, PartitionIndex(0)), nullptr);
      EXPECT_EQ(partition_of(broker, "t")->status().log_start, Offset(4));
      EXPECT_EQ(segments_on_disk(task, "data/t-0"), 1U);
      EXPECT_EQ(node.disk.open_files, 0U);
      EXPECT_EQ(broker.partitions_known(), 1U);
    });
  }
}

}  // namespace
}  // namespace flux::broker
