// Producers against a scripted broker: order, retries, idempotence, what is refused and what is
// unknown.
#include "tests/client_support/client_test.h"

namespace flux::test {
namespace {

using client::Acks;
using client::Client;
using client::Fate;
using client::Producer;
using client::ProducerConfig;
using client::RecordResult;
using env::Task;
using kafka::ApiKey;
using kafka::WireError;

class ProducerTest : public ClientTest {
 protected:
  ProducerTest() {
    add_broker(1);
    add_topic(cluster, "t", 2);
  }

  // Sends v0..v(count-1) to partition 0 and keeps their results.
  void produce(int count, const ProducerConfig& how, const client::ClientConfig& with) {
    with_client(
        [&](Task& task, Client& client) {
          Producer producer(client, how);
          for (int i = 0; i < count; ++i) {
            const auto sent = producer.send(task, record_of("v" + std::to_string(i)),
                                            [this](const RecordResult& result) {
                                              const sim::WorldScope scope;
                                              results.push_back(result);
                                            });
            ASSERT_TRUE(sent.has_value()) << sent.error().to_string();
          }
          EXPECT_TRUE(producer.flush(task).has_value());
          producer.close(task);
        },
        with);
  }
  void produce(int count, const ProducerConfig& how) { produce(count, how, config()); }
  int count_of(Fate fate) const {
    return static_cast<int>(std::ranges::count(results, fate, &RecordResult::fate));
  }

  std::vector<RecordResult> results;
};

// Small batches, so that many are in flight.
ProducerConfig small() { return {.linger = Duration(), .batch_bytes_max = 120}; }

TEST_F(ProducerTest, RecordsArriveInOrderAndKnowTheirOffsets) {
  produce(200, small());
  EXPECT_EQ(cluster.values("t"), numbered(200));
  ASSERT_EQ(count_of(Fate::acknowledged), 200);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(results[static_cast<std::size_t>(i)].offset, Offset(i));
  EXPECT_GT(requests(ApiKey::produce), 10u);
}

TEST_F(ProducerTest, EveryCodecAndEveryPersona) {
  int expected = 0;
  for (const auto& versions : {client::VersionCaps::newest(), client::VersionCaps::librdkafka_2_0(),
                               client::VersionCaps::oldest()}) {
    for (int codec = 0; codec < record::kCodecs; ++codec) {
      client::ClientConfig with = config();
      with.versions = versions;
      ProducerConfig how;
      how.codec = static_cast<record::Codec>(codec);
      produce(30, how, with);
      expected += 30;
      EXPECT_EQ(count_of(Fate::acknowledged), expected);
    }
  }
  EXPECT_EQ(cluster.log_size("t"), static_cast<std::size_t>(expected));
}

TEST_F(ProducerTest, OldBrokersAreAskedInVersionZero) {
  cluster.api_versions_max = 2;
  produce(1, {});
  EXPECT_EQ(count_of(Fate::acknowledged), 1);
  EXPECT_EQ(requests(ApiKey::api_versions), 2u);
}

TEST_F(ProducerTest, LostRepliesLeaveNoDuplicatesWithIdempotence) {
  cluster.script = [](const Seen& seen) {
    if (seen.api == ApiKey::produce && seen.number % 3 == 1) return Verdict{.act = Act::lose_reply};
    return Verdict{};
  };
  produce(100, small());
  EXPECT_EQ(count_of(Fate::acknowledged), 100);
  EXPECT_EQ(cluster.values("t"), numbered(100));
}

TEST_F(ProducerTest, ConnectionsCutBeforeTheRequestIsReadAreRetried) {
  cluster.script = [](const Seen& seen) {
    if (seen.api == ApiKey::produce && seen.number % 4 == 2) return Verdict{.act = Act::cut};
    return Verdict{};
  };
  produce(100, small());
  EXPECT_EQ(count_of(Fate::acknowledged), 100);
  EXPECT_EQ(cluster.values("t"), numbered(100));
}

TEST_F(ProducerTest, ErrorsThatPassAreRetriedInOrder) {
  cluster.script = [](const Seen& seen) {
    if (seen.api == ApiKey::produce && seen.number % 5 < 2) {
      return Verdict{.act = Act::refuse, .error = WireError::not_enough_replicas};
    }
    return Verdict{};
  };
  produce(100, small());
  EXPECT_EQ(count_of(Fate::acknowledged), 100);
  EXPECT_EQ(cluster.values("t"), numbered(100));
}

TEST_F(ProducerTest, WithoutRetriesALostReplyIsUnknownAndARefusalRefused) {
  cluster.script = [](const Seen& seen) {
    if (seen.api != ApiKey::produce) return Verdict{};
    if (seen.number == 1) return Verdict{.act = Act::lose_reply};
    if (seen.number == 2) {
      return Verdict{.act = Act::refuse, .error = WireError::message_too_large};
    }
    return Verdict{};
  };
  with_client([&](Task& task, Client& client) {
    Producer producer(client, {.idempotent = false, .retries = 0});
    EXPECT_EQ(producer.produce(task, record_of("a")).fate, Fate::unknown);
    const RecordResult refused = producer.produce(task, record_of("b"));
    EXPECT_EQ(refused.fate, Fate::refused);
    EXPECT_EQ(refused.error.value(), ErrorCode::too_large);
    EXPECT_EQ(producer.produce(task, record_of("c")).fate, Fate::acknowledged);
    producer.close(task);
  });
  EXPECT_EQ(cluster.values("t"), (std::vector<std::string>{"a", "c"}));
}

TEST_F(ProducerTest, AnErrorFromAfterTheAppendIsUnknown) {
  cluster.script = [](const Seen& seen) {
    if (seen.api != ApiKey::produce) return Verdict{};
    return Verdict{.act = Act::refuse, .error = WireError::not_enough_replicas_after_append};
  };
  produce(1, {.idempotent = false, .retries = 0});
  EXPECT_EQ(count_of(Fate::unknown), 1);
}

TEST_F(ProducerTest, AMuteBrokerEndsInUnknownWithinTheDeliveryTime) {
  cluster.script = [](const Seen& seen) {
    return Verdict{.act = seen.api == ApiKey::produce ? Act::mute : Act::serve};
  };
  const sim::Time began = world.now();
  sim::Time ended = began;
  with_client([&](Task& task, Client& client) {
    Producer producer(client, {.delivery_timeout = seconds(7)});
    const RecordResult result = producer.produce(task, record_of("a"));
    EXPECT_EQ(result.fate, Fate::unknown);
    ended = world.now();
    producer.close(task);
  });
  EXPECT_LE(ended - began, seconds(8));
  EXPECT_GE(requests(ApiKey::produce), 3u);
}

TEST_F(ProducerTest, AnUnreachableClusterEndsInRefused) {
  client::ClientConfig with = config();
  with_client(
      [&](Task& task, Client& client) {
        Producer producer(client, {.delivery_timeout = seconds(5)});
        ASSERT_EQ(producer.produce(task, record_of("a")).fate, Fate::acknowledged);
        network.rule("client", "broker1").blocked = true;
        network.reset_connections("broker1", 0, kAlways, key("test"));
        EXPECT_EQ(producer.produce(task, record_of("b")).fate, Fate::refused);
        network.rule("client", "broker1").blocked = false;
        network.release();
        producer.close(task);
      },
      with);
}

TEST_F(ProducerTest, AfterAHoleInTheSequenceANewEpochBegins) {
  cluster.script = [](const Seen& seen) {
    if (seen.api == ApiKey::produce && seen.number == 2) {
      return Verdict{.act = Act::refuse, .error = WireError::message_too_large};
    }
    return Verdict{};
  };
  produce(60, small());
  EXPECT_EQ(count_of(Fate::acknowledged) + count_of(Fate::refused), 60);
  EXPECT_GE(count_of(Fate::refused), 1);
  // Of the same id: what of the old epoch is still on its way must find it (swarm seed 6445).
  EXPECT_EQ(requests(ApiKey::init_producer_id), 1u);
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i].fate == Fate::acknowledged) expected.push_back("");
  }
  const std::vector<std::string> values = cluster.values("t");
  EXPECT_EQ(values.size(), expected.size());
  EXPECT_TRUE(std::ranges::is_sorted(
      values, {}, [](const std::string& value) { return std::stoi(value.substr(1)); }));
}

TEST_F(ProducerTest, WithoutAcknowledgementsRecordsAreSentInOrderAtMostOnce) {
  cluster.script = [](const Seen& seen) {
    if (seen.api == ApiKey::produce && seen.number == 7) return Verdict{.act = Act::cut};
    return Verdict{};
  };
  ProducerConfig how = small();
  how.acks = Acks::none;
  produce(100, how);
  EXPECT_EQ(count_of(Fate::acknowledged), 0);
  EXPECT_EQ(count_of(Fate::refused), 0);
  const std::vector<std::string> values = cluster.values("t");
  EXPECT_LT(values.size(), 100u);
  for (std::size_t i = 1; i < values.size(); ++i) {
    EXPECT_LT(std::stoi(values[i - 1].substr(1)), std::stoi(values[i].substr(1)));
  }
}

TEST_F(ProducerTest, FollowsTheLeader) {
  add_broker(2);
  with_client([&](Task& task, Client& client) {
    Producer producer(client, {});
    EXPECT_EQ(producer.produce(task, record_of("a")).fate, Fate::acknowledged);
    cluster.topics.at("t").partitions[0].leader = NodeId(2);
    EXPECT_EQ(producer.produce(task, record_of("b")).fate, Fate::acknowledged);
    producer.close(task);
  });
  EXPECT_EQ(cluster.values("t"), (std::vector<std::string>{"a", "b"}));
}

TEST_F(ProducerTest, ABatchOfItsOwnStaysOneBatch) {
  with_client([&](Task& task, Client& client) {
    Producer producer(client, {});
    client::BatchResult result;
    const std::vector<client::ProducerRecord> records = {record_of("a"), record_of("b")};
    const auto taken =
        producer.send_batch(task, {"t", PartitionIndex(1)}, records,
                            [&](const client::BatchResult& answer) { result = answer; });
    EXPECT_TRUE(taken.has_value());
    EXPECT_TRUE(producer.flush(task).has_value());
    EXPECT_EQ(result.fate, Fate::acknowledged);
    EXPECT_EQ(result.base_offset, Offset(0));
    EXPECT_EQ(result.records, 2);
    EXPECT_EQ(result.base_sequence, Sequence(0));
    producer.close(task);
  });
  EXPECT_EQ(cluster.topics.at("t").partitions[1].batches.size(), 1u);
}

TEST_F(ProducerTest, RefusesWhatIsTooLargeOrHasNoTopic) {
  with_client([&](Task& task, Client& client) {
    Producer producer(client, {.record_bytes_max = 1000});
    const RecordResult large = producer.produce(task, record_of(std::string(1001, 'x')));
    EXPECT_EQ(large.fate, Fate::refused);
    EXPECT_EQ(large.error.value(), ErrorCode::too_large);
    const RecordResult lost = producer.produce(task, {.topic = "nowhere", .value = Bytes{}});
    EXPECT_EQ(lost.fate, Fate::refused);
    EXPECT_EQ(lost.error.value(), ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(producer.produce(task, record_of("x", 9)).error.value(),
              ErrorCode::unknown_topic_or_partition);
    producer.close(task);
  });
}

TEST_F(ProducerTest, SendWaitsForRoom) {
  cluster.script = [](const Seen& seen) {
    return Verdict{.delay = seen.api == ApiKey::produce ? milliseconds(300) : Duration()};
  };
  with_client([&](Task& task, Client& client) {
    Producer producer(client, {.linger = Duration(), .buffer_bytes_max = 4096});
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(producer.send(task, record_of(std::string(900, 'x'))).has_value());
      EXPECT_LE(producer.outstanding_batches(), 4u);
    }
    EXPECT_TRUE(producer.flush(task).has_value());
    producer.close(task);
  });
  EXPECT_EQ(cluster.log_size("t"), 20u);
}

}  // namespace
}  // namespace flux::test
