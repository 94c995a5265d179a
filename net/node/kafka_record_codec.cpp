#include "net/node/kafka_record_codec.h"

#include <fmt/format.h>

#include "net/kafka/gen/config_record.h"
#include "net/kafka/gen/feature_level_record.h"
#include "net/kafka/gen/leader_change_message.h"
#include "net/kafka/gen/no_op_record.h"
#include "net/kafka/gen/partition_change_record.h"
#include "net/kafka/gen/partition_record.h"
#include "net/kafka/gen/producer_ids_record.h"
#include "net/kafka/gen/register_broker_record.h"
#include "net/kafka/gen/remove_topic_record.h"
#include "net/kafka/gen/snapshot_footer_record.h"
#include "net/kafka/gen/snapshot_header_record.h"
#include "net/kafka/gen/topic_record.h"
#include "net/kafka/metadata_record.h"

namespace flux::node {

namespace {

namespace core = flux::controller;

// Versions that Kafka writes at kMetadataVersionMax.
constexpr std::int16_t kRegisterBrokerVersion = 3;
constexpr std::int16_t kPartitionVersion = 1;

template <class Message>
Result<Bytes> record_bytes(const Message& message, std::int16_t version = 0) {
  wire::Writer to;
  TRY(kafka::encode_metadata_record(to, message, version));
  return to.take();
}

template <class Message>
Result<Bytes> message_bytes(const Message& message) {
  wire::Writer to;
  TRY(message.encode(to, 0));
  return to.take();
}

class Encoder {
 public:
  Result<Bytes> operator()(const core::FeatureLevelRecord& record) const {
    return record_bytes(
        kafka::FeatureLevelRecord{.name = record.name, .feature_level = record.level});
  }
  Result<Bytes> operator()(const core::RegisterBrokerRecord& record) const {
    kafka::RegisterBrokerRecord out{.broker_id = record.broker,
                                    .incarnation_id = record.incarnation,
                                    .broker_epoch = record.broker_epoch,
                                    .rack = record.rack,
                                    .fenced = record.fenced,
                                    .in_controlled_shutdown = record.in_controlled_shutdown,
                                    .log_dirs = record.directories};
    for (const core::BrokerEndpoint& endpoint : record.endpoints) {
      out.end_points.push_back({.name = endpoint.listener,
                                .host = endpoint.host,
                                .port = endpoint.port,
                                .security_protocol = endpoint.security_protocol});
    }
    for (const core::FeatureRange& feature : record.features) {
      out.features.push_back({.name = feature.name,
                              .min_supported_version = feature.min,
                              .max_supported_version = feature.max});
    }
    return record_bytes(out, kRegisterBrokerVersion);
  }
  Result<Bytes> operator()(const core::TopicRecord& record) const {
    return record_bytes(kafka::TopicRecord{.name = record.name, .topic_id = record.topic});
  }
  Result<Bytes> operator()(const core::PartitionRecord& record) const {
    return record_bytes(kafka::PartitionRecord{.partition = record.partition,
                                               .topic_id = record.topic,
                                               .replicas = record.replicas,
                                               .isr = record.isr,
                                               .leader = record.leader,
                                               .leader_epoch = record.leader_epoch,
                                               .partition_epoch = record.partition_epoch,
                                               .directories = record.directories},
                        kPartitionVersion);
  }
  Result<Bytes> operator()(const core::PartitionChangeRecord& record) const {
    kafka::PartitionChangeRecord out{.partition = record.partition, .topic_id = record.topic};
    if (record.isr) out.isr = *record.isr;
    if (record.leader) out.leader = *record.leader;
    return record_bytes(out, kPartitionVersion);
  }
  Result<Bytes> operator()(const core::RemoveTopicRecord& record) const {
    return record_bytes(kafka::RemoveTopicRecord{.topic_id = record.topic});
  }
  Result<Bytes> operator()(const core::ConfigRecord& record) const {
    return record_bytes(
        kafka::ConfigRecord{.resource_type = static_cast<std::int8_t>(record.resource.kind),
                            .resource_name = record.resource.name,
                            .name = record.key,
                            .value = record.value});
  }
  Result<Bytes> operator()(const core::ProducerIdsRecord& record) const {
    return record_bytes(kafka::ProducerIdsRecord{.broker_id = record.broker,
                                                 .broker_epoch = record.broker_epoch,
                                                 .next_producer_id = record.next});
  }
  Result<Bytes> operator()(const core::NoOpRecord&) const {
    return record_bytes(kafka::NoOpRecord{});
  }
};

std::unexpected<Error> newer(std::string_view what) {
  return fail(ErrorCode::unsupported,
              fmt::format("metadata of a newer release, or of Kafka: {}", what));
}

Result<core::Record> to_core(const kafka::RegisterBrokerRecord& record) {
  core::RegisterBrokerRecord out{.broker = record.broker_id,
                                 .incarnation = record.incarnation_id,
                                 .broker_epoch = record.broker_epoch,
                                 .rack = record.rack,
                                 .fenced = record.fenced,
                                 .in_controlled_shutdown = record.in_controlled_shutdown,
                                 .directories = record.log_dirs};
  for (const auto& endpoint : record.end_points) {
    out.endpoints.push_back(
        {endpoint.name, endpoint.host, endpoint.port, endpoint.security_protocol});
  }
  for (const auto& feature : record.features) {
    out.features.push_back(
        {feature.name, feature.min_supported_version, feature.max_supported_version});
  }
  return out;
}

Result<core::Record> to_core(const kafka::PartitionRecord& record) {
  if (!record.adding_replicas.empty() || !record.removing_replicas.empty() ||
      record.eligible_leader_replicas || record.last_known_elr) {
    return newer("a reassignment or eligible leader replicas");
  }
  return core::PartitionRecord{.partition = record.partition,
                               .topic = record.topic_id,
                               .replicas = record.replicas,
                               .isr = record.isr,
                               .leader = record.leader,
                               .leader_epoch = record.leader_epoch,
                               .partition_epoch = record.partition_epoch,
                               .directories = record.directories};
}

Result<core::Record> to_core(const kafka::PartitionChangeRecord& record) {
  constexpr NodeId kNoChange{-2};
  if (record.replicas || record.adding_replicas || record.removing_replicas ||
      record.eligible_leader_replicas || record.last_known_elr || record.directories) {
    return newer("a reassignment or eligible leader replicas");
  }
  core::PartitionChangeRecord out{.partition = record.partition, .topic = record.topic_id};
  if (record.isr) out.isr = *record.isr;
  if (record.leader != kNoChange) out.leader = record.leader;
  return out;
}

Result<core::Record> to_core(const kafka::ConfigRecord& record) {
  const auto kind = static_cast<core::ConfigResourceKind>(record.resource_type);
  if (kind != core::ConfigResourceKind::topic && kind != core::ConfigResourceKind::broker) {
    return newer(fmt::format("a setting of resource type {}", record.resource_type));
  }
  return core::ConfigRecord{{kind, record.resource_name}, record.name, record.value};
}

Result<core::Record> to_core(const kafka::FeatureLevelRecord& record) {
  return core::FeatureLevelRecord{record.name, record.feature_level};
}
Result<core::Record> to_core(const kafka::TopicRecord& record) {
  return core::TopicRecord{record.name, record.topic_id};
}
Result<core::Record> to_core(const kafka::RemoveTopicRecord& record) {
  return core::RemoveTopicRecord{record.topic_id};
}
Result<core::Record> to_core(const kafka::ProducerIdsRecord& record) {
  return core::ProducerIdsRecord{record.broker_id, record.broker_epoch, record.next_producer_id};
}
Result<core::Record> to_core(const kafka::NoOpRecord&) { return core::NoOpRecord{}; }

template <class Message>
Result<core::Record> read(wire::Reader& from, std::int16_t version) {
  const Message message = TRY(Message::decode(from, version));
  if (from.remaining() != 0) return fail(ErrorCode::corrupt, "bytes after a metadata record");
  return to_core(message);
}

}  // namespace

Result<Bytes> KafkaRecordCodec::encode(const core::Record& record) const {
  return std::visit(Encoder(), record);
}

Result<core::Record> KafkaRecordCodec::decode(ByteView value) const {
  wire::Reader from(value);
  const kafka::MetadataFrame frame = TRY(kafka::decode_metadata_frame(from));
  switch (frame.type) {
    case kafka::MetadataRecordType::register_broker_record:
      return read<kafka::RegisterBrokerRecord>(from, frame.version);
    case kafka::MetadataRecordType::topic_record:
      return read<kafka::TopicRecord>(from, frame.version);
    case kafka::MetadataRecordType::partition_record:
      return read<kafka::PartitionRecord>(from, frame.version);
    case kafka::MetadataRecordType::config_record:
      return read<kafka::ConfigRecord>(from, frame.version);
    case kafka::MetadataRecordType::partition_change_record:
      return read<kafka::PartitionChangeRecord>(from, frame.version);
    case kafka::MetadataRecordType::remove_topic_record:
      return read<kafka::RemoveTopicRecord>(from, frame.version);
    case kafka::MetadataRecordType::feature_level_record:
      return read<kafka::FeatureLevelRecord>(from, frame.version);
    case kafka::MetadataRecordType::producer_ids_record:
      return read<kafka::ProducerIdsRecord>(from, frame.version);
    case kafka::MetadataRecordType::no_op_record:
      return read<kafka::NoOpRecord>(from, frame.version);
    case kafka::MetadataRecordType::unregister_broker_record:
    case kafka::MetadataRecordType::broker_registration_change_record:
      break;
  }
  return newer(fmt::format("a record of type {}", static_cast<int>(frame.type)));
}

Result<Bytes> KafkaRecordCodec::leader_change(NodeId leader, Uuid) const {
  // Version 0 carries no directory ids; those come with kraft.version 1.
  kafka::LeaderChangeMessage message;
  message.leader_id = leader;
  message.voters.push_back({.voter_id = leader});
  message.granting_voters.push_back({.voter_id = leader});
  return message_bytes(message);
}

Result<Bytes> KafkaRecordCodec::snapshot_header(std::int64_t last_timestamp_ms) const {
  kafka::SnapshotHeaderRecord message;
  message.last_contained_log_timestamp = last_timestamp_ms;
  return message_bytes(message);
}

Result<Bytes> KafkaRecordCodec::snapshot_footer() const {
  return message_bytes(kafka::SnapshotFooterRecord{});
}

}  // namespace flux::node
