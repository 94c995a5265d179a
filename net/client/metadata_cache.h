// MetadataCache: what the brokers last said about brokers, topics and leaders. Plain state, no
// waiting: the Client fetches, this remembers.
//
// An entry may be out of date at any time; whoever acts on it learns that from the broker's answer
// and asks for a refresh.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "core/base/time.h"
#include "core/env/network.h"
#include "net/kafka/gen/metadata.h"

namespace flux::client {

struct BrokerInfo {
  NodeId id = kNoNode;
  env::Endpoint at;
  std::optional<std::string> rack;
};

struct PartitionInfo {
  PartitionIndex index{-1};
  NodeId leader = kNoNode;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  std::vector<NodeId> replicas;
  std::vector<NodeId> in_sync;
  std::vector<NodeId> offline;
  kafka::WireError error = kafka::WireError::none;
};

struct TopicInfo {
  std::string name;
  Uuid id;  // zero when the brokers are too old to say
  bool internal = false;
  kafka::WireError error = kafka::WireError::none;
  Instant learned;
  std::vector<PartitionInfo> partitions;  // by index, from 0
};

class MetadataCache {
 public:
  // Takes over the whole of an answer. Topics that it does not name stay as they were.
  void learn(const kafka::MetadataResponse& answer, Instant now);
  void forget_topic(std::string_view name);

  const std::map<NodeId, BrokerInfo>& brokers() const { return brokers_; }
  const std::map<std::string, TopicInfo, std::less<>>& topics() const { return topics_; }
  const std::string& cluster_id() const { return cluster_id_; }
  NodeId controller() const { return controller_; }

  const BrokerInfo* broker(NodeId id) const;
  const TopicInfo* topic(std::string_view name) const;
  const TopicInfo* topic(const Uuid& id) const;
  const PartitionInfo* partition(std::string_view topic, PartitionIndex index) const;
  // Where to send what is for the partition's leader; null when nobody is known to lead.
  const BrokerInfo* leader(std::string_view topic, PartitionIndex index) const;

 private:
  std::map<NodeId, BrokerInfo> brokers_;
  std::map<std::string, TopicInfo, std::less<>> topics_;
  std::string cluster_id_;
  NodeId controller_ = kNoNode;
};

}  // namespace flux::client
