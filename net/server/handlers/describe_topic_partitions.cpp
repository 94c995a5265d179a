#include "net/kafka/gen/describe_topic_partitions.h"

#include <algorithm>
#include <set>
#include <string>

#include "net/server/convert.h"

namespace flux::server {

namespace {

using Request = kafka::DescribeTopicPartitionsRequest;
using Response = kafka::DescribeTopicPartitionsResponse;

// By name, of what is named, or of all that there is the next few; the names are the image's or the
// request's. What lies before the cursor was told already.
std::set<std::string_view> names_of(env::Task& task, const controller::Image& image,
                                    const Request& request, std::size_t at_most) {
  std::set<std::string_view> out;
  const std::string_view from =
      request.cursor ? std::string_view(request.cursor->topic_name) : std::string_view();
  if (request.topics.empty()) {
    auto at = image.topics.lower_bound(from);
    for (; at != image.topics.end() && out.size() < at_most; ++at) out.insert(at->first);
  }
  Steps steps(task);
  for (const Request::Topic& topic : request.topics) {
    if (topic.name >= from) out.insert(topic.name);
    steps.step();
  }
  return out;
}

// About what a partition takes in an answer that is made, and in its bytes.
constexpr std::size_t kPartitionMemory = 384;

Response::Partition describe(const controller::Image& image,
                             const controller::PartitionState& partition, std::size_t index) {
  Response::Partition out;
  out.error =
      partition.leader == kNoNode ? kafka::WireError::leader_not_available : kafka::WireError::none;
  out.index = PartitionIndex(static_cast<std::int32_t>(index));
  out.leader_id = partition.leader;
  out.leader_epoch = partition.leader_epoch;
  out.replica_nodes = partition.replicas;
  out.isr_nodes = partition.isr;
  out.eligible_leader_replicas.emplace();
  out.last_known_elr.emplace();
  out.offline_replicas = offline_replicas(image, partition);
  return out;
}

Response::Topic missing(std::string_view name, kafka::WireError error) {
  Response::Topic out;
  out.error = error;
  out.name = name;
  return out;
}

// A cursor before the first partition.
Response refuse(const Request& request) {
  Response response;
  for (const Request::Topic& topic : request.topics) {
    response.topics.push_back(missing(topic.name, kafka::WireError::invalid_request));
  }
  return response;
}

}  // namespace

Result<Reply> handle_describe_topic_partitions(env::Task& task, Context& context) {
  const auto request = TRY(decode<Request>(task, context));
  if (request.cursor && request.cursor->partition_index.value() < 0) {
    return reply(task, context, refuse(request));
  }
  const auto image = context.broker.image();
  const std::int32_t most =
      std::min(request.response_partition_limit, context.config.described_partitions_max);
  auto left = static_cast<std::size_t>(std::max(most, 1));
  TRY(context.claim.take(task, left * kPartitionMemory));
  Steps steps(task);
  Response response;
  // Each that is there takes one of what is left, and the one after them is the next cursor.
  for (const std::string_view name : names_of(task, *image, request, left + 1)) {
    steps.step();
    const bool resumed = request.cursor && request.cursor->topic_name == name;
    std::size_t next =
        resumed ? static_cast<std::size_t>(request.cursor->partition_index.value()) : 0;
    if (left == 0) {
      response.next_cursor.emplace(Response::Cursor{std::string(name), PartitionIndex(0)});
      break;
    }
    const auto topic = image->topic(name);
    if (topic == nullptr) {
      const bool possible = controller::check_topic_name(name).has_value();
      response.topics.push_back(missing(name, possible
                                                  ? kafka::WireError::unknown_topic_or_partition
                                                  : kafka::WireError::invalid_topic_exception));
      continue;
    }
    Response::Topic& out = response.topics.emplace_back();
    out.name = topic->name;
    out.topic_id = topic->id;
    out.is_internal = is_internal_topic(topic->name);
    out.topic_authorized_operations = kTopicOperations;
    for (; next < topic->partitions.size() && left > 0; ++next, --left) {
      out.partitions.push_back(describe(*image, topic->partitions[next], next));
      steps.step();
    }
    if (next < topic->partitions.size()) {
      const PartitionIndex at(static_cast<std::int32_t>(next));
      response.next_cursor.emplace(Response::Cursor{std::string(name), at});
      break;
    }
  }
  return reply(task, context, response);
}

}  // namespace flux::server
