// The records that make up a cluster's metadata, as values. The image (image.h) is the fold of
// them.
//
// Invariants: a record means the same whenever it is applied, so that snapshot and log give one
// image on every node. What stands in the log are Kafka's records; their bytes are a RecordCodec's
// affair (record_codec.h), since core knows no protocol.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/ids.h"
#include "core/base/time.h"

namespace flux::controller {

struct FeatureLevelRecord {
  std::string name;
  std::int16_t level = 0;  // 0 takes the feature away

  friend bool operator==(const FeatureLevelRecord&, const FeatureLevelRecord&) = default;
};

// An address at which clients reach a broker.
struct BrokerEndpoint {
  std::string listener;
  std::string host;
  std::uint16_t port = 0;
  std::int16_t security_protocol = 0;  // 0 is PLAINTEXT

  friend bool operator==(const BrokerEndpoint&, const BrokerEndpoint&) = default;
};

struct FeatureRange {
  std::string name;
  std::int16_t min = 0;
  std::int16_t max = 0;

  friend bool operator==(const FeatureRange&, const FeatureRange&) = default;
};

struct RegisterBrokerRecord {
  NodeId broker = kNoNode;
  Uuid incarnation;
  std::int64_t broker_epoch = -1;
  std::vector<BrokerEndpoint> endpoints;
  std::vector<FeatureRange> features;
  std::optional<std::string> rack;
  bool fenced = true;
  bool in_controlled_shutdown = false;
  std::vector<Uuid> directories;

  friend bool operator==(const RegisterBrokerRecord&, const RegisterBrokerRecord&) = default;
};

struct TopicRecord {
  std::string name;
  Uuid topic;

  friend bool operator==(const TopicRecord&, const TopicRecord&) = default;
};

struct PartitionRecord {
  PartitionIndex partition;
  Uuid topic;
  std::vector<NodeId> replicas;
  std::vector<NodeId> isr;
  NodeId leader = kNoNode;
  LeaderEpoch leader_epoch{0};
  std::int32_t partition_epoch = 0;
  std::vector<Uuid> directories;  // one for each replica

  friend bool operator==(const PartitionRecord&, const PartitionRecord&) = default;
};

// What changes of a partition; what is absent stays. A leader that is present, even the same one,
// begins a new leader epoch.
struct PartitionChangeRecord {
  PartitionIndex partition;
  Uuid topic;
  std::optional<std::vector<NodeId>> isr;
  std::optional<NodeId> leader;

  friend bool operator==(const PartitionChangeRecord&, const PartitionChangeRecord&) = default;
};

struct RemoveTopicRecord {
  Uuid topic;

  friend bool operator==(const RemoveTopicRecord&, const RemoveTopicRecord&) = default;
};

// Kafka's numbers for what a setting belongs to.
enum class ConfigResourceKind : std::int8_t { topic = 2, broker = 4 };

struct ConfigResource {
  ConfigResourceKind kind = ConfigResourceKind::topic;
  std::string name;  // of the topic, or the broker's id; empty for the default of all brokers

  friend auto operator<=>(const ConfigResource&, const ConfigResource&) = default;
};

struct ConfigRecord {
  ConfigResource resource;
  std::string key;
  std::optional<std::string> value;  // nothing takes the setting away

  friend bool operator==(const ConfigRecord&, const ConfigRecord&) = default;
};

// All producer ids below `next` have been given to brokers.
struct ProducerIdsRecord {
  NodeId broker = kNoNode;
  std::int64_t broker_epoch = -1;
  ProducerId next{0};

  friend bool operator==(const ProducerIdsRecord&, const ProducerIdsRecord&) = default;
};

struct NoOpRecord {
  friend bool operator==(const NoOpRecord&, const NoOpRecord&) = default;
};

using Record = std::variant<FeatureLevelRecord, RegisterBrokerRecord, TopicRecord, PartitionRecord,
                            PartitionChangeRecord, RemoveTopicRecord, ConfigRecord,
                            ProducerIdsRecord, NoOpRecord>;

// What it costs to encode, decode or apply one, told to the scheduler.
inline constexpr Duration kRecordCost = nanoseconds(300);

}  // namespace flux::controller
