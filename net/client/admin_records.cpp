// Deleting the front of partitions: one request to each leader, tried again for those that another
// try may bring, since deleting twice is deleting once.
#include "net/client/admin.h"
#include "net/client/errors.h"

namespace flux::client {

using kafka::WireError;

namespace {
constexpr Key kAdminRecords = key("client.admin.records");

bool settled(const DeletedRecords& one) {
  return one.ok() || (one.error && !kafka::is_retriable(one.wire));
}
}  // namespace

std::map<NodeId, kafka::DeleteRecordsRequest> Admin::requests_to_delete(const BeforeOffsets& before,
                                                                        Deleted& out) {
  std::map<NodeId, kafka::DeleteRecordsRequest> requests;
  for (auto& [at, deleted] : out) {
    if (settled(deleted)) continue;
    const BrokerInfo* leader = client_.metadata().leader(at.topic, at.partition);
    if (leader == nullptr) {
      const bool known = client_.metadata().partition(at.topic, at.partition) != nullptr;
      deleted.wire =
          known ? WireError::leader_not_available : WireError::unknown_topic_or_partition;
      deleted.error = to_error(deleted.wire, at.to_string());
      continue;
    }
    kafka::DeleteRecordsRequest& request = requests[leader->id];
    request.timeout_ms = static_cast<std::int32_t>(client_.config().request_timeout.ms());
    if (request.topics.empty() || request.topics.back().name != at.topic) {
      request.topics.emplace_back().name = at.topic;
    }
    auto& entry = request.topics.back().partitions.emplace_back();
    entry.index = at.partition;
    entry.offset = before.at(at);
  }
  return requests;
}

void Admin::delete_records_of(env::Task& task, NodeId leader,
                              const kafka::DeleteRecordsRequest& request, Deleted& out) {
  const BrokerInfo* broker = client_.metadata().broker(leader);
  const env::Endpoint to = broker == nullptr ? env::Endpoint{} : broker->at;
  auto answer = client_.call(task, to, request);
  const bool sent = answer || answer.error().sent;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      DeletedRecords& deleted = out[{topic.name, partition.index}];
      deleted.tries += sent ? 1 : 0;
      deleted.wire = WireError::network_exception;
      deleted.error = answer ? Error(ErrorCode::corrupt, "an answer without the partition")
                             : answer.error().error;
    }
  }
  if (!answer) return;
  for (const auto& topic : answer->body.topics) {
    for (const auto& partition : topic.partitions) {
      const auto entry = out.find({topic.name, partition.index});
      if (entry == out.end()) continue;
      entry->second.wire = partition.error;
      entry->second.error.reset();
      entry->second.start = partition.low_watermark;
      if (partition.error == WireError::none) continue;
      entry->second.error = to_error(partition.error, entry->first.to_string());
    }
  }
}

Admin::Deleted Admin::delete_records(env::Task& task, const BeforeOffsets& before) {
  const Instant until = client_.now() + client_.config().api_timeout;
  const env::DeadlineScope scope(task, until);
  const Key key = kAdminRecords.with(++calls_);
  Deleted out;
  std::vector<std::string> names;
  for (const auto& [at, offset] : before) {
    out[at] = {};
    if (names.empty() || names.back() != at.topic) names.push_back(at.topic);
  }
  for (std::uint32_t failures = 1;; ++failures) {
    Error why(ErrorCode::not_available, "deleting records");
    const Result<void> refreshed = client_.refresh(task, names);
    if (refreshed) {
      for (const auto& [leader, request] : requests_to_delete(before, out)) {
        delete_records_of(task, leader, request, out);
      }
    } else {
      why = refreshed.error();
    }
    bool complete = true;
    for (auto& [at, deleted] : out) {
      if (!deleted.ok() && !deleted.error) deleted.error = why;
      complete = complete && settled(deleted);
      if (!settled(deleted)) why = *deleted.error;
    }
    if (complete || why == ErrorCode::cancelled) return out;
    if (!client_.pause(task, key, failures, until, why)) return out;
  }
}

}  // namespace flux::client
