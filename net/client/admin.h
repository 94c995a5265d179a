// Admin: topics, offsets and the cluster, each as one call that tries again while that is safe.
//
// An error that is timed_out, reset, closed or cancelled leaves open whether the broker acted; any
// other says that it did not. A second try of a call whose first answer was lost may find its own
// work done: then `topic_exists` or `unknown_topic_or_partition` is its honest answer, and
// `Admin::Done::tries` says that it was not the first.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "net/client/client.h"

namespace flux::client {

struct NewTopic {
  std::string name;
  std::int32_t partitions = -1;   // -1: the broker's default
  std::int16_t replication = -1;  // -1: the broker's default
  std::map<std::string, std::string> config;
};

struct ListedOffset {
  Offset offset{-1};
  std::int64_t timestamp_ms = -1;
  LeaderEpoch epoch = kNoLeaderEpoch;
  std::optional<Error> error;
  kafka::WireError wire = kafka::WireError::none;
};

struct ClusterInfo {
  std::string id;
  NodeId controller = kNoNode;
  std::vector<BrokerInfo> brokers;
};

// What a broker keeps in one of its data directories.
struct DirectoryInfo {
  NodeId broker = kNoNode;
  std::string path;
  std::int64_t partitions = 0;
  std::int64_t record_bytes = 0;
  // Of the file system; -1 where the broker does not say.
  std::int64_t total_bytes = -1;
  std::int64_t free_bytes = -1;
  std::optional<Error> error;
};

struct FeatureInfo {
  std::string name;
  std::int16_t level = 0;  // in use; 0 for none
  std::int16_t level_min = 0;
  std::int16_t level_max = 0;
};

class Admin {
 public:
  struct Done {
    kafka::WireError wire = kafka::WireError::none;
    std::optional<Error> error;
    std::uint32_t tries = 0;  // that may have reached a broker
    Uuid topic_id;            // of a created topic, when the broker says
    bool ok() const { return !error; }
  };

  explicit Admin(Client& client);

  Done create_topic(env::Task& task, const NewTopic& topic);
  Done delete_topic(env::Task& task, const std::string& name);
  // By name; without internal ones unless asked for.
  Result<std::vector<TopicInfo>> list_topics(env::Task& task, bool internal = false);
  // Always asks a broker.
  Result<TopicInfo> describe_topic(env::Task& task, const std::string& name);
  // `timestamp` as in ListOffsets: -1 the end, -2 the start, or milliseconds. An entry for each
  // partition; those that could not be looked up say why.
  Result<std::map<TopicPartition, ListedOffset>> list_offsets(
      env::Task& task, const std::vector<TopicPartition>& partitions, std::int64_t timestamp,
      Isolation isolation = Isolation::read_uncommitted);
  // By DescribeCluster; where client and broker share no version of it, by Metadata.
  Result<ClusterInfo> describe_cluster(env::Task& task);
  // One try each. A broker that does not answer has one entry, with the error.
  std::vector<DirectoryInfo> describe_directories(env::Task& task, const ClusterInfo& cluster);
  Result<std::vector<FeatureInfo>> describe_features(env::Task& task);

 private:
  Result<ClusterInfo> describe_cluster_once(env::Task& task);
  template <class Request, class Judge>
  Done change(env::Task& task, const Request& request, std::string_view about, Judge&& judge);
  using Listed = std::map<TopicPartition, ListedOffset>;
  bool list_offsets_once(env::Task& task, Listed& out, std::int64_t timestamp, Isolation isolation);

  Client& client_;
  std::uint64_t calls_ = 0;
};

}  // namespace flux::client
