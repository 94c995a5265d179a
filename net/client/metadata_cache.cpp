#include "net/client/metadata_cache.h"

#include <algorithm>

namespace flux::client {
namespace {

TopicInfo read_topic(const kafka::MetadataResponse::Topic& from, const TopicInfo* known,
                     Instant now) {
  TopicInfo topic{.name = *from.name,
                  .id = from.topic_id,
                  .internal = from.is_internal,
                  .error = from.error,
                  .learned = now,
                  .partitions = {}};
  for (const auto& p : from.partitions) {
    PartitionInfo partition{.index = p.index,
                            .leader = p.leader_id,
                            .leader_epoch = p.leader_epoch,
                            .replicas = p.replica_nodes,
                            .in_sync = p.isr_nodes,
                            .offline = p.offline_replicas,
                            .error = p.error};
    topic.partitions.push_back(std::move(partition));
  }
  std::ranges::sort(topic.partitions, {}, &PartitionInfo::index);
  // A broker that lags behind may tell of a leader that was deposed since: keep the newer one.
  if (known == nullptr || known->id != topic.id) return topic;
  for (PartitionInfo& partition : topic.partitions) {
    const auto old = std::ranges::find(known->partitions, partition.index, &PartitionInfo::index);
    if (old != known->partitions.end() && old->leader_epoch > partition.leader_epoch &&
        partition.leader_epoch != kNoLeaderEpoch) {
      partition = *old;
    }
  }
  return topic;
}

}  // namespace

void MetadataCache::learn(const kafka::MetadataResponse& answer, Instant now) {
  if (!answer.brokers.empty()) brokers_.clear();
  for (const auto& broker : answer.brokers) {
    brokers_[broker.node_id] =
        BrokerInfo{.id = broker.node_id,
                   .at = {.host = broker.host, .port = static_cast<std::uint16_t>(broker.port)},
                   .rack = broker.rack};
  }
  controller_ = answer.controller_id;
  if (answer.cluster_id) cluster_id_ = *answer.cluster_id;
  for (const auto& topic : answer.topics) {
    if (!topic.name) continue;
    if (topic.error == kafka::WireError::unknown_topic_or_partition) {
      topics_.erase(*topic.name);
      continue;
    }
    const TopicInfo* known = this->topic(*topic.name);
    TopicInfo read = read_topic(topic, known, now);
    topics_[*topic.name] = std::move(read);
  }
}

void MetadataCache::forget_topic(std::string_view name) {
  if (const auto at = topics_.find(name); at != topics_.end()) topics_.erase(at);
}

const BrokerInfo* MetadataCache::broker(NodeId id) const {
  const auto at = brokers_.find(id);
  return at == brokers_.end() ? nullptr : &at->second;
}

const TopicInfo* MetadataCache::topic(std::string_view name) const {
  const auto at = topics_.find(name);
  return at == topics_.end() ? nullptr : &at->second;
}

const TopicInfo* MetadataCache::topic(const Uuid& id) const {
  for (const auto& [name, topic] : topics_) {
    if (topic.id == id) return &topic;
  }
  return nullptr;
}

const PartitionInfo* MetadataCache::partition(std::string_view name, PartitionIndex index) const {
  const TopicInfo* info = topic(name);
  if (info == nullptr) return nullptr;
  const auto at = std::ranges::find(info->partitions, index, &PartitionInfo::index);
  return at == info->partitions.end() ? nullptr : &*at;
}

const BrokerInfo* MetadataCache::leader(std::string_view topic, PartitionIndex index) const {
  const PartitionInfo* info = partition(topic, index);
  return info == nullptr || info->leader == kNoNode ? nullptr : broker(info->leader);
}

}  // namespace flux::client
