// Admin: topics, offsets and the cluster, each as one call that tries again while that is safe.
//
// An error that is timed_out, reset, closed or cancelled leaves open whether the broker acted; any
// other says that it did not. A second try of a call whose first answer was lost may find its own
// work done: then `topic_exists` or `unknown_topic_or_partition` is its honest answer, and
// `Admin::Done::tries` says that it was not the first.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
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

struct DeletedRecords {
  Offset start{-1};  // where the partition starts now
  kafka::WireError wire = kafka::WireError::none;
  std::optional<Error> error;
  std::uint32_t tries = 0;  // that may have reached a broker
  bool ok() const { return !error && start.value() >= 0; }
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

// What settings belong to.
struct ConfigTarget {
  enum class Kind : std::int8_t { topic = 2, broker = 4 };  // Kafka's numbers
  Kind kind = Kind::topic;
  std::string name;  // of the topic, or the broker's id; empty: the default of all brokers

  friend bool operator==(const ConfigTarget&, const ConfigTarget&) = default;
};

struct ConfigEdit {
  enum class Operation : std::int8_t { set, remove, append, subtract };  // Kafka's numbers
  std::string name;
  Operation operation = Operation::set;
  std::string value;
};

struct ConfigOrigin {
  std::string name;
  std::optional<std::string> value;
  std::int8_t source = -1;
};

struct ConfigEntry {
  std::string name;
  std::optional<std::string> value;
  // Kafka's numbers: 1 the topic, 2 the broker, 3 all brokers, 4 the broker's file, 5 the default.
  std::int8_t source = -1;
  bool read_only = false;
  bool sensitive = false;
  std::string documentation;          // empty where the broker does not say
  std::vector<ConfigOrigin> origins;  // the one in force first
};

class Admin {
 public:
  struct Done {
    kafka::WireError wire = kafka::WireError::none;
    std::optional<Error> error;
    std::uint32_t tries = 0;  // that may have reached a broker
    Uuid topic_id;            // of a topic made or deleted, when the broker says
    bool ok() const { return !error; }
  };

  explicit Admin(Client& client);

  Done create_topic(env::Task& task, const NewTopic& topic);
  Done delete_topic(env::Task& task, const std::string& name);
  // Carried out whole or not at all.
  Done alter_config(env::Task& task, const ConfigTarget& target,
                    const std::vector<ConfigEdit>& edits, bool validate_only = false);
  // `count` is that of all partitions, those that are there included.
  Done create_partitions(env::Task& task, const std::string& topic, std::int32_t count,
                         bool validate_only = false);
  // Sorted by name.
  Result<std::vector<ConfigEntry>> describe_config(env::Task& task, const ConfigTarget& target);
  // By name; without internal ones unless asked for.
  Result<std::vector<TopicInfo>> list_topics(env::Task& task, bool internal = false);
  // Always asks a broker.
  Result<TopicInfo> describe_topic(env::Task& task, const std::string& name);
  // `timestamp` as in ListOffsets: -1 the end, -2 the start, or milliseconds. An entry for each
  // partition; those that could not be looked up say why.
  Result<std::map<TopicPartition, ListedOffset>> list_offsets(
      env::Task& task, const std::vector<TopicPartition>& partitions, std::int64_t timestamp,
      Isolation isolation = Isolation::read_uncommitted);
  // Deletes what lies before these offsets (-1: all below the high watermark). An entry for each
  // partition; those where it may not have been done say why.
  using BeforeOffsets = std::map<TopicPartition, Offset>;
  using Deleted = std::map<TopicPartition, DeletedRecords>;
  Deleted delete_records(env::Task& task, const BeforeOffsets& before);
  // By DescribeCluster; where client and broker share no version of it, by Metadata.
  Result<ClusterInfo> describe_cluster(env::Task& task);
  // One try each. A broker that does not answer has one entry, with the error.
  std::vector<DirectoryInfo> describe_directories(env::Task& task, const ClusterInfo& cluster);
  Result<std::vector<FeatureInfo>> describe_features(env::Task& task);

 private:
  Result<ClusterInfo> describe_cluster_once(env::Task& task);
  CallResult<AnswerOf<kafka::DescribeConfigsRequest>> describe_config_once(
      env::Task& task, const ConfigTarget& target);
  template <class Request, class Judge>
  Done change(env::Task& task, const Request& request, std::string_view about, Judge&& judge);
  using Listed = std::map<TopicPartition, ListedOffset>;
  bool list_offsets_once(env::Task& task, Listed& out, std::int64_t timestamp, Isolation isolation);

  // admin_records.cpp
  std::map<NodeId, kafka::DeleteRecordsRequest> requests_to_delete(const BeforeOffsets& before,
                                                                   Deleted& out);
  void delete_records_of(env::Task& task, NodeId leader, const kafka::DeleteRecordsRequest& request,
                         Deleted& out);

  Client& client_;
  std::uint64_t calls_ = 0;
};

}  // namespace flux::client
