// What the controller decides, as pure functions of an image: the records that make a request true,
// or why it is refused. Whoever calls them writes the records to the metadata log.
//
// Nothing here waits, draws or reads a clock; ids and starting points come from the caller.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/controller/image.h"
#include "core/controller/records.h"

namespace flux::controller {

inline constexpr std::size_t kTopicNameSizeMax = 249;
// Of all topics of a request together, as Kafka counts them.
inline constexpr std::int64_t kPartitionsPerRequestMax = 10'000;
// New leader epochs that one step of a registration begins: its batch stays far below the log's
// limit, and its making is a short run.
inline constexpr std::size_t kEpochsPerStepMax = 2'000;
inline constexpr std::int64_t kProducerIdBlockSize = 1000;
inline constexpr std::string_view kMetadataTopic = "__cluster_metadata";

// Each is an error of its own to a client.
enum class RefusalKind : std::uint8_t {
  invalid_topic,
  topic_exists,
  unknown_topic,
  unknown_topic_id,
  invalid_partitions,
  invalid_replication_factor,
  invalid_replica_assignment,
  invalid_config,
  invalid_request,
  policy_violation,
  stale_broker_epoch,
  unknown_broker,
  invalid_registration,
  unsupported_version,
  // Not decisions, but how carrying one out may end.
  storage_error,
  timed_out,
};

struct Refusal {
  RefusalKind kind;
  std::string detail;  // for a person
};

template <class T>
using Decision = std::expected<T, Refusal>;

// Kafka's rules for the name of a topic.
Decision<void> check_topic_name(std::string_view name);

struct ReplicaAssignment {
  PartitionIndex partition;
  std::vector<NodeId> replicas;
};
struct TopicSettingChange {
  std::string name;
  std::optional<std::string> value;
};

struct CreateTopic {
  std::string name;
  std::int32_t partitions = -1;          // -1: the broker's default
  std::int16_t replication_factor = -1;  // likewise
  std::vector<ReplicaAssignment> assignments;
  std::vector<TopicSettingChange> settings;
};

struct CreateTopicDefaults {
  std::int32_t partitions = 1;
  std::int16_t replication_factor = 1;

  friend bool operator==(const CreateTopicDefaults&, const CreateTopicDefaults&) = default;
};

// More than kPartitionsPerRequestMax.
std::unexpected<Refusal> refuse_too_many_partitions();

// What the topics of one request ask for together. Where it is refused, so is every one of them.
Decision<void> check_partition_sum(std::span<const CreateTopic> requests,
                                   const CreateTopicDefaults& defaults);

// `id` names the new topic; `first` says with which of the brokers placement begins.
Decision<std::vector<Record>> create_topic(const Image& image, const CreateTopic& request,
                                           const CreateTopicDefaults& defaults, const Uuid& id,
                                           std::uint64_t first);

Decision<std::vector<Record>> delete_topic(const Image& image, const Uuid& id);

struct CreatePartitions {
  std::string topic;
  std::int32_t count = 0;  // of all partitions, those that are there included
  // For each new partition its replicas, in their order; nothing: as the controller likes.
  std::optional<std::vector<std::vector<NodeId>>> assignments;
};
// `first` as for create_topic.
Decision<std::vector<Record>> create_partitions(const Image& image, const CreatePartitions& request,
                                                std::uint64_t first);

// A place among the partitions of an image.
struct PartitionPlace {
  std::string topic;
  std::size_t index = 0;
};

// One step of a registration: it begins at `from` and moves it on. The partitions that the broker
// leads begin a new leader epoch: its former incarnation may have shown records that are lost. The
// registration itself is the first record of the last step, so that a crash between two steps
// leaves a broker that is still to be registered. `broker_epoch` is the offset of that step.
Decision<std::vector<Record>> register_broker(const Image& image, RegisterBrokerRecord registration,
                                              std::int64_t broker_epoch, PartitionPlace& from);
// The first step: the only one for a broker that leads few partitions.
inline Decision<std::vector<Record>> register_broker(const Image& image,
                                                     RegisterBrokerRecord registration,
                                                     std::int64_t broker_epoch) {
  PartitionPlace first;
  return register_broker(image, std::move(registration), broker_epoch, first);
}

struct ProducerIdBlock {
  ProducerId first;
  std::int64_t size = 0;
};
struct AllocatedProducerIds {
  ProducerIdBlock block;
  std::vector<Record> records;
};
Decision<AllocatedProducerIds> allocate_producer_ids(const Image& image, NodeId broker,
                                                     std::int64_t broker_epoch);

}  // namespace flux::controller
