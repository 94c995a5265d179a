// Topics that are removed while something is under way, and batches that nobody waits for any more:
// on a disk that hangs for a while.

#include <gtest/gtest.h>

#include "core/broker/fetch.h"
#include "core/broker/produce.h"
#include "core/record/batch_builder.h"
#include "core/sync/task_group.h"
#include "tests/unit/broker/running_broker.h"

namespace flux::broker {
namespace {

class RemovalTest : public RunningBroker {
 protected:
  // Fewer stacks of a class than partitions that are written to at once.
  RemovalTest() : RunningBroker(kCommitsMax * 11 / 5) {}

  static std::shared_ptr<const controller::TopicState> make_topic(env::Task& task, Broker& broker) {
    EXPECT_TRUE(broker.controller().create_topic(task, {.name = "t"}, false));
    return broker.image()->topic("t");
  }
  static Producing begin(env::Task& task, Broker& broker, const controller::TopicState& topic,
                         ProducerId producer = kNoProducerId, std::int32_t sequence = -1,
                         PartitionIndex partition = PartitionIndex(0)) {
    record::BatchOptions options;
    options.producer_id = producer;
    if (producer != kNoProducerId) options.producer_epoch = ProducerEpoch(0);
    options.base_sequence = Sequence(sequence);
    record::BatchBuilder builder(options);
    builder.add(record::Timestamp(1'700'000'000'000), std::nullopt, record::text("value"));
    const auto bytes = std::make_shared<Bytes>(*builder.build());
    auto begun = begin_produce(task, broker, topic, partition, *bytes, bytes, {});
    EXPECT_TRUE(begun);
    return *begun;
  }
  static std::vector<Fetched> fetch_all(env::Task& task, Broker& broker,
                                        const controller::TopicState& topic) {
    return fetch(task, broker,
                 {{.partition = broker.partition(topic, PartitionIndex(0)), .bytes_max = 1 << 20}},
                 {.wait_max = {}});
  }
  std::vector<std::string> left_of_topics(env::Task& task) {
    std::vector<std::string> out;
    const auto listed = node.env().disk.list(task, "data");
    for (const auto& entry : *listed) {
      if (entry.name.starts_with("t-")) out.push_back(entry.name);
    }
    return out;
  }
  sync::Event gate;
};

TEST_F(RemovalTest, AFetchThatOpensTheLogOfARemovedTopicLeavesNothing) {
  // The disk's operations are what the opening can be cut at.
  for (std::uint64_t steps = 0; steps < 40; ++steps) {
    SCOPED_TRACE(steps);
    with_broker([&](env::Task& task, Broker& broker) {
      const auto topic = make_topic(task, broker);
      sync::TaskGroup readers(broker.env().scheduler);
      readers.spawn("reader", [&](env::Task& reader) { fetch_all(reader, broker, *topic); });
      for (std::uint64_t i = 0; i < steps; ++i) task.scheduler().yield(task);
      ASSERT_TRUE(broker.controller().delete_topic(task, topic->id));
      ASSERT_TRUE(readers.wait(task));
      ASSERT_TRUE(broker.work().wait(task));
      EXPECT_EQ(left_of_topics(task), std::vector<std::string>{});
    });
  }
}

TEST_F(RemovalTest, ATopicMadeAnewDoesNotMeetTheOpeningOfItsFormerSelf) {
  for (std::uint64_t steps = 0; steps < 40; ++steps) {
    SCOPED_TRACE(steps);
    with_broker([&](env::Task& task, Broker& broker) {
      const auto former = make_topic(task, broker);
      sync::TaskGroup readers(broker.env().scheduler);
      readers.spawn("reader", [&](env::Task& reader) { fetch_all(reader, broker, *former); });
      for (std::uint64_t i = 0; i < steps; ++i) task.scheduler().yield(task);
      ASSERT_TRUE(broker.controller().delete_topic(task, former->id));
      const auto topic = make_topic(task, broker);
      const auto begun = begin(task, broker, *topic);
      const auto produced = finish_produce(task, begun, Acks::all, broker.patience_end());
      ASSERT_TRUE(produced) << produced.error().detail;
      ASSERT_TRUE(readers.wait(task));
      ASSERT_TRUE(broker.work().wait(task));
      EXPECT_EQ(left_of_topics(task), std::vector<std::string>{"t-0"});
    });
    node.power_cut();
    with_broker([&](env::Task& task, Broker& broker) {
      const auto topic = broker.image()->topic("t");
      ASSERT_NE(topic, nullptr);
      const auto fetched = fetch_all(task, broker, *topic);
      EXPECT_FALSE(fetched[0].fault);
      EXPECT_EQ(fetched[0].status.high_watermark, Offset(1));
      ASSERT_TRUE(broker.controller().delete_topic(task, topic->id));
      ASSERT_TRUE(broker.work().wait(task));
    });
  }
}

TEST_F(RemovalTest, WithAWithdrawnBatchGoWhatItsProducerHadQueuedBehindIt) {
  with_broker([&](env::Task& task, Broker& broker) {
    const auto topic = make_topic(task, broker);
    const ProducerId mine(7);
    const ProducerId other(8);
    node.disk.gate = &gate;
    const auto stuck = begin(task, broker, *topic);  // opens the log, and hangs
    const auto first = begin(task, broker, *topic, mine, 0);
    const auto others = begin(task, broker, *topic, other, 0);
    const auto second = begin(task, broker, *topic, mine, 1);
    const auto plain = begin(task, broker, *topic);
    const auto soon = node.env().clock.now() + seconds(1);
    ASSERT_FALSE(finish_produce(task, first, Acks::all, soon));
    EXPECT_EQ(second.append->state, Append::State::withdrawn);
    const auto late = finish_produce(task, second, Acks::all, broker.patience_end());
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, FaultKind::timed_out);
    node.disk.gate = nullptr;
    gate.set();
    const auto offset_of = [&](const Producing& one) {
      const auto produced = finish_produce(task, one, Acks::all, broker.patience_end());
      EXPECT_TRUE(produced) << produced.error().detail;
      return produced ? produced->base_offset : Offset(-1);
    };
    EXPECT_EQ(offset_of(stuck), Offset(0));
    EXPECT_EQ(offset_of(others), Offset(1));
    EXPECT_EQ(offset_of(plain), Offset(2));
    // As the client sends them again.
    EXPECT_EQ(offset_of(begin(task, broker, *topic, mine, 0)), Offset(3));
    EXPECT_EQ(offset_of(begin(task, broker, *topic, mine, 1)), Offset(4));
  });
}

// More partitions at once than there are stacks for all that each of them does.
TEST_F(RemovalTest, ManyPartitionsThatAreWrittenToAtOnceAllComeThrough) {
  constexpr std::int32_t kPartitions = 2 * kCommitsMax;
  with_broker([&](env::Task& task, Broker& broker) {
    controller::CreateTopic wide{.name = "t", .partitions = kPartitions};
    ASSERT_TRUE(broker.controller().create_topic(task, wide, false));
    const auto topic = broker.image()->topic("t");
    const auto write_all = [&](Acks acks) {
      std::vector<Producing> begun;
      for (std::int32_t i = 0; i < kPartitions; ++i) {
        begun.push_back(begin(task, broker, *topic, kNoProducerId, -1, PartitionIndex(i)));
      }
      for (const Producing& one : begun) {
        const auto produced = finish_produce(task, one, acks, Instant::max());
        ASSERT_TRUE(produced) << produced.error().detail;
      }
    };
    write_all(Acks::all);
    // All of them wait for a commit.
    node.disk.gate = &gate;
    write_all(Acks::leader);
    node.disk.gate = nullptr;
    gate.set();
    write_all(Acks::all);
  });
}

}  // namespace
}  // namespace flux::broker
