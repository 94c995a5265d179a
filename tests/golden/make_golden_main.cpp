// make_golden FOLDER: makes the data directory of this release, which every later one must open
// (tests/golden/README.md says what is in it).
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "core/broker/produce.h"
#include "core/record/batch_builder.h"
#include "tests/golden/golden.h"

namespace flux::golden {
namespace {

struct Source {
  ProducerId id = kNoProducerId;
  std::int32_t sent = 0;  // records
};

// Batches of one to seven records, with keys, headers and nulls now and then.
Bytes next_batch(Source& source, record::Codec codec, int number) {
  const bool idempotent = source.id != kNoProducerId;
  record::BatchBuilder builder({.codec = codec,
                                .producer_id = source.id,
                                .producer_epoch = idempotent ? ProducerEpoch(0) : kNoProducerEpoch,
                                .base_sequence = idempotent ? Sequence(source.sent) : kNoSequence});
  const int records = 1 + number % 7;
  for (int i = 0; i < records; ++i) {
    const std::string key = fmt::format("key-{}", number % 5);
    const std::string value = fmt::format("{}-{}-{}", number, i, std::string(number % 60U, 'v'));
    const record::Header headers[] = {{as_bytes("trace"), record::text(key)},
                                      {as_bytes("empty"), std::nullopt}};
    const bool bare = number % 11 == 0;
    builder.add(record::Timestamp(1'700'000'000'000 + number * 1'000 + i),
                bare ? std::nullopt : record::text(key),
                number % 13 == 0 ? std::nullopt : record::text(value),
                bare ? std::span<const record::Header>() : headers);
  }
  source.sent += records;
  return *builder.build();
}

Result<void> produce(env::Task& task, broker::Broker& broker, const std::string& topic,
                     int partition, Bytes batch) {
  const auto bytes = std::make_shared<Bytes>(std::move(batch));
  const auto begun = broker::begin_produce(task, broker, *broker.image()->topic(topic),
                                           PartitionIndex(partition), *bytes, bytes, {});
  if (!begun) return fail(ErrorCode::invalid, begun.error().detail);
  const auto done = broker::finish_produce(task, *begun, broker::Acks::all, broker.patience_end());
  if (!done) return fail(ErrorCode::invalid, done.error().detail);
  return {};
}

Result<void> make_topic(env::Task& task, node::Node& node, const std::string& name,
                        std::int32_t partitions,
                        std::vector<controller::TopicSettingChange> settings) {
  // Nothing may expire, however old this becomes.
  settings.push_back({"retention.ms", "-1"});
  settings.push_back({"retention.bytes", "-1"});
  const auto made = node.controller().create_topic(
      task, {.name = name, .partitions = partitions, .settings = std::move(settings)}, false);
  if (!made) return fail(ErrorCode::invalid, made.error().detail);
  return {};
}

Result<void> fill(env::Task& task, node::Node& node) {
  TRY(make_topic(task, node, "orders", 2,
                 {{"internal.segment.bytes", "4096"}, {"index.interval.bytes", "256"}}));
  TRY(make_topic(task, node, "repacked", 1, {{"compression.type", "zstd"}}));
  TRY(make_topic(task, node, "stamped", 1,
                 {{"message.timestamp.type", "LogAppendTime"}, {"flux.durability", "page-cache"}}));
  TRY(make_topic(task, node, "shortened", 1, {{"internal.segment.bytes", "2048"}}));
  TRY(make_topic(task, node, "untouched", 1, {}));
  broker::Broker& broker = node.broker();
  Source plain;
  Source sources[4];
  for (Source& source : sources) {
    const auto id = broker.new_producer_id(task);
    if (!id) return fail(ErrorCode::invalid, id.error().detail);
    source.id = *id;
  }
  for (int i = 0; i < 60; ++i) {
    const auto codec = static_cast<record::Codec>(i % record::kCodecs);
    for (int partition = 0; partition < 2; ++partition) {
      Source& source = i % 3 == 0 ? plain : sources[partition];
      TRY(produce(task, broker, "orders", partition, next_batch(source, codec, i + partition)));
    }
    if (i % 3 == 0) TRY(produce(task, broker, "repacked", 0, next_batch(sources[2], codec, i)));
    if (i % 4 == 0) TRY(produce(task, broker, "stamped", 0, next_batch(plain, codec, i)));
    TRY(produce(task, broker, "shortened", 0, next_batch(sources[3], codec, i)));
  }
  return for_partitions(task, broker,
                        [&](const log::LogIdentity& identity, log::Log& log) -> Result<void> {
                          if (identity.topic != "shortened") return {};
                          TRY(log.advance_start(task, log.start_offset() + 101));
                          TRY(log.remove_deleted(task, nanoseconds(0)));
                          return {};
                        });
}

Result<void> make(const std::string& folder) {
  TRY(with_node(folder, fill));
  std::string listing;
  TRY(with_node(folder, [&](env::Task& task, node::Node& node) -> Result<void> {
    listing = TRY(listing_of(task, node.broker()));
    return {};
  }));
  std::filesystem::remove(std::filesystem::path(folder) / kData / ".lock");
  std::ofstream(std::filesystem::path(folder) / kListing) << listing;
  fmt::print("{}", listing);
  return {};
}

}  // namespace
}  // namespace flux::golden

int main(int argc, char** argv) {
  if (argc != 2 || std::filesystem::exists(argv[1])) {
    fmt::print(stderr, "usage: make_golden FOLDER (a new one, named after the release)\n");
    return 2;
  }
  std::filesystem::create_directories(argv[1]);
  const auto made = flux::golden::make(argv[1]);
  if (made) return 0;
  fmt::print(stderr, "{}\n", made.error().to_string());
  return 1;
}
