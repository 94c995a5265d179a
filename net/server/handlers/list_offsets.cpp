#include "core/broker/list_offsets.h"

#include <set>
#include <string_view>
#include <utility>

#include "net/kafka/gen/list_offsets.h"
#include "net/server/convert.h"
#include "net/server/each_partition.h"

namespace flux::server {

namespace {

using Request = kafka::ListOffsetsRequest;
using Response = kafka::ListOffsetsResponse;

// The version from which on a client may ask for a place that is no time.
bool may_ask(std::int64_t timestamp, std::int16_t version) {
  switch (timestamp) {
    case broker::kMaxTimestamp:
      return version >= 7;
    case broker::kEarliestLocalTimestamp:
      return version >= 8;
    case broker::kLatestTieredTimestamp:
      return version >= 9;
    case broker::kEarliestPendingUploadTimestamp:
      return version >= 11;
    default:
      return timestamp >= broker::kEarliestTimestamp;
  }
}

Response::Partition answer(env::Task& task, Context& context, const controller::TopicState* topic,
                           const Request::Partition& wanted, Instant until) {
  Response::Partition out{.index = wanted.index};
  if (!may_ask(wanted.timestamp, context.header.api_version)) {
    out.error = kafka::WireError::unsupported_version;
    return out;
  }
  const auto partition = find_partition(context, topic, wanted.index, wanted.current_leader_epoch);
  if (!partition) {
    out.error = to_wire(partition.error());
    return out;
  }
  const auto listed =
      broker::list_offset(task, context.broker, *partition, wanted.timestamp, until);
  if (!listed) {
    out.error = to_wire(listed.error());
    return out;
  }
  out.timestamp = listed->timestamp;
  out.offset = listed->offset;
  out.leader_epoch = listed->epoch;
  return out;
}

// Kafka refuses a partition that is asked about twice, each time.
std::set<std::pair<std::string_view, PartitionIndex>> find_twice(const Request& request) {
  std::set<std::pair<std::string_view, PartitionIndex>> once;
  std::set<std::pair<std::string_view, PartitionIndex>> twice;
  for (const Request::Topic& topic : request.topics) {
    for (const Request::Partition& partition : topic.partitions) {
      const std::pair<std::string_view, PartitionIndex> at(topic.name, partition.index);
      if (!once.insert(at).second) twice.insert(at);
    }
  }
  return twice;
}

}  // namespace

Result<Reply> handle_list_offsets(env::Task& task, Context& context) {
  const auto request = TRY(decode<Request>(task, context));
  const Instant until = context.broker.patience_end();
  const auto twice = find_twice(request);
  const auto answer_one = [&](const Request::Topic& topic, const controller::TopicState* state,
                              const Request::Partition& wanted) {
    if (!twice.contains({topic.name, wanted.index})) {
      return answer(task, context, state, wanted, until);
    }
    return Response::Partition{.index = wanted.index, .error = kafka::WireError::invalid_request};
  };
  return reply(task, context,
               answer_each_partition<Response>(task, context, request.topics,
                                               &Request::Topic::partitions, answer_one));
}

}  // namespace flux::server
