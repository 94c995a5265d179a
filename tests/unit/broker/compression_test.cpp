// compression.type: what the broker stores, and what it refuses.
#include <string>

#include <gtest/gtest.h>

#include "core/broker/produce.h"
#include "core/record/batch_builder.h"
#include "tests/unit/broker/running_broker.h"

namespace flux::broker {
namespace {

constexpr record::Timestamp kWhen{1'700'000'000'000};

class CompressionTypeTest : public RunningBroker {
 protected:
  static std::shared_ptr<const controller::TopicState> make_topic(env::Task& task, Broker& broker,
                                                                  const std::string& type) {
    const std::string name = "of-" + type;
    return make_topic(task, broker, name,
                      {{"compression.type", type}, {"max.message.bytes", "999"}});
  }
  static std::shared_ptr<const controller::TopicState> make_topic(
      env::Task& task, Broker& broker, const std::string& name,
      const std::vector<controller::TopicSettingChange>& settings) {
    EXPECT_TRUE(
        broker.controller().create_topic(task, {.name = name, .settings = settings}, false));
    return broker.image()->topic(name);
  }
  static Outcome<Produced> produce(env::Task& task, Broker& broker,
                                   const controller::TopicState& topic, ByteView batch) {
    const auto bytes = std::make_shared<Bytes>(to_bytes(batch));
    const auto begun = begin_produce(task, broker, topic, PartitionIndex(0), *bytes, bytes, {});
    if (!begun) return std::unexpected(begun.error());
    return finish_produce(task, *begun, Acks::all, broker.patience_end());
  }
  static Bytes stored_at(env::Task& task, Broker& broker, const controller::TopicState& topic,
                         Offset offset) {
    const auto log = (*broker.partition(topic, PartitionIndex(0)))->log();
    return *log->bytes_of(task, *log->read(task, offset));
  }
};

Bytes batch_of(record::Codec codec, std::int32_t sequence) {
  record::BatchBuilder builder({.codec = codec,
                                .producer_id = ProducerId(5),
                                .producer_epoch = ProducerEpoch(0),
                                .base_sequence = Sequence(sequence)});
  for (const char* value : {"one", "two"}) builder.add(kWhen, std::nullopt, record::text(value));
  return *builder.build();
}

TEST_F(CompressionTypeTest, ABatchIsStoredInTheCodecOfItsTopicAndARetryIsKnown) {
  with_broker([&](env::Task& task, Broker& broker) {
    for (const std::string type : {"producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"}) {
      const auto topic = make_topic(task, broker, type);
      const auto wanted = record::codec_named(type == "uncompressed" ? "none" : type);
      for (std::uint8_t i = 0; i < record::kCodecs; ++i) {
        const auto sent = static_cast<record::Codec>(i);
        const Offset base(i * 2);
        for (int attempt = 0; attempt < 2; ++attempt) {
          const auto produced = produce(task, broker, *topic, batch_of(sent, i * 2));
          ASSERT_TRUE(produced) << produced.error().detail;
          EXPECT_EQ(produced->base_offset, base);
        }
        const Bytes stored = stored_at(task, broker, *topic, base);
        const auto batch = *record::BatchView::first_of(stored);
        EXPECT_EQ(batch.codec(), wanted.value_or(sent)) << type;
        EXPECT_TRUE(batch.crc_fits());
        Bytes storage;
        record::RecordReader records(*record::records_of(batch, storage, 1'000), 2);
        EXPECT_EQ(as_text(*records.next()->value), "one");
        EXPECT_EQ(as_text(*records.next()->value), "two");
      }
    }
  });
}

TEST_F(CompressionTypeTest, WhatGrewTooLargeIsRefused) {
  with_broker([&](env::Task& task, Broker& broker) {
    const auto topic = make_topic(task, broker, "uncompressed");
    record::BatchBuilder builder({.codec = record::Codec::zstd});
    builder.add(kWhen, std::nullopt, record::text(std::string(2'000, 'x')));
    const auto refused = produce(task, broker, *topic, *builder.build());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, FaultKind::message_too_large);
    EXPECT_NE(refused.error().detail.find("max.message.bytes"), std::string::npos);
  });
}

// As Kafka does, by what would be stored.
TEST_F(CompressionTypeTest, WhatGrewBeyondASegmentIsRefused) {
  with_broker([&](env::Task& task, Broker& broker) {
    const auto topic = make_topic(task, broker, "small-segments",
                                  {{"compression.type", "uncompressed"},
                                   {"max.message.bytes", "3000000"},
                                   {"segment.bytes", "1048576"}});
    const auto produce_of = [&](std::size_t bytes) {
      record::BatchBuilder builder({.codec = record::Codec::zstd});
      builder.add(kWhen, std::nullopt, record::text(std::string(bytes, 'x')));
      return produce(task, broker, *topic, *builder.build());
    };
    EXPECT_TRUE(produce_of(1'040'000));
    const auto refused = produce_of(1'050'000);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, FaultKind::record_list_too_large);
    EXPECT_NE(refused.error().detail.find("segment.bytes"), std::string::npos);
  });
}

}  // namespace
}  // namespace flux::broker
