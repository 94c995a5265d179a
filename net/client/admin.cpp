#include "net/client/admin.h"

#include <utility>

#include "net/client/admin_change.h"
#include "net/client/errors.h"

namespace flux::client {
namespace {

using kafka::WireError;

}  // namespace

Admin::Admin(Client& client) : client_(client) {}

Admin::Done Admin::create_topic(env::Task& task, const NewTopic& topic) {
  kafka::CreateTopicsRequest request;
  request.timeout_ms = static_cast<std::int32_t>(client_.config().request_timeout.ms());
  auto& entry = request.topics.emplace_back();
  entry.name = topic.name;
  entry.num_partitions = topic.partitions;
  entry.replication_factor = topic.replication;
  for (const auto& [name, value] : topic.config) {
    auto& setting = entry.configs.emplace_back();
    setting.name = name;
    setting.value = value;
  }
  return change(task, request, "topic \"" + topic.name + "\"",
                [&](const kafka::CreateTopicsResponse& answer, Done& done) {
                  for (const auto& outcome : answer.topics) {
                    if (outcome.name != topic.name) continue;
                    done.topic_id = outcome.topic_id;
                    if (outcome.error_message && outcome.error != WireError::none) {
                      done.error = Error(ErrorCode::invalid, *outcome.error_message);
                    }
                    return outcome.error;
                  }
                  return WireError::unknown_server_error;
                });
}

Admin::Done Admin::delete_topic(env::Task& task, const std::string& name) {
  kafka::DeleteTopicsRequest request;
  request.timeout_ms = static_cast<std::int32_t>(client_.config().request_timeout.ms());
  auto connection = client_.controller(task);
  const auto version = connection ? (*connection)->version_for(kafka::ApiKey::delete_topics)
                                  : std::optional<std::int16_t>();
  request.topic_names.push_back(name);
  if (version && *version >= 6) {
    kafka::DeleteTopicsRequest::Topic topic;
    topic.name = name;
    request.topics.push_back(std::move(topic));
  }
  return change(task, request, "topic \"" + name + "\"",
                [&](const kafka::DeleteTopicsResponse& answer, Done& done) {
                  for (const auto& outcome : answer.topics) {
                    if (outcome.name != name) continue;
                    done.topic_id = outcome.topic_id;
                    if (outcome.error_message && outcome.error != WireError::none) {
                      done.error = Error(ErrorCode::invalid, *outcome.error_message);
                    }
                    return outcome.error;
                  }
                  return WireError::unknown_server_error;
                });
}

Result<std::vector<TopicInfo>> Admin::list_topics(env::Task& task, bool internal) {
  const Instant until = client_.now() + client_.config().api_timeout;
  const env::DeadlineScope scope(task, until);
  const Key key = kAdmin.with(++calls_);
  for (std::uint32_t failures = 1;; ++failures) {
    const Result<void> asked = client_.refresh(task, {}, true);
    if (asked) break;
    if (asked.error() == ErrorCode::cancelled) return std::unexpected(asked.error());
    TRY(client_.pause(task, key, failures, until, asked.error()));
  }
  std::vector<TopicInfo> out;
  for (const auto& [name, topic] : client_.metadata().topics()) {
    if (internal || !topic.internal) out.push_back(topic);
  }
  return out;
}

Result<TopicInfo> Admin::describe_topic(env::Task& task, const std::string& name) {
  const Instant until = client_.now() + client_.config().api_timeout;
  const env::DeadlineScope scope(task, until);
  const Key key = kAdmin.with(++calls_);
  for (std::uint32_t failures = 1;; ++failures) {
    const Result<void> asked = client_.refresh(task, {name});
    if (asked) break;
    if (asked.error() == ErrorCode::cancelled) return std::unexpected(asked.error());
    TRY(client_.pause(task, key, failures, until, asked.error()));
  }
  const TopicInfo* info = TRY(client_.topic(task, name));
  return *info;
}

// One request to each leader. False when something is left that another try may bring.
bool Admin::list_offsets_once(env::Task& task, Listed& out, std::int64_t timestamp,
                              Isolation isolation) {
  bool complete = true;
  std::map<NodeId, kafka::ListOffsetsRequest> requests;
  for (auto& [at, listed] : out) {
    if (listed.offset.value() >= 0 || (listed.error && !kafka::is_retriable(listed.wire))) continue;
    const BrokerInfo* leader = client_.metadata().leader(at.topic, at.partition);
    if (leader == nullptr) {
      complete = false;
      const bool known = client_.metadata().partition(at.topic, at.partition) != nullptr;
      listed.wire = known ? WireError::leader_not_available : WireError::unknown_topic_or_partition;
      listed.error = to_error(listed.wire, at.to_string());
      continue;
    }
    kafka::ListOffsetsRequest& request = requests[leader->id];
    request.isolation_level = static_cast<std::int8_t>(isolation);
    if (request.topics.empty() || request.topics.back().name != at.topic) {
      request.topics.emplace_back().name = at.topic;
    }
    auto& entry = request.topics.back().partitions.emplace_back();
    entry.index = at.partition;
    entry.timestamp = timestamp;
  }
  for (const auto& [node, request] : requests) {
    const BrokerInfo* broker = client_.metadata().broker(node);
    const env::Endpoint to = broker == nullptr ? env::Endpoint{} : broker->at;
    auto answer = client_.call(task, to, request);
    for (const auto& topic : request.topics) {
      for (const auto& partition : topic.partitions) {
        ListedOffset& listed = out[{topic.name, partition.index}];
        listed.wire = WireError::network_exception;
        listed.error = answer ? Error(ErrorCode::corrupt, "an answer without the partition")
                              : answer.error().error;
      }
    }
    if (!answer) {
      complete = false;
      continue;
    }
    for (const auto& topic : answer->body.topics) {
      for (const auto& partition : topic.partitions) {
        const auto entry = out.find({topic.name, partition.index});
        if (entry == out.end()) continue;
        entry->second = {.offset = partition.offset,
                         .timestamp_ms = partition.timestamp,
                         .epoch = partition.leader_epoch,
                         .error = {},
                         .wire = partition.error};
        if (partition.error == WireError::none) continue;
        entry->second.error = to_error(partition.error, entry->first.to_string());
        entry->second.offset = Offset(-1);
        if (kafka::is_retriable(partition.error)) complete = false;
      }
    }
  }
  return complete;
}

Result<std::map<TopicPartition, ListedOffset>> Admin::list_offsets(
    env::Task& task, const std::vector<TopicPartition>& partitions, std::int64_t timestamp,
    Isolation isolation) {
  const Instant until = client_.now() + client_.config().api_timeout;
  const env::DeadlineScope scope(task, until);
  const Key key = kAdmin.with(++calls_);
  Listed out;
  std::set<std::string> topics;
  for (const TopicPartition& at : partitions) {
    out[at] = {};
    topics.insert(at.topic);
  }
  const std::vector<std::string> names(topics.begin(), topics.end());
  for (std::uint32_t failures = 1;; ++failures) {
    Error why(ErrorCode::not_available, "offsets");
    const Result<void> refreshed = client_.refresh(task, names);
    if (refreshed && list_offsets_once(task, out, timestamp, isolation)) return out;
    if (!refreshed) why = refreshed.error();
    if (why == ErrorCode::cancelled) return std::unexpected(why);
    if (!client_.pause(task, key, failures, until, why)) {
      if (!refreshed) return std::unexpected(why);
      return out;
    }
  }
}

Result<ClusterInfo> Admin::describe_cluster_once(env::Task& task) {
  const auto connection = TRY(client_.any_broker(task));
  ClusterInfo out;
  if (!connection->version_for(kafka::ApiKey::describe_cluster)) {
    // Metadata tells all of it too.
    TRY(client_.refresh(task, {}));
    out.id = client_.metadata().cluster_id();
    out.controller = client_.metadata().controller();
    for (const auto& [id, broker] : client_.metadata().brokers()) out.brokers.push_back(broker);
    return out;
  }
  const auto answer =
      connection->call(task, kafka::DescribeClusterRequest(), client_.config().request_timeout);
  if (!answer) return std::unexpected(answer.error().error);
  if (answer->body.error != WireError::none) {
    return std::unexpected(to_error(answer->body.error, "the cluster"));
  }
  out.id = answer->body.cluster_id;
  out.controller = answer->body.controller_id;
  for (const auto& broker : answer->body.brokers) {
    out.brokers.push_back(
        {.id = broker.broker_id,
         .at = {.host = broker.host, .port = static_cast<std::uint16_t>(broker.port)},
         .rack = broker.rack});
  }
  return out;
}

Result<ClusterInfo> Admin::describe_cluster(env::Task& task) {
  const Instant until = client_.now() + client_.config().api_timeout;
  const env::DeadlineScope scope(task, until);
  const Key key = kAdmin.with(++calls_);
  for (std::uint32_t failures = 1;; ++failures) {
    Result<ClusterInfo> described = describe_cluster_once(task);
    if (described || described.error() == ErrorCode::cancelled) return described;
    TRY(client_.pause(task, key, failures, until, described.error()));
  }
}

}  // namespace flux::client
