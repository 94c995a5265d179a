// A log in its ordinary life: append, read, roll, close, open again.
#include "core/log/log.h"

#include <gtest/gtest.h>

#include "core/record/batch.h"
#include "tests/support/log_kit.h"

namespace flux::test {
namespace {

using env::Task;
using log::Log;
using log::LogConfig;
using record::Timestamp;

TEST(LogTest, GivesBackWhatWasAppended) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    const auto first = append(task, *log, "a", {.records = 3});
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(first->base, Offset(0));
    EXPECT_EQ(first->end, Offset(3));
    const auto second = append(task, *log, "b");
    EXPECT_EQ(second->base, Offset(3));
    EXPECT_EQ(log->end_offset(), Offset(4));
    EXPECT_EQ(log->synced_end(), Offset(0));
    EXPECT_TRUE(log->sync(task, Offset(4)).has_value());
    EXPECT_EQ(log->synced_end(), Offset(4));
    EXPECT_EQ(read_all(task, *log), (std::vector<std::string>{"a/0", "a/1", "a/2", "b/0"}));
    EXPECT_TRUE(log->close(task).has_value());
  });
}

TEST(LogTest, RefusesOffsetsThatAreNotThere) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    append(task, *log, "a").value();
    EXPECT_EQ(log->read(task, Offset(2)).error().code(), ErrorCode::out_of_range);
    EXPECT_EQ(log->read(task, Offset(-1)).error().code(), ErrorCode::out_of_range);
    EXPECT_TRUE(log->read(task, Offset(1))->empty());
    EXPECT_TRUE(log->close(task).has_value());
  });
}

TEST(LogTest, KeepsAllOverRollsAndReopening) {
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    SmallNode node(strict_disk(), seed);
    std::vector<std::string> expected;
    node.run([&](Task& task) {
      const LogPointer log = *open_log(task, node.env(), small_config());
      for (int i = 0; i < 40; ++i) {
        const std::string tag = "v" + std::to_string(i);
        ASSERT_TRUE(append(task, *log, tag).has_value());
        expected.push_back(tag + "/0");
        if (i % 7 == 3) {
          ASSERT_TRUE(log->sync(task, log->end_offset()).has_value());
        }
      }
      EXPECT_GT(log->segment_count(), 4U);
      for (int from = 0; from <= 40; ++from) {
        EXPECT_EQ(read_all(task, *log, Offset(from), 170),
                  std::vector<std::string>(expected.begin() + from, expected.end()));
      }
      EXPECT_TRUE(log->close(task).has_value());
      EXPECT_EQ(log->append(task, {}, {}).error().code(), ErrorCode::not_available);
    });
    node.run([&](Task& task) {
      const LogPointer log = *open_log(task, node.env(), small_config());
      EXPECT_EQ(log->recovery().torn_bytes_cut, 0U);
      EXPECT_EQ(log->recovery().rotten_ranges, 0U);
      EXPECT_EQ(log->recovery().indexes_rebuilt, 0U);
      EXPECT_EQ(read_all(task, *log), expected);
      EXPECT_EQ(append(task, *log, "more")->base, Offset(40));
      EXPECT_TRUE(log->close(task).has_value());
    });
  }
}

TEST(LogTest, SlicesEndWhereTheLimitsSay) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    const std::size_t size = make_batch("a").size();
    for (int i = 0; i < 6; ++i) append(task, *log, "a").value();
    const auto slice = [&](Offset from, const log::ReadLimits& limits) {
      return *log->read(task, from, limits);
    };
    EXPECT_EQ(slice(Offset(0), {.bytes_max = size * 3 + 1}).next, Offset(3));
    EXPECT_EQ(slice(Offset(1), {.bytes_max = size * 3}).next, Offset(4));
    EXPECT_EQ(slice(Offset(0), {.bytes_max = 1}).next, Offset(1));
    EXPECT_TRUE(slice(Offset(0), {.bytes_max = 1, .at_least_one = false}).empty());
    EXPECT_EQ(slice(Offset(0), {.end = Offset(2)}).next, Offset(2));
    EXPECT_TRUE(slice(Offset(2), {.end = Offset(2)}).empty());
    EXPECT_EQ(slice(Offset(5), {}).length, size);
    EXPECT_TRUE(log->close(task).has_value());
  });
}

TEST(LogTest, GivesTheWholeBatchThatHoldsTheOffset) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    append(task, *log, "a", {.records = 5}).value();
    const auto slice = *log->read(task, Offset(3));
    EXPECT_EQ(slice.first, Offset(0));
    EXPECT_EQ(slice.next, Offset(5));
    // Nothing of one that is not wanted whole.
    EXPECT_TRUE(log->read(task, Offset(1), {.end = Offset(3)})->empty());
    EXPECT_TRUE(log->close(task).has_value());
  });
}

TEST(LogTest, RefusesMoreThanASegmentMayHold) {
  SmallNode node;
  LogConfig config = small_config();
  const Bytes batch = make_batch("a", {.records = 5, .producer = 7, .epoch = 0, .sequence = 0});
  config.append_bytes_max = static_cast<std::uint32_t>(batch.size());
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), config);
    Bytes sent = batch;
    EXPECT_TRUE(log->append(task, sent, {}).has_value());
    --config.append_bytes_max;
    log->set_config(config);
    // It is in the log: its producer must not believe that it is not.
    sent = batch;
    EXPECT_TRUE(log->append(task, sent, {})->duplicate);
    const BatchSpec next{.records = 5, .producer = 7, .epoch = 0, .sequence = 5};
    EXPECT_EQ(append(task, *log, "b", next).error().code(), ErrorCode::too_large);
    EXPECT_EQ(log->end_offset(), Offset(5));
    EXPECT_EQ(append(task, *log, "b", {.producer = 7, .epoch = 0, .sequence = 5})->base, Offset(5));
    EXPECT_TRUE(log->close(task).has_value());
  });
}

TEST(LogTest, SetsEpochOffsetAndTimeAndKeepsTheRest) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    Bytes batch = make_batch("a", {.records = 2});
    const Bytes before = batch;
    ASSERT_TRUE(log->append(task, batch, {.epoch = LeaderEpoch(7)}).has_value());
    const auto view = *record::BatchView::first_of(batch);
    EXPECT_EQ(view.leader_epoch(), LeaderEpoch(7));
    EXPECT_TRUE(equal(ByteView(batch).subspan(16), ByteView(before).subspan(16)));

    Bytes stamped = make_batch("b", {.records = 2});
    const auto out = log->append(
        task, stamped, {.epoch = LeaderEpoch(7), .log_append_time = Timestamp(1'800'000'000'000)});
    EXPECT_EQ(out->log_append_time, Timestamp(1'800'000'000'000));
    const auto stamped_view = *record::BatchView::first_of(stamped);
    EXPECT_TRUE(stamped_view.crc_fits());
    EXPECT_TRUE(stamped_view.log_append_time());
    EXPECT_EQ(stamped_view.max_timestamp(), Timestamp(1'800'000'000'000));
    EXPECT_EQ(read_all(task, *log).size(), 4U);
    EXPECT_TRUE(log->close(task).has_value());
  });
}

TEST(LogTest, FindsRecordsByTime) {
  SmallNode node;
  LogConfig config = small_config();
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), config);
    for (int i = 0; i < 20; ++i) {
      const auto codec = static_cast<record::Codec>(i % record::kCodecs);
      append(task, *log, "v", {.records = 3, .timestamp = 1000 + i * 10, .codec = codec}).value();
    }
    const auto at = [&](std::int64_t time) {
      return *log->offset_for_timestamp(task, Timestamp(time));
    };
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(at(1000 + i * 10)->offset, Offset(i * 3)) << i;
      EXPECT_EQ(at(1000 + i * 10 + 2)->offset, Offset(i * 3 + 2)) << i;
      EXPECT_EQ(at(1000 + i * 10 - 5)->offset, Offset(i * 3)) << i;
    }
    EXPECT_EQ(at(-1)->offset, Offset(0));
    EXPECT_FALSE(at(1'193).has_value());
    const auto largest = *log->offset_of_max_timestamp(task);
    EXPECT_EQ(largest->offset, Offset(59));
    EXPECT_EQ(largest->timestamp, Timestamp(1192));
    EXPECT_TRUE(log->close(task).has_value());
  });
}

// Whoever asks for a time reads what a client has sent, however many headers one record has.
TEST(LogTest, ASearchForATimeLetsOthersIn) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    const std::vector<record::Header> headers(500'000);
    record::BatchBuilder builder;
    builder.add(Timestamp(1000), std::nullopt, std::nullopt, headers);
    Bytes batch = *builder.build();
    ASSERT_TRUE(log->append(task, batch, {}).has_value());
    // Of the first search a part is for the blocks, which are verified once.
    ASSERT_TRUE((*log->offset_for_timestamp(task, Timestamp(1))).has_value());
    const std::uint64_t before = node.asked_to_yield();
    ASSERT_TRUE((*log->offset_for_timestamp(task, Timestamp(1))).has_value());
    EXPECT_GE(node.asked_to_yield() - before, batch.size() / record::kPaceBytes - 1);
    EXPECT_TRUE(log->close(task).has_value());
  });
}

TEST(LogTest, RollsByTime) {
  SmallNode node;
  LogConfig config;
  config.segment_age_max = seconds(1);
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), config);
    append(task, *log, "a", {.timestamp = 10'000}).value();
    append(task, *log, "b", {.timestamp = 10'900}).value();
    EXPECT_EQ(log->segment_count(), 1U);
    append(task, *log, "c", {.timestamp = 11'100}).value();
    EXPECT_EQ(log->segment_count(), 2U);
    EXPECT_EQ(read_all(task, *log), (std::vector<std::string>{"a/0", "b/0", "c/0"}));
    // Further apart than a difference of theirs can say.
    const auto add = [&](std::int64_t timestamp) {
      Bytes batch = make_batch("d");
      record::set_max_timestamp(batch, Timestamp(timestamp));
      log->append(task, batch, {}).value();
    };
    log->roll(task).value();
    add(INT64_MIN);
    EXPECT_EQ(log->segment_count(), 3U);
    add(INT64_MAX);
    EXPECT_EQ(log->segment_count(), 4U);
    EXPECT_TRUE(log->close(task).has_value());
  });
}

// Where records have no time, or one of two has none, the broker's clock counts.
TEST(LogTest, RollsByItsOwnClockWhereRecordsHaveNoTime) {
  LogConfig config;
  config.segment_age_max = seconds(1);
  for (const std::int64_t first : {-1, 10'000}) {
    SmallNode node;
    node.run([&](Task& task) {
      const LogPointer log = *open_log(task, node.env(), config);
      append(task, *log, "a", {.timestamp = first}).value();
      append(task, *log, "b", {.timestamp = first < 0 ? 90'000 : -1}).value();
      node.pass(seconds(1));
      append(task, *log, "c", {.timestamp = -1}).value();
      EXPECT_EQ(log->segment_count(), 1U);
      node.pass(milliseconds(1));
      append(task, *log, "d", {.timestamp = -1}).value();
      EXPECT_EQ(log->segment_count(), 2U);
      EXPECT_TRUE(log->close(task).has_value());
    });
  }
}

// segment.jitter.ms: those that were begun together do not end together, and none lasts longer.
TEST(LogTest, RollsSoonerByADrawnTime) {
  SmallNode node;
  LogConfig config;
  config.segment_age_max = seconds(100);
  config.segment_jitter_max = seconds(50);
  node.run([&](Task& task) {
    EXPECT_TRUE(env::make_directories(task, node.env().disk, "data").has_value());
    int early = 0;
    for (int i = 0; i < 20; ++i) {
      const LogPointer log =
          *Log::open(task, node.env(), "data/t-" + std::to_string(i), identity_of(i), config);
      append(task, *log, "a", {.timestamp = 0}).value();
      append(task, *log, "a", {.timestamp = 50'000}).value();
      EXPECT_EQ(log->segment_count(), 1U);
      append(task, *log, "a", {.timestamp = 75'000}).value();
      early += log->segment_count() > 1 ? 1 : 0;
      append(task, *log, "a", {.timestamp = 175'001}).value();
      EXPECT_GT(log->segment_count(), 1U);
      EXPECT_TRUE(log->close(task).has_value());
    }
    EXPECT_GT(early, 0);
    EXPECT_LT(early, 20);
  });
}

TEST(LogTest, BatchesOfOneProducerInOneAppendFollowEachOther) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    const auto send = [&](std::int32_t first, std::int32_t second) {
      Bytes both = make_batch("a", {.producer = 7, .epoch = 0, .sequence = first});
      flux::append(both, make_batch("b", {.producer = 7, .epoch = 0, .sequence = second}));
      return log->append(task, both, {});
    };
    EXPECT_EQ(send(0, 1)->end, Offset(2));
    EXPECT_EQ(send(2, 4).error(), ErrorCode::out_of_order_sequence);
    EXPECT_EQ(send(2, 2).error(), ErrorCode::out_of_order_sequence);
    EXPECT_EQ(log->end_offset(), Offset(2));
    EXPECT_EQ(send(2, 3)->end, Offset(4));
    EXPECT_EQ(read_all(task, *log), (std::vector<std::string>{"a/0", "b/0", "a/0", "b/0"}));
    EXPECT_TRUE(log->close(task).has_value());
  });
}

// What is in the leader's log counts, and a transaction's marker has no sequence.
TEST(LogTest, SequencesOfReplicasAndOfMarkersAreNotChecked) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    for (const std::int32_t sequence : {0, 5, 5}) {
      Bytes batch = make_batch("a", {.producer = 7, .epoch = 0, .sequence = sequence});
      record::set_base_offset(batch, log->end_offset());
      EXPECT_TRUE(log->append_replica(task, batch).has_value());
    }
    EXPECT_EQ(log->end_offset(), Offset(3));
    EXPECT_EQ(log->producers().find(ProducerId(7))->batches.back().last, Sequence(5));
    record::BatchBuilder builder(
        {.producer_id = ProducerId(7), .producer_epoch = ProducerEpoch(0), .control = true});
    builder.add(Timestamp(1), std::nullopt, std::nullopt);
    Bytes marker = *builder.build();
    EXPECT_TRUE(log->append(task, marker, {}).has_value());
    EXPECT_TRUE(log->close(task).has_value());
  });
}

TEST(LogTest, ClosingWaitsForNoTimer) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    EXPECT_TRUE(append_synced(task, *log, "a").has_value());
    const Instant before = node.now_instant();
    EXPECT_TRUE(log->close(task).has_value());
    EXPECT_EQ(node.now_instant(), before);
  });
}

// A roll that fails leaves an empty file at an offset that the log then passes in the old segment.
TEST(LogTest, WhatAFailedRollLeftHidesNothing) {
  SmallNode node;
  std::vector<std::string> expected;
  const auto add = [&](Task& task, Log& log, const std::string& tag) {
    const auto appended = append_synced(task, log, tag);
    if (appended) expected.push_back(tag + "/0");
    return appended.has_value();
  };
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), small_config());
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(add(task, *log, "a" + std::to_string(i)));
    node.image.order({.fault = sim::OrderedFault::name_error, .path = "*4.integrity"});
    EXPECT_FALSE(add(task, *log, std::string(300, 'b')));
    EXPECT_TRUE(add(task, *log, "c"));
    EXPECT_EQ(log->segment_count(), 1U);
    for (int i = 0; i < 8; ++i) EXPECT_TRUE(add(task, *log, "d" + std::to_string(i)));
    EXPECT_GT(log->segment_count(), 1U);
    EXPECT_TRUE(log->close(task).has_value());
  });
  node.power_cut();
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), small_config());
    EXPECT_EQ(read_all(task, *log), expected);
    EXPECT_TRUE(log->close(task).has_value());
  });
}

TEST(LogTest, RemembersWhereEpochsBegin) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    append(task, *log, "a", {}, 0).value();
    append(task, *log, "b", {}, 2).value();
    append(task, *log, "c", {}, 2).value();
    append(task, *log, "d", {}, 5).value();
    EXPECT_EQ(log->epochs().end_of(LeaderEpoch(0), log->end_offset())->start, Offset(1));
    EXPECT_EQ(log->epochs().end_of(LeaderEpoch(3), log->end_offset())->epoch, LeaderEpoch(2));
    EXPECT_EQ(log->epochs().end_of(LeaderEpoch(5), log->end_offset())->start, Offset(4));
    EXPECT_TRUE(log->close(task).has_value());
    const auto text =
        env::read_file(task, node.env().disk, "data/t-0/leader-epoch-checkpoint", 1000);
    EXPECT_EQ(as_text(*text), "0\n3\n0 0\n2 1\n5 3\n");
    const LogPointer again = *open_log(task, node.env(), {});
    EXPECT_EQ(again->epochs(), log->epochs());
    EXPECT_TRUE(again->close(task).has_value());
  });
}

TEST(LogTest, TakesReplicasAsTheyAreNumbered) {
  SmallNode node;
  node.run([&](Task& task) {
    const LogPointer log = *open_log(task, node.env(), {});
    Bytes batch = make_batch("a", {.records = 2});
    record::set_base_offset(batch, Offset(5));
    record::set_leader_epoch(batch, LeaderEpoch(3));
    EXPECT_EQ(log->append_replica(task, batch)->base, Offset(5));
    EXPECT_EQ(log->end_offset(), Offset(7));
    EXPECT_EQ(log->append_replica(task, batch).error().code(), ErrorCode::invalid);
    EXPECT_TRUE(log->close(task).has_value());
  });
}

// What the next life acknowledges must not hang on a name that only the dead one's cache held.
TEST(LogTest, NamesThatADeadProcessMadeBecomeDurable) {
  bool whole = false;
  for (std::uint64_t at = 0; !whole; ++at) {
    SmallNode node;
    node.disk.dies_at = at;
    ASSERT_TRUE(node.run(
        [&](Task& task) { whole = open_log(task, node.env(), small_config()).has_value(); }));
    node.kill();
    ASSERT_TRUE(node.run([&](Task& task) {
      const LogPointer log = *open_log(task, node.env(), small_config());
      EXPECT_TRUE(append_synced(task, *log, "kept").has_value());
      node.disk.dies_at = node.disk.operations;  // closing would make names durable
    }));
    node.power_cut();
    ASSERT_TRUE(node.run([&](Task& task) {
      const LogPointer log = *open_log(task, node.env(), small_config());
      EXPECT_EQ(read_all(task, *log), (std::vector<std::string>{"kept/0"})) << at;
      EXPECT_TRUE(log->close(task).has_value());
    }));
  }
}

// Swarm seed 7799, before: one byte that rotted, and the directory passed for another topic's.
TEST(LogTest, KnowsItsOwnDirectoryWithoutTheFileThatNamesItsTopic) {
  SmallNode node;
  EXPECT_TRUE(node.run([&](Task& task) {
    const auto fill = open_log(task, node.env(), {});
    ASSERT_TRUE(fill.has_value());
    EXPECT_TRUE(append_synced(task, **fill, "a").has_value());
    EXPECT_TRUE((*fill)->close(task).has_value());
    const std::string path = "data/t-0/partition.metadata";
    const std::string right(as_text(*env::read_file(task, node.env().disk, path, 1 << 10)));
    for (const std::string& wrong :
         {log::partition_metadata_text(Uuid{8, 8}), std::string("spoiled")}) {
      EXPECT_TRUE(env::replace_file(task, node.env().disk, path, as_bytes(wrong)).has_value());
      const auto log = open_log(task, node.env(), {});
      ASSERT_TRUE(log.has_value()) << log.error().to_string();
      EXPECT_EQ((*log)->end_offset(), (*fill)->end_offset());
      EXPECT_TRUE((*log)->close(task).has_value());
      EXPECT_EQ(as_text(*env::read_file(task, node.env().disk, path, 1 << 10)), right);
    }
  }));
}

TEST(LogTest, RefusesTheDirectoryOfAnotherTopic) {
  SmallNode node;
  node.run([&](Task& task) {
    EXPECT_TRUE((*open_log(task, node.env(), {}))->close(task).has_value());
    log::LogIdentity other = identity_of();
    other.topic_id.low ^= 1;
    const auto opened = Log::open(task, node.env(), std::string(kLogDirectory), other, {});
    EXPECT_EQ(opened.error().code(), ErrorCode::invalid);
    EXPECT_EQ(*log::read_topic_id(task, node.env().disk, kLogDirectory), identity_of().topic_id);
  });
}

}  // namespace
}  // namespace flux::test
