// The client library against a real node while the network and the node's process fail: what the
// client promises about each record must be what the log then says.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/node_support/node_test.h"

namespace flux::test {
namespace {

using client::Acks;
using client::Admin;
using client::Client;
using client::Fate;
using client::Producer;
using client::ProducerConfig;
using client::RecordResult;
using env::Task;

constexpr int kRecords = 300;

class ClientNodeTest : public NodeTest {
 protected:
  ClientNodeTest() : fates(kRecords, Fate::unknown) {
    start_node();
    with_client([](Task& task, Client& client) {
      Admin admin(client);
      EXPECT_TRUE(admin.create_topic(task, {.name = "t", .partitions = 1}).ok());
    });
  }

  // Records v0, v1, ... in small batches, a few milliseconds apart, while `trouble` strikes.
  void produce_through(const ProducerConfig& how, std::function<void(int)> trouble) {
    as_client([&](Task& task, sim::NodeEnv& at) {
      client::ClientConfig config;
      config.bootstrap = {{.host = "broker", .port = 9092}};
      config.request_timeout = seconds(2);
      config.connect_timeout = seconds(2);
      Client client(at.env(), config);
      Producer producer(client, how);
      for (int i = 0; i < kRecords; ++i) {
        send(task, producer, i);
        if (i % 25 == 24) trouble(i);
        EXPECT_TRUE(env::sleep_until(task, client.now() + milliseconds(5)).has_value());
      }
      EXPECT_TRUE(producer.flush(task).has_value());
      producer.close(task);
      client.close(task);
    });
  }
  void send(Task& task, Producer& producer, int number) {
    client::ProducerRecord record{.topic = "t", .partition = PartitionIndex(0)};
    record.value = to_bytes(as_bytes("v" + std::to_string(number)));
    const auto taken = producer.send(task, std::move(record), [this, number](const auto& result) {
      fates[static_cast<std::size_t>(number)] = result.fate;
    });
    if (!taken) fates[static_cast<std::size_t>(number)] = Fate::refused;
  }
  void reset_connections(int number) {
    const Key what = key("test.reset").with(static_cast<std::uint64_t>(number));
    network.reset_connections("broker", 9092, kAlways, what);
  }
  std::vector<std::string> stored() {
    std::vector<std::string> out;
    with_client([&](Task& task, Client& client) {
      const std::vector<std::string> values = consume(task, client, "t");
      const sim::WorldScope scope;
      out = values;
    });
    return out;
  }
  // Acknowledged is there, refused is not.
  void expect_promises_kept(const std::vector<std::string>& values) {
    for (std::size_t i = 0; i < fates.size(); ++i) {
      const auto copies = std::ranges::count(values, "v" + std::to_string(i));
      const bool lost = fates[i] == Fate::acknowledged && copies == 0;
      const bool undead = fates[i] == Fate::refused && copies != 0;
      EXPECT_FALSE(lost) << "v" << i;
      EXPECT_FALSE(undead) << "v" << i;
    }
  }

  std::vector<Fate> fates;
};

ProducerConfig small() { return {.linger = milliseconds(2), .batch_bytes_max = 200}; }

TEST_F(ClientNodeTest, IdempotentThroughResetsIsOnceAndInOrder) {
  produce_through(small(), [this](int number) { reset_connections(number); });
  const std::vector<std::string> values = stored();
  EXPECT_EQ(std::ranges::count(fates, Fate::acknowledged), kRecords);
  EXPECT_EQ(values.size(), static_cast<std::size_t>(kRecords));
  std::vector<std::string> once = values;
  EXPECT_EQ(std::ranges::unique(once).size(), 0u);
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], "v" + std::to_string(i));
}

TEST_F(ClientNodeTest, WithoutIdempotenceNothingAcknowledgedIsMissing) {
  ProducerConfig how = small();
  how.idempotent = false;
  produce_through(how, [this](int number) { reset_connections(number); });
  const std::vector<std::string> values = stored();
  EXPECT_GE(values.size(), static_cast<std::size_t>(kRecords));
  expect_promises_kept(values);
}

TEST_F(ClientNodeTest, WithoutAcknowledgementsNothingIsTwiceAndOrderHolds) {
  ProducerConfig how = small();
  how.acks = Acks::none;
  produce_through(how, [this](int number) { reset_connections(number); });
  const std::vector<std::string> values = stored();
  EXPECT_LE(values.size(), static_cast<std::size_t>(kRecords));
  EXPECT_GT(values.size(), 0u);
  std::vector<std::string> sorted = values;
  std::ranges::sort(sorted);
  EXPECT_EQ(std::ranges::unique(sorted).size(), 0u);
}

TEST_F(ClientNodeTest, APartitionedClientRefusesOrDoubtsButNeverLies) {
  ProducerConfig how = small();
  how.delivery_timeout = seconds(3);
  produce_through(how, [this](int number) {
    const bool blocked = number % 100 == 49;
    network.for_rules([&](const std::string&, const std::string& to, sim::LinkRule& rule) {
      if (to == "broker") rule.blocked = blocked;
    });
    if (!blocked) network.release();
  });
  const std::vector<std::string> values = stored();
  expect_promises_kept(values);
  EXPECT_GT(std::ranges::count(fates, Fate::acknowledged), kRecords / 3);
  EXPECT_TRUE(std::ranges::is_sorted(
      values, {}, [](const std::string& value) { return std::stoi(value.substr(1)); }));
}

TEST_F(ClientNodeTest, DeletesRecordsAndSaysWhereAPartitionStarts) {
  with_client([&](Task& task, Client& client) {
    Producer producer(client, small());
    for (int i = 0; i < 20; ++i) send(task, producer, i);
    EXPECT_TRUE(producer.flush(task).has_value());
    producer.close(task);
    Admin admin(client);
    const TopicPartition there{"t", PartitionIndex(0)};
    const TopicPartition nowhere{"t", PartitionIndex(9)};
    auto deleted = admin.delete_records(task, {{there, Offset(7)}});
    EXPECT_TRUE(deleted.at(there).ok());
    EXPECT_EQ(deleted.at(there).start, Offset(7));
    deleted = admin.delete_records(task, {{there, Offset(21)}});
    EXPECT_EQ(deleted.at(there).wire, kafka::WireError::offset_out_of_range);
    EXPECT_FALSE(deleted.at(there).ok());
    const env::DeadlineScope scope(task, client.now() + seconds(5));
    EXPECT_FALSE(admin.delete_records(task, {{nowhere, Offset(0)}}).at(nowhere).ok());
  });
  EXPECT_EQ(stored().size(), 13u);
}

TEST_F(ClientNodeTest, ReadsEveryCodecBackEqual) {
  for (int codec = 0; codec < record::kCodecs; ++codec) {
    with_client([&](Task& task, Client& client) {
      ProducerConfig how = small();
      how.codec = static_cast<record::Codec>(codec);
      Producer producer(client, how);
      for (int i = 0; i < 20; ++i) send(task, producer, codec * 20 + i);
      EXPECT_TRUE(producer.flush(task).has_value());
      producer.close(task);
    });
  }
  const std::vector<std::string> values = stored();
  ASSERT_EQ(values.size(), 100u);
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], "v" + std::to_string(i));
}

}  // namespace
}  // namespace flux::test
