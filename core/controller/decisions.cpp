#include "core/controller/decisions.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "core/base/check.h"
#include "core/base/mutant.h"
#include "core/controller/topic_config.h"

namespace flux::controller {

namespace {

using Assignments = std::vector<std::vector<NodeId>>;

std::unexpected<Refusal> refuse(RefusalKind kind, std::string detail) {
  return std::unexpected(Refusal{kind, std::move(detail)});
}

// Kafka names a topic's metrics with '_' for '.', so two names that differ only there collide.
std::string metric_name(std::string_view name) {
  std::string out(name);
  std::ranges::replace(out, '.', '_');
  return out;
}

Decision<void> check_new_name(const Image& image, const std::string& name) {
  if (auto good = check_topic_name(name); !good) return good;
  if (name == kMetadataTopic) {
    return refuse(RefusalKind::invalid_request,
                  fmt::format("Creation of internal topic {} is prohibited.", name));
  }
  if (image.topics.contains(name)) {
    return refuse(RefusalKind::topic_exists, fmt::format("Topic '{}' already exists.", name));
  }
  if (name.find_first_of("._") == std::string::npos) return {};
  const std::string wanted = metric_name(name);
  for (const auto& [other, topic] : image.topics) {
    if (other.size() == name.size() && metric_name(other) == wanted) {
      return refuse(RefusalKind::invalid_topic,
                    fmt::format("Topic '{}' collides with existing topic: {}", name, other));
    }
  }
  return {};
}

std::vector<NodeId> usable_brokers(const Image& image) {
  std::vector<NodeId> out;
  for (const auto& [id, broker] : image.brokers) {
    if (!broker.fenced && !broker.in_controlled_shutdown) out.push_back(id);
  }
  return out;
}

Decision<Assignments> spread(const Image& image, std::size_t partitions, std::size_t factor,
                             std::uint64_t first) {
  const std::vector<NodeId> brokers = usable_brokers(image);
  if (factor > brokers.size()) {
    return refuse(RefusalKind::invalid_replication_factor,
                  fmt::format("Unable to replicate the partition {} time(s): only {} broker(s) are "
                              "registered.",
                              factor, brokers.size()));
  }
  Assignments out(partitions);
  for (std::size_t partition = 0; partition < out.size(); ++partition) {
    for (std::size_t i = 0; i < factor; ++i) {
      out[partition].push_back(brokers[(first + partition + i) % brokers.size()]);
    }
  }
  return out;
}

Decision<Assignments> place(const Image& image, const CreateTopic& request,
                            const CreateTopicDefaults& defaults, std::uint64_t first) {
  const std::int32_t partitions =
      request.partitions == -1 ? defaults.partitions : request.partitions;
  const std::int16_t factor =
      request.replication_factor == -1 ? defaults.replication_factor : request.replication_factor;
  if (factor <= 0) {
    return refuse(RefusalKind::invalid_replication_factor,
                  "Replication factor must be larger than 0, or -1 to use the default value.");
  }
  if (partitions <= 0) {
    return refuse(RefusalKind::invalid_partitions,
                  "Number of partitions was set to an invalid non-positive value.");
  }
  return spread(image, static_cast<std::size_t>(partitions), static_cast<std::size_t>(factor),
                first);
}

Decision<void> check_replicas(const Image& image, const std::vector<NodeId>& replicas,
                              std::size_t factor) {
  const auto kind = RefusalKind::invalid_replica_assignment;
  if (replicas.empty()) {
    return refuse(kind, "The manual partition assignment includes an empty replica list.");
  }
  if (replicas.size() != factor) {
    return refuse(kind,
                  "The manual partition assignment includes partitions with different "
                  "replication factors.");
  }
  std::set<NodeId> seen;
  for (const NodeId id : replicas) {
    if (!seen.insert(id).second) {
      return refuse(kind, fmt::format("The manual partition assignment includes the broker {} more "
                                      "than once.",
                                      id.value()));
    }
    if (!image.brokers.contains(id)) {
      return refuse(kind, fmt::format("The manual partition assignment includes broker {}, but no "
                                      "such broker is registered.",
                                      id.value()));
    }
  }
  return {};
}

Decision<Assignments> take_assignments(const Image& image, const CreateTopic& request) {
  if (request.replication_factor != -1) {
    return refuse(RefusalKind::invalid_request,
                  "A manual partition assignment was specified, but replication factor was not set "
                  "to -1.");
  }
  if (request.partitions != -1) {
    return refuse(RefusalKind::invalid_request,
                  "A manual partition assignment was specified, but numPartitions was not set to "
                  "-1.");
  }
  Assignments out(request.assignments.size());
  for (const ReplicaAssignment& assignment : request.assignments) {
    const std::int32_t index = assignment.partition.value();
    if (index < 0 || static_cast<std::size_t>(index) >= out.size()) {
      return refuse(RefusalKind::invalid_replica_assignment,
                    "partitions should be a consecutive 0-based integer sequence");
    }
    std::vector<NodeId>& replicas = out[static_cast<std::size_t>(index)];
    if (!replicas.empty()) {
      return refuse(
          RefusalKind::invalid_replica_assignment,
          fmt::format("Found multiple manual partition assignments for partition {}", index));
    }
    const std::size_t factor = request.assignments.front().replicas.size();
    if (auto good = check_replicas(image, assignment.replicas, factor); !good) {
      return std::unexpected(good.error());
    }
    replicas = assignment.replicas;
  }
  return out;
}

Decision<std::vector<Record>> setting_records(const CreateTopic& request) {
  std::vector<Record> out;
  std::set<std::string> seen;
  for (const TopicSettingChange& change : request.settings) {
    const TopicSetting* setting = find_topic_setting(change.name);
    if (setting == nullptr) {
      return refuse(RefusalKind::invalid_config,
                    fmt::format("Unknown topic config name: {}", change.name));
    }
    if (!change.value) {
      return refuse(RefusalKind::invalid_config,
                    fmt::format("Null value not supported for topic configs: {}", change.name));
    }
    if (!seen.insert(change.name).second) {
      return refuse(RefusalKind::invalid_config,
                    fmt::format("Duplicate topic config name: {}", change.name));
    }
    auto value = clean_topic_setting(*setting, *change.value);
    if (!value) return refuse(RefusalKind::invalid_config, value.error().detail());
    out.push_back(
        ConfigRecord{{ConfigResourceKind::topic, request.name}, change.name, std::move(*value)});
  }
  return out;
}

std::int64_t partitions_wanted(const CreateTopic& request, const CreateTopicDefaults& defaults) {
  if (!request.assignments.empty()) return std::ssize(request.assignments);
  return request.partitions == -1 ? defaults.partitions : std::max(0, request.partitions);
}

Uuid directory_of(const Image& image, NodeId broker) {
  const auto found = image.brokers.find(broker);
  if (found == image.brokers.end() || found->second.directories.empty()) return {};
  return found->second.directories.front();
}

// From partition `index` on.
Decision<void> add_partitions(const Image& image, const Uuid& topic, std::int32_t index,
                              const Assignments& assignments, std::vector<Record>& out) {
  for (const std::vector<NodeId>& replicas : assignments) {
    PartitionRecord record{
        .partition = PartitionIndex(index++), .topic = topic, .replicas = replicas};
    for (const NodeId replica : replicas) {
      record.directories.push_back(directory_of(image, replica));
      const auto broker = image.brokers.find(replica);
      if (broker != image.brokers.end() && !broker->second.fenced) record.isr.push_back(replica);
    }
    if (record.isr.empty()) {
      return refuse(RefusalKind::invalid_replica_assignment,
                    fmt::format("All brokers specified in the manual partition assignment for "
                                "partition {} are fenced or in controlled shutdown.",
                                index - 1));
    }
    record.leader = record.isr.front();
    out.push_back(std::move(record));
  }
  return {};
}

}  // namespace

std::unexpected<Refusal> refuse_too_many_partitions() {
  return refuse(RefusalKind::policy_violation,
                fmt::format("Excessively large number of partitions per request: at most {} are "
                            "created at once, of all topics together.",
                            kPartitionsPerRequestMax));
}

Decision<void> check_topic_name(std::string_view name) {
  const auto kind = RefusalKind::invalid_topic;
  if (name.empty()) return refuse(kind, "Topic name is invalid: the empty string is not allowed");
  if (name == "." || name == "..") {
    return refuse(kind, "Topic name is invalid: '.' or '..' is not allowed");
  }
  if (name.size() > kTopicNameSizeMax) {
    return refuse(kind, fmt::format("Topic name is invalid: the length of '{}...' is longer than "
                                    "the max allowed length {}",
                                    name.substr(0, 32), kTopicNameSizeMax));
  }
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (!std::ranges::all_of(name, legal)) {
    return refuse(kind,
                  "Topic name is invalid: it contains one or more characters other than "
                  "ASCII alphanumerics, '.', '_' and '-'");
  }
  return {};
}

Decision<void> check_partition_sum(std::span<const CreateTopic> requests,
                                   const CreateTopicDefaults& defaults) {
  std::int64_t sum = 0;
  for (const CreateTopic& request : requests) {
    sum += partitions_wanted(request, defaults);
    if (sum <= kPartitionsPerRequestMax) continue;
    return refuse_too_many_partitions();
  }
  return {};
}

Decision<std::vector<Record>> create_topic(const Image& image, const CreateTopic& request,
                                           const CreateTopicDefaults& defaults, const Uuid& id,
                                           std::uint64_t first) {
  const auto few = check_partition_sum(std::span(&request, 1), defaults);
  if (!few) return std::unexpected(few.error());
  if (auto good = check_new_name(image, request.name); !good) return std::unexpected(good.error());
  auto settings = setting_records(request);
  if (!settings) return settings;
  auto assignments = request.assignments.empty() ? place(image, request, defaults, first)
                                                 : take_assignments(image, request);
  if (!assignments) return std::unexpected(assignments.error());

  std::vector<Record> out;
  out.push_back(TopicRecord{request.name, id});
  auto added = add_partitions(image, id, 0, *assignments, out);
  if (!added) return std::unexpected(added.error());
  std::ranges::move(*settings, std::back_inserter(out));
  return out;
}

Decision<std::vector<Record>> create_partitions(const Image& image, const CreatePartitions& request,
                                                std::uint64_t first) {
  const auto topic = image.topic(request.topic);
  if (topic == nullptr) {
    return refuse(RefusalKind::unknown_topic,
                  fmt::format("The topic '{}' does not exist.", request.topic));
  }
  const std::int32_t now = static_cast<std::int32_t>(topic->partitions.size());
  if (request.count == now) {
    return refuse(RefusalKind::invalid_partitions,
                  fmt::format("Topic already has {} partition(s).", now));
  }
  if (request.count < now) {
    return refuse(RefusalKind::invalid_partitions,
                  fmt::format("The topic {} currently has {} partition(s); {} would not be an "
                              "increase.",
                              request.topic, now, request.count));
  }
  const auto more = static_cast<std::size_t>(request.count - now);
  if (request.count - now > kPartitionsPerRequestMax) return refuse_too_many_partitions();
  CHECK(now > 0, "a topic without partitions");
  const std::size_t factor = topic->partitions.front().replicas.size();
  Assignments assignments;
  if (request.assignments) {
    if (request.assignments->size() != more) {
      return refuse(RefusalKind::invalid_replica_assignment,
                    fmt::format("Attempted to add {} additional partition(s), but only {} "
                                "assignment(s) were specified.",
                                more, request.assignments->size()));
    }
    for (const std::vector<NodeId>& replicas : *request.assignments) {
      auto good = check_replicas(image, replicas, factor);
      if (!good) return std::unexpected(good.error());
    }
    assignments = *request.assignments;
  } else {
    auto placed = spread(image, more, factor, first);
    if (!placed) return std::unexpected(placed.error());
    assignments = std::move(*placed);
  }
  std::vector<Record> out;
  auto added = add_partitions(image, topic->id, now, assignments, out);
  if (!added) return std::unexpected(added.error());
  return out;
}

Decision<std::vector<Record>> delete_topic(const Image& image, const Uuid& id) {
  if (!image.topic_names.contains(id)) {
    return refuse(RefusalKind::unknown_topic_id, "This server does not host this topic ID.");
  }
  return std::vector<Record>{RemoveTopicRecord{id}};
}

namespace {

// From `from` on, as many as one step may have; true when there are no more behind them.
bool add_new_epochs(const Image& image, NodeId broker, PartitionPlace& from,
                    std::vector<Record>& out) {
  auto at = image.topics.lower_bound(from.topic);
  // Another topic has its own first partition to begin with.
  std::size_t index = at != image.topics.end() && at->first == from.topic ? from.index : 0;
  std::size_t added = 0;
  for (; at != image.topics.end(); ++at, index = 0) {
    const std::vector<PartitionState>& partitions = at->second->partitions;
    for (; index < partitions.size(); ++index) {
      if (partitions[index].leader != broker) continue;
      if (added++ == kEpochsPerStepMax) {
        from = {at->first, index};
        return false;
      }
      const PartitionIndex partition(static_cast<std::int32_t>(index));
      out.push_back(
          PartitionChangeRecord{.partition = partition, .topic = at->second->id, .leader = broker});
    }
  }
  return true;
}

}  // namespace

Decision<std::vector<Record>> register_broker(const Image& image, RegisterBrokerRecord registration,
                                              std::int64_t broker_epoch, PartitionPlace& from) {
  if (registration.directories.empty()) {
    return refuse(RefusalKind::invalid_registration, "No directories specified in request");
  }
  for (const auto& [name, level] : image.features) {
    const auto range = std::ranges::find(registration.features, name, &FeatureRange::name);
    if (range == registration.features.end() || level < range->min || level > range->max) {
      return refuse(RefusalKind::unsupported_version,
                    fmt::format("Unable to register because the broker does not support finalized "
                                "version {} of {}.",
                                level, name));
    }
  }
  const NodeId broker = registration.broker;
  const auto known = image.brokers.find(broker);
  const bool same_incarnation =
      known != image.brokers.end() && known->second.incarnation == registration.incarnation;
  registration.broker_epoch = same_incarnation ? known->second.broker_epoch : broker_epoch;

  std::vector<Record> out;
  if (same_incarnation || add_new_epochs(image, broker, from, out)) {
    out.emplace(out.begin(), std::move(registration));
  }
  return out;
}

Decision<AllocatedProducerIds> allocate_producer_ids(const Image& image, NodeId broker,
                                                     std::int64_t broker_epoch) {
  const auto known = image.brokers.find(broker);
  if (known == image.brokers.end()) {
    return refuse(RefusalKind::unknown_broker,
                  fmt::format("broker {} is not registered", broker.value()));
  }
  if (known->second.broker_epoch != broker_epoch) {
    return refuse(RefusalKind::stale_broker_epoch,
                  fmt::format("broker {} has epoch {}, not {}", broker.value(),
                              known->second.broker_epoch, broker_epoch));
  }
  const ProducerId first = image.next_producer_id;
  if (first.value() > INT64_MAX - kProducerIdBlockSize) {
    return refuse(RefusalKind::policy_violation, "all producer ids have been given out");
  }
  const ProducerId next =
      MUTANT("controller.producer_ids_given_again") ? first : first + kProducerIdBlockSize;
  return AllocatedProducerIds{
      .block = {.first = first, .size = kProducerIdBlockSize},
      .records = {ProducerIdsRecord{.broker = broker, .broker_epoch = broker_epoch, .next = next}}};
}

}  // namespace flux::controller
