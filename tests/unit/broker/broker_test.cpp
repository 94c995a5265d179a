// A broker over a disk, without a network: order, watermarks, waiting, deleting, refusals.

#include <algorithm>
#include <deque>

#include <gtest/gtest.h>

#include "core/broker/fetch.h"
#include "core/broker/list_offsets.h"
#include "core/broker/patience.h"
#include "core/broker/produce.h"
#include "core/record/batch_builder.h"
#include "tests/support/marks.h"
#include "tests/unit/broker/running_broker.h"

namespace flux::broker {
namespace {

class BrokerTest : public RunningBroker {
 protected:
  using RunningBroker::RunningBroker;
  // Runs a broker for as long as `body` takes.
  static std::shared_ptr<const controller::TopicState> make_topic(env::Task& task, Broker& broker,
                                                                  const std::string& name) {
    auto made = broker.controller().create_topic(task, {.name = name}, false);
    EXPECT_TRUE(made);
    return broker.image()->topic(name);
  }
  static Outcome<Producing> begin(env::Task& task, Broker& broker,
                                  const controller::TopicState& topic, const std::string& value,
                                  const record::BatchOptions& options = {}) {
    record::BatchBuilder builder(options);
    builder.add(record::Timestamp(1'700'000'000'000), std::nullopt, record::text(value));
    const auto bytes = std::make_shared<Bytes>(*builder.build());
    return begin_produce(task, broker, topic, PartitionIndex(0), *bytes, bytes, {});
  }
  static Outcome<Produced> produce(env::Task& task, Broker& broker,
                                   const controller::TopicState& topic, const std::string& value,
                                   Acks acks = Acks::all) {
    const auto begun = begin(task, broker, topic, value);
    if (!begun) return std::unexpected(begun.error());
    return finish_produce(task, *begun, acks, broker.patience_end());
  }
  static std::vector<FetchPartition> wanted(Broker& broker, const controller::TopicState& topic,
                                            Offset from) {
    return {{.partition = broker.partition(topic, PartitionIndex(0)),
             .from = from,
             .bytes_max = 1 << 20}};
  }
};

TEST_F(BrokerTest, AppendsInTheOrderOfTheirBeginnings) {
  with_broker([&](env::Task& task, Broker& broker) {
    const auto topic = make_topic(task, broker, "t");
    std::vector<Producing> begun;
    for (int i = 0; i < 50; ++i) begun.push_back(*begin(task, broker, *topic, std::to_string(i)));
    for (int i = 49; i >= 0; --i) {
      const auto produced = finish_produce(task, begun[static_cast<std::size_t>(i)], Acks::all,
                                           broker.patience_end());
      ASSERT_TRUE(produced);
      EXPECT_EQ(produced->base_offset, Offset(i));
    }
  });
}

// A page-cache topic shows what no sync covers; once it is an fsync topic, a retry of that waits.
TEST_F(BrokerTest, ARetryIsDurableThoughItsTopicWasNotAtFirst) {
  defaults["flux.durability"] = "page-cache";
  with_broker([&](env::Task& task, Broker& broker) {
    const auto topic = make_topic(task, broker, "t");
    const record::BatchOptions options{.producer_id = ProducerId(7),
                                       .producer_epoch = ProducerEpoch(0),
                                       .base_sequence = Sequence(0)};
    const auto put = [&] {
      return finish_produce(task, *begin(task, broker, *topic, "x", options), Acks::all,
                            broker.patience_end());
    };
    ASSERT_TRUE(put());
    const auto log = (*broker.partition(*topic, PartitionIndex(0)))->log();
    ASSERT_EQ(log->synced_end(), Offset(0));
    const controller::AlterConfig change{
        .resource = {.name = "t"}, .changes = {{.name = "flux.durability", .value = "fsync"}}};
    ASSERT_TRUE(broker.controller().alter_configs(task, {&change, 1}, false)[0]);
    const auto again = put();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->base_offset, Offset(0));
    EXPECT_EQ(log->synced_end(), Offset(1));
  });
}

// The check of a batch may take long, and lets an alteration of the topic in.
TEST_F(BrokerTest, TimesThatWereNotCheckedAreNotKept) {
  defaults["message.timestamp.type"] = "LogAppendTime";
  with_broker([&](env::Task& task, Broker& broker) {
    const auto topic = make_topic(task, broker, "t");
    std::uint64_t held = 0;
    while (broker.unpacking().try_acquire()) ++held;
    sync::Event ended;
    node.spawn("producer", [&](env::Task& producer) {
      const auto begun = begin(producer, broker, *topic, "x", {.codec = record::Codec::gzip});
      const auto produced = finish_produce(producer, *begun, Acks::all, broker.patience_end());
      EXPECT_NE(produced->log_append_time, record::kNoTimestamp);
      ended.set();
    });
    while (!broker.unpacking().awaited()) task.scheduler().yield(task);
    const controller::AlterConfig change{
        .resource = {.name = "t"},
        .changes = {{.name = "message.timestamp.type", .value = "CreateTime"}}};
    ASSERT_TRUE(broker.controller().alter_configs(task, {&change, 1}, false)[0]);
    broker.unpacking().release(held);
    ASSERT_TRUE(ended.wait(task));
    const auto log = (*broker.partition(*topic, PartitionIndex(0)))->log();
    const Bytes stored = *log->bytes_of(task, *log->read(task, Offset(0)));
    EXPECT_TRUE(record::BatchView::first_of(stored)->log_append_time());
  });
}

class BusyBrokerTest : public BrokerTest {
 protected:
  BusyBrokerTest() : BrokerTest(kPatientTasksMax + 100) {}
};

// Thousands of partitions that are appended to during a short stall of the disk, say.
TEST_F(BusyBrokerTest, ReadersAreServedHoweverManyPartitionsAreBusy) {
  with_broker([&](env::Task& task, Broker& broker) {
    const auto topic = make_topic(task, broker, "t");
    ASSERT_TRUE(produce(task, broker, *topic, "x"));
    sync::Event enough;
    for (std::size_t i = 0; i < kPatientTasksMax; ++i) {
      broker.work().spawn("busy", [&](env::Task& busy) { EXPECT_TRUE(enough.wait(busy)); });
    }
    EXPECT_FALSE(fetch(task, broker, wanted(broker, *topic, Offset(0)), {})[0].fault);
    enough.set();
    ASSERT_TRUE(broker.work().wait(task));
  });
}

TEST_F(BrokerTest, BatchesThatWaitGoIntoTheLogTogether) {
  with_broker([&](env::Task& task, Broker& broker) {
    const auto topic = make_topic(task, broker, "t");
    ASSERT_TRUE(produce(task, broker, *topic, "opens"));
    const std::uint64_t before = test::mark_hits("broker.appended_together");
    std::vector<Producing> begun;
    for (int i = 0; i < 5; ++i) begun.push_back(*begin(task, broker, *topic, "x"));
    for (const Producing& producing : begun) {
      ASSERT_TRUE(finish_produce(task, producing, Acks::all, broker.patience_end()));
    }
    EXPECT_EQ(test::mark_hits("broker.appended_together"), before + 1);
  });
}

TEST_F(BrokerTest, ARefusedBatchLeavesThoseBesideItAlone) {
  with_broker([&](env::Task& task, Broker& broker) {
    const auto topic = make_topic(task, broker, "t");
    const record::BatchOptions first{.producer_id = ProducerId(7),
                                     .producer_epoch = ProducerEpoch(0),
                                     .base_sequence = Sequence(0)};
    record::BatchOptions gap = first;
    gap.base_sequence = Sequence(5);
    ASSERT_TRUE(finish_produce(task, *begin(task, broker, *topic, "opens"), Acks::all,
                               broker.patience_end()));
    // In turn: taken, taken, a gap in the sequence, the second one again, taken.
    std::vector<Producing> begun;
    begun.push_back(*begin(task, broker, *topic, "a"));
    begun.push_back(*begin(task, broker, *topic, "b", first));
    begun.push_back(*begin(task, broker, *topic, "c", gap));
    begun.push_back(*begin(task, broker, *topic, "b", first));
    begun.push_back(*begin(task, broker, *topic, "d"));
    std::vector<std::int64_t> bases;
    for (const Producing& producing : begun) {
      const auto done = finish_produce(task, producing, Acks::all, broker.patience_end());
      if (!done) {
        EXPECT_EQ(done.error().kind, FaultKind::out_of_order_sequence);
      }
      bases.push_back(done ? done->base_offset.value() : -1);
    }
    EXPECT_EQ(bases, (std::vector<std::int64_t>{1, 2, -1, 2, 3}));
    EXPECT_GT(test::mark_hits("broker.appended_one_by_one"), 0U);
  });
}

TEST_F(BrokerTest, SegmentsBeginWhereTheyWouldBatchByBatch) {
  const auto segments = [&](const std::string& name, bool together) {
    std::vector<std::string> out;
    with_broker([&](env::Task& task, Broker& broker) {
      const auto topic = make_topic(task, broker, name);
      std::vector<Producing> begun;
      for (int i = 0; i < 40; ++i) {
        begun.push_back(*begin(task, broker, *topic, std::string(100, 'x')));
        if (together) continue;
        EXPECT_TRUE(finish_produce(task, begun.back(), Acks::leader, broker.patience_end()));
      }
      for (const Producing& producing : begun) {
        EXPECT_TRUE(finish_produce(task, producing, Acks::all, broker.patience_end()));
      }
      const auto entries = broker.env().disk.list(task, "data/" + name + "-0");
      for (const auto& entry : *entries) {
        if (entry.name.ends_with(".log")) out.push_back(entry.name);
      }
    });
    std::ranges::sort(out);
    return out;
  };
  defaults["internal.segment.bytes"] = "1000";
  const auto apart = segments("a", false);
  EXPECT_GT(apart.size(), 5U);
  EXPECT_EQ(segments("b", true), apart);
  defaults["internal.segment.bytes"] = "1000000";
  defaults["index.interval.bytes"] = "300";
  defaults["segment.index.bytes"] = "40";
  const auto by_index = segments("c", false);
  EXPECT_GT(by_index.size(), 2U);
  EXPECT_EQ(segments("d", true), by_index);
}

TEST_F(BrokerTest, TheWatermarkFollowsTheSyncWhetherAnybodyWaitsOrNot) {
  with_broker([&](env::Task& task, Broker& broker) {
    const auto topic = make_topic(task, broker, "t");
    ASSERT_TRUE(produce(task, broker, *topic, "a", Acks::leader));
    const auto partition = *broker.partition(*topic, PartitionIndex(0));
    EXPECT_LE(partition->high_watermark(), partition->log()->synced_end());
    const auto fetched = fetch(task, broker, wanted(broker, *topic, Offset(0)),
                               {.wait_max = seconds(5), .bytes_min = 1});
    ASSERT_FALSE(fetched[0].fault);
    EXPECT_GT(fetched[0].size(), 0U);
    EXPECT_EQ(partition->high_watermark(), Offset(1));
    EXPECT_EQ(partition->log()->synced_end(), Offset(1));
  });
}

TEST_F(BrokerTest, FlushMessagesSyncsBeforeAllAreToldOfTheLast) {
  defaults["flux.durability"] = "page-cache";
  defaults["flush.messages"] = "3";
  with_broker([&](env::Task& task, Broker& broker) {
    const auto topic = make_topic(task, broker, "t");
    for (int i = 0; i < 9; ++i) {
      ASSERT_TRUE(produce(task, broker, *topic, "x"));
      const auto log = (*broker.partition(*topic, PartitionIndex(0)))->log();
      EXPECT_EQ(log->synced_end(), Offset((i + 1) / 3 * 3)) << i;
    }
  });
}

TEST_F(BrokerTest, FlushMessagesOffLeavesItToTheKernel) {
  defaults["flux.durability"] = "page-cache";
  with_broker([&](env::Task& task, Broker& broker) {
    const auto topic = make_topic(task, broker, "t");
    for (int i = 0; i < 9; ++i) ASSERT_TRUE(produce(task, broker, *topic, "x"));
    EXPECT_EQ((*broker.partition(*topic, PartitionIndex(0)))->log()->synced_end(), Offset(0));
  });
}

TEST_F(BrokerTest, AWaitingFetchIsWokenAndCountsBytes) {
  with_broker([&](env::Task& task, Broker& broker) {
    const auto topic = make_topic(task, broker, "t");
    ASSERT_TRUE(produce(task, broker, *topic, "first"));
    Instant woken;
    std::size_t got = 0;
    sync::TaskGroup readers(broker.env().scheduler);
    readers.spawn("reader", [&](env::Task& reader) {
      const auto fetched = fetch(reader, broker, wanted(broker, *topic, Offset(1)),
                                 {.wait_max = seconds(60), .bytes_min = 150});
      woken = broker.env().clock.now();
      got = fetched[0].size();
    });
    const Instant began = broker.env().clock.now();
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(env::sleep_until(task, broker.env().clock.now() + seconds(1)));
      ASSERT_TRUE(produce(task, broker, *topic, "one more record"));
    }
    ASSERT_TRUE(readers.wait(task));
    EXPECT_GE(got, 150U);
    EXPECT_EQ((woken - began).ms() / 1000, 2);  // 80 bytes a batch: the second one was enough
  });
}

// The log that a failed sync poisoned is not opened anew while an append to it is under way.
TEST_F(BrokerTest, APoisonedLogIsOpenedAgainOnceNothingWritesToIt) {
  defaults["segment.index.bytes"] = "4";  // each batch in a segment of its own
  sync::Event rolled;
  sync::Event synced;
  with_broker([&](env::Task& task, Broker& broker) {
    const auto topic = make_topic(task, broker, "t");
    const auto partition = *broker.partition(*topic, PartitionIndex(0));
    const auto wait = [&] {
      ASSERT_TRUE(env::sleep_until(task, broker.env().clock.now() + seconds(2)));
    };
    ASSERT_TRUE(produce(task, broker, *topic, "a"));
    node.disk.gate = &synced;
    ASSERT_TRUE(produce(task, broker, *topic, "b", Acks::leader));
    node.disk.open_gate_path = "2.log";
    node.disk.open_gate = &rolled;
    const auto begun = begin(task, broker, *topic, "c");
    wait();
    node.image.order({.fault = sim::OrderedFault::sync_error, .path = "data/t-0/*.log"});
    synced.set();
    wait();
    EXPECT_EQ(partition->log(), nullptr);
    sync::TaskGroup readers(broker.env().scheduler);
    readers.spawn("reader", [&](env::Task& reader) { EXPECT_TRUE(partition->open(reader)); });
    wait();
    EXPECT_EQ(partition->log(), nullptr);
    rolled.set();
    ASSERT_TRUE(readers.wait(task));
    EXPECT_FALSE(finish_produce(task, *begun, Acks::all, broker.patience_end()));
    EXPECT_TRUE(produce(task, broker, *topic, "d"));
  });
}

TEST_F(BrokerTest, IdlePartitionsHoldNoFile) {
  for (const char* durability : {"fsync", "page-cache"}) {
    defaults["flux.durability"] = durability;
    with_broker([&](env::Task& task, Broker& broker) {
      const auto idle = [&] {
        EXPECT_TRUE(env::sleep_until(task, broker.env().clock.now() + seconds(60)));
        return node.disk.open_files;
      };
      std::vector<std::shared_ptr<const controller::TopicState>> topics;
      for (int i = 0; i < 30; ++i) {
        topics.push_back(make_topic(task, broker, durability + std::to_string(i)));
      }
      const std::uint64_t before = idle();
      for (const auto& topic : topics) ASSERT_TRUE(produce(task, broker, *topic, "a"));
      EXPECT_EQ(idle(), before);
      for (const auto& topic : topics) {
        const auto fetched = fetch(task, broker, wanted(broker, *topic, Offset(0)), {});
        EXPECT_FALSE(fetched[0].fault);
      }
      EXPECT_EQ(node.disk.open_files, before);
    });
  }
}

TEST_F(BrokerTest, AFullIndexEndsASegment) {
  defaults["segment.index.bytes"] = "4";
  with_broker([&](env::Task& task, Broker& broker) {
    const auto topic = make_topic(task, broker, "t");
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(produce(task, broker, *topic, std::to_string(i)));
    const auto entries = broker.env().disk.list(task, "data/t-0");
    ASSERT_TRUE(entries);
    int segments = 0;
    for (const auto& entry : *entries) segments += entry.name.ends_with(".log") ? 1 : 0;
    EXPECT_EQ(segments, 3);
  });
}

TEST_F(BrokerTest, LimitsAreKeptAndOneBatchIsAlwaysGiven) {
  with_broker([&](env::Task& task, Broker& broker) {
    const auto topic = make_topic(task, broker, "t");
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(produce(task, broker, *topic, std::string(1000, 'x')));
    }
    auto few = wanted(broker, *topic, Offset(0));
    few[0].bytes_max = 2500;
    auto fetched = fetch(task, broker, few, {.wait_max = {}, .bytes_min = 1});
    EXPECT_GT(fetched[0].size(), 2000U);
    EXPECT_LE(fetched[0].size(), 2500U);
    few[0].bytes_max = 1;
    fetched = fetch(task, broker, few, {.wait_max = {}, .bytes_min = 1});
    EXPECT_GT(fetched[0].size(), 1000U);
    EXPECT_LT(fetched[0].size(), 1200U);
  });
}

TEST_F(BrokerTest, ListsOffsets) {
  with_broker([&](env::Task& task, Broker& broker) {
    const auto topic = make_topic(task, broker, "t");
    const auto partition = *broker.partition(*topic, PartitionIndex(0));
    const auto at = [&](std::int64_t timestamp) {
      const auto listed = list_offset(task, broker, partition, timestamp, broker.patience_end());
      EXPECT_TRUE(listed);
      return listed ? listed->offset : Offset(-9);
    };
    EXPECT_EQ(at(kLatestTimestamp), Offset(0));
    EXPECT_EQ(at(kMaxTimestamp), Offset(-1));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(produce(task, broker, *topic, "x"));
    EXPECT_EQ(at(kLatestTimestamp), Offset(3));
    EXPECT_EQ(at(kEarliestTimestamp), Offset(0));
    EXPECT_EQ(at(kEarliestLocalTimestamp), Offset(0));
    EXPECT_EQ(at(kLatestTieredTimestamp), Offset(-1));
    EXPECT_EQ(at(0), Offset(0));
    EXPECT_EQ(at(1'800'000'000'000), Offset(-1));
    EXPECT_NE(at(kMaxTimestamp), Offset(-1));
  });
}

TEST_F(BrokerTest, KnowsWhatItLeadsAndInWhichEpoch) {
  with_broker([&](env::Task& task, Broker& broker) {
    const auto topic = make_topic(task, broker, "t");
    const auto kind = [&](PartitionIndex index, LeaderEpoch believed) {
      const auto found = broker.partition(*topic, index, believed);
      return found ? std::nullopt : std::optional(found.error().kind);
    };
    EXPECT_EQ(kind(PartitionIndex(0), kNoLeaderEpoch), std::nullopt);
    EXPECT_EQ(kind(PartitionIndex(0), LeaderEpoch(0)), std::nullopt);
    EXPECT_EQ(kind(PartitionIndex(0), LeaderEpoch(1)), FaultKind::unknown_leader_epoch);
    EXPECT_EQ(kind(PartitionIndex(1), kNoLeaderEpoch), FaultKind::unknown_topic_or_partition);
    EXPECT_EQ(kind(PartitionIndex(-1), kNoLeaderEpoch), FaultKind::unknown_topic_or_partition);
  });
  with_broker([&](env::Task&, Broker& broker) {
    const auto topic = broker.image()->topic("t");
    const auto old = broker.partition(*topic, PartitionIndex(0), LeaderEpoch(0));
    ASSERT_FALSE(old) << "a new incarnation leads under a new epoch";
    EXPECT_EQ(old.error().kind, FaultKind::fenced_leader_epoch);
  });
}

TEST_F(BrokerTest, ARemovedTopicFailsItsWaitersAndLeavesNothing) {
  with_broker([&](env::Task& task, Broker& broker) {
    const auto topic = make_topic(task, broker, "t");
    ASSERT_TRUE(produce(task, broker, *topic, "x"));
    std::optional<FaultKind> told;
    sync::TaskGroup readers(broker.env().scheduler);
    readers.spawn("reader", [&](env::Task& reader) {
      const auto fetched = fetch(reader, broker, wanted(broker, *topic, Offset(1)),
                                 {.wait_max = seconds(60), .bytes_min = 1});
      if (fetched[0].fault) told = fetched[0].fault->kind;
    });
    ASSERT_TRUE(env::sleep_until(task, broker.env().clock.now() + seconds(1)));
    ASSERT_TRUE(broker.controller().delete_topic(task, topic->id));
    ASSERT_TRUE(readers.wait(task));
    EXPECT_EQ(told, FaultKind::unknown_topic_or_partition);
    ASSERT_TRUE(broker.work().wait(task));
    const auto entries = broker.env().disk.list(task, "data");
    ASSERT_TRUE(entries);
    for (const auto& entry : *entries) EXPECT_FALSE(entry.name.starts_with("t-")) << entry.name;
  });
}

TEST_F(BrokerTest, DirectoriesOfUnknownTopicsAreKeptAside) {
  with_broker([&](env::Task& task, Broker& broker) {
    const auto topic = make_topic(task, broker, "t");
    ASSERT_TRUE(produce(task, broker, *topic, "x"));
  });
  ASSERT_TRUE(node.run([&](env::Task& task) {
    ASSERT_TRUE(node.env().disk.rename(task, "data/__cluster_metadata-0", "lost"));
  }));
  with_broker([&](env::Task& task, Broker& broker) {
    const auto entries = broker.env().disk.list(task, "data");
    ASSERT_TRUE(entries);
    int strays = 0;
    for (const auto& entry : *entries) strays += entry.name.ends_with("-stray") ? 1 : 0;
    EXPECT_EQ(strays, 1);
    const auto topic = make_topic(task, broker, "t");
    const auto produced = produce(task, broker, *topic, "x");
    ASSERT_TRUE(produced);
    EXPECT_EQ(produced->base_offset, Offset(0));
  });
}

TEST_F(BrokerTest, ProducerIdsAreNeverGivenTwice) {
  std::set<ProducerId> seen;
  for (int round = 0; round < 3; ++round) {
    with_broker([&](env::Task& task, Broker& broker) {
      for (int i = 0; i < 1500; ++i) {
        const auto id = broker.new_producer_id(task);
        ASSERT_TRUE(id);
        EXPECT_TRUE(seen.insert(*id).second);
      }
    });
    node.power_cut();
  }
}

TEST_F(BrokerTest, TooFewReplicasAreRefusedBeforeTheAppend) {
  with_broker([&](env::Task& task, Broker& broker) {
    auto topic = *make_topic(task, broker, "t");
    topic.partitions[0].isr.clear();
    const auto begun = begin(task, broker, topic, "x");
    ASSERT_FALSE(begun);
    EXPECT_EQ(begun.error().kind, FaultKind::not_enough_replicas);
  });
}

TEST(Watches, StandInManyLists) {
  test::SmallNode node;
  ASSERT_TRUE(node.run([&](env::Task& task) {
    WatchList first;
    WatchList second;
    Signal signal;
    {
      std::deque<Watch> watches;
      watches.emplace_back(first, signal);
      watches.emplace_back(second, signal);
      EXPECT_FALSE(first.empty());
      second.raise();
      EXPECT_TRUE(signal.wait(task, node.env().clock.now()));
      EXPECT_FALSE(signal.wait(task, node.env().clock.now() + seconds(1))) << "once for each raise";
      first.raise();
      second.raise();
      EXPECT_TRUE(signal.wait(task, Instant::max()));
    }
    EXPECT_TRUE(first.empty());
    EXPECT_TRUE(second.empty());
    first.raise();
  }));
}

}  // namespace
}  // namespace flux::broker
