// Consumers against a scripted broker.
#include "tests/client_support/client_test.h"

namespace flux::test {
namespace {

using client::Client;
using client::Consumer;
using client::ConsumerConfig;
using client::PartitionNews;
using client::Producer;
using client::StartAt;
using env::Task;
using kafka::ApiKey;
using kafka::WireError;

const TopicPartition kFirst{"t", PartitionIndex(0)};

class ConsumerTest : public ClientTest {
 protected:
  ConsumerTest() {
    add_broker(1);
    add_topic(cluster, "t", 2);
  }

  void fill(Task& task, Client& client, int count, int partition = 0) {
    Producer producer(client, {.batch_bytes_max = 200});
    for (int i = 0; i < count; ++i) {
      EXPECT_TRUE(producer.send(task, record_of("v" + std::to_string(i), partition)).has_value());
    }
    EXPECT_TRUE(producer.flush(task).has_value());
    producer.close(task);
  }
  // Polls until `count` records came or 30 s went by.
  std::vector<std::string> read(Task& task, Client& client, Consumer& consumer, std::size_t count) {
    std::vector<std::string> out;
    const Instant until = client.now() + seconds(30);
    while (out.size() < count && client.now() < until) {
      const auto polled = consumer.poll(task, seconds(1));
      if (!polled) {
        ADD_FAILURE() << polled.error().to_string();
        break;
      }
      for (const PartitionNews& news : *polled) {
        if (news.error) {
          const sim::WorldScope scope;
          errors.push_back(news.error->code());
        }
        for (const auto& record : news.records) out.emplace_back(as_text(*record.value));
      }
    }
    return out;
  }

  std::vector<ErrorCode> errors;
};

TEST_F(ConsumerTest, ReadsWhatWasProduced) {
  with_client([&](Task& task, Client& client) {
    fill(task, client, 100);
    Consumer consumer(client, {});
    consumer.assign(kFirst, StartAt::beginning());
    EXPECT_EQ(read(task, client, consumer, 100), numbered(100));
    EXPECT_EQ(consumer.position(kFirst), Offset(100));
    EXPECT_EQ(consumer.high_watermark(kFirst), Offset(100));
  });
}

TEST_F(ConsumerTest, StartsInsideABatchAndSeeksBack) {
  with_client([&](Task& task, Client& client) {
    fill(task, client, 50);
    Consumer consumer(client, {.partition_bytes_max = 1});
    consumer.assign(kFirst, StartAt::offset(Offset(33)));
    EXPECT_EQ(read(task, client, consumer, 17).front(), "v33");
    consumer.assign(kFirst, StartAt::offset(Offset(7)));
    EXPECT_EQ(read(task, client, consumer, 1).front(), "v7");
    consumer.assign(kFirst, StartAt::end());
    EXPECT_TRUE(consumer.poll(task, milliseconds(100)).has_value());
    EXPECT_EQ(consumer.position(kFirst), Offset(50));
  });
}

TEST_F(ConsumerTest, EveryPersonaReadsTwoPartitionsOfTwoLeaders) {
  add_broker(2);
  cluster.topics.at("t").partitions[1].leader = NodeId(2);
  for (const auto& versions : {client::VersionCaps::newest(), client::VersionCaps::librdkafka_2_0(),
                               client::VersionCaps::oldest()}) {
    client::ClientConfig with = config();
    with.versions = versions;
    with_client(
        [&](Task& task, Client& client) {
          fill(task, client, 20, 0);
          fill(task, client, 20, 1);
          Consumer consumer(client, {});
          consumer.assign(kFirst, StartAt::beginning());
          consumer.assign({"t", PartitionIndex(1)}, StartAt::beginning());
          EXPECT_EQ(read(task, client, consumer, 40).size(), 40u);
        },
        with);
    for (FakePartition& partition : cluster.topics.at("t").partitions) {
      partition.batches.clear();
      partition.end = Offset(0);
      partition.producers.clear();
    }
  }
}

TEST_F(ConsumerTest, SurvivesCutsErrorsAndAMovingLeader) {
  add_broker(2);
  cluster.script = [](const Seen& seen) {
    if (seen.api != ApiKey::fetch) return Verdict{};
    if (seen.number % 3 == 1) return Verdict{.act = Act::cut};
    if (seen.number % 3 == 2) {
      return Verdict{.act = Act::refuse, .error = WireError::unknown_server_error};
    }
    return Verdict{};
  };
  with_client([&](Task& task, Client& client) {
    fill(task, client, 60);
    Consumer consumer(client, {.partition_bytes_max = 1});
    consumer.assign(kFirst, StartAt::beginning());
    std::vector<std::string> all = read(task, client, consumer, 20);
    cluster.topics.at("t").partitions[0].leader = NodeId(2);
    for (const std::string& value : read(task, client, consumer, 60 - all.size())) {
      all.push_back(value);
    }
    EXPECT_EQ(all, numbered(60));
    EXPECT_FALSE(errors.empty());
  });
}

TEST_F(ConsumerTest, AFlippedBitIsCorruptAndNeverDelivered) {
  with_client([&](Task& task, Client& client) {
    fill(task, client, 50);
    {
      const sim::WorldScope scope;
      cluster.topics.at("t").partitions[0].batches[1].back() ^= std::byte{1};
    }
    const auto good = record::BatchView::first_of(cluster.topics.at("t").partitions[0].batches[0])
                          .value()
                          .record_count();
    Consumer consumer(client, {});
    consumer.assign(kFirst, StartAt::beginning());
    const auto polled = consumer.poll(task, seconds(5)).value();
    ASSERT_EQ(polled.size(), 1u);
    EXPECT_EQ(polled[0].records.size(), static_cast<std::size_t>(good));
    EXPECT_EQ(polled[0].error.value(), ErrorCode::corrupt);
    EXPECT_EQ(consumer.position(kFirst), Offset(good));
  });
}

TEST_F(ConsumerTest, OutOfRangeIsReportedOrReset) {
  with_client([&](Task& task, Client& client) {
    fill(task, client, 10);
    Consumer strict(client, {});
    strict.assign(kFirst, StartAt::offset(Offset(99)));
    const auto polled = strict.poll(task, seconds(5)).value();
    ASSERT_EQ(polled.size(), 1u);
    EXPECT_EQ(polled[0].wire, WireError::offset_out_of_range);
    EXPECT_FALSE(polled[0].retrying);
    Consumer lenient(client, {.reset = client::OffsetReset::earliest});
    lenient.assign(kFirst, StartAt::offset(Offset(99)));
    EXPECT_EQ(read(task, client, lenient, 10), numbered(10));
  });
}

TEST(FetchedRecords, SkipsControlBatchesAndAbortedTransactions) {
  Bytes log;
  std::int64_t next = 0;
  const auto add = [&](std::int64_t producer, bool transactional, bool control,
                       std::string_view value) {
    record::BatchBuilder builder({.base_offset = Offset(next),
                                  .producer_id = ProducerId(producer),
                                  .producer_epoch = ProducerEpoch(0),
                                  .base_sequence = Sequence(control ? -1 : 0),
                                  .transactional = transactional,
                                  .control = control});
    const Bytes marker = {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}};
    builder.add(record::Timestamp(1), control ? std::optional<ByteView>(marker) : std::nullopt,
                record::text(value));
    append(log, builder.build().value());
    ++next;
  };
  add(1, true, false, "aborted");
  add(2, true, false, "committed");
  add(3, false, false, "plain");
  add(1, true, true, "abort marker");
  add(1, true, false, "second transaction");
  const std::vector<kafka::FetchResponse::AbortedTransaction> aborted = {
      {.producer_id = ProducerId(1), .first_offset = Offset(0)}};
  const auto values = [&](const auto* transactions) {
    std::vector<std::string> out;
    const auto read = client::read_batches(log, Offset(0), {}, transactions);
    EXPECT_FALSE(read.error.has_value());
    EXPECT_EQ(read.next, Offset(5));
    for (const auto& record : read.records) out.emplace_back(as_text(*record.value));
    return out;
  };
  EXPECT_EQ(values(&aborted),
            (std::vector<std::string>{"committed", "plain", "second transaction"}));
  EXPECT_EQ(values(static_cast<decltype(&aborted)>(nullptr)),
            (std::vector<std::string>{"aborted", "committed", "plain", "second transaction"}));
  const auto cut =
      client::read_batches(ByteView(log).first(log.size() - 3), Offset(1), {}, nullptr);
  EXPECT_EQ(cut.next, Offset(4));
  EXPECT_EQ(cut.records.size(), 2u);
}

}  // namespace
}  // namespace flux::test
