#include "net/kafka/gen/describe_log_dirs.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "core/broker/describe.h"
#include "net/server/convert.h"

namespace flux::server {

namespace {

using Request = kafka::DescribeLogDirsRequest;
using Response = kafka::DescribeLogDirsResponse;
using Wanted = std::vector<
    std::pair<std::shared_ptr<const controller::TopicState>, std::vector<PartitionIndex>>>;

// What is asked for and does not exist is left out.
Wanted find_all(env::Task& task, const Context& context, const Request& request) {
  const auto image = context.broker.image();
  Wanted out;
  if (request.topics) {
    std::set<std::pair<std::string_view, PartitionIndex>> once;
    for (const Request::Topic& topic : *request.topics) {
      auto state = image->topic(topic.topic);
      if (state == nullptr) continue;
      auto& [ours, indices] = out.emplace_back(state, std::vector<PartitionIndex>());
      for (const PartitionIndex index : topic.partitions) {
        if (once.emplace(topic.topic, index).second) indices.push_back(index);
        env::yield_if_due(task);
      }
    }
    return out;
  }
  for (const auto& [name, topic] : image->topics) {
    auto& [state, indices] = out.emplace_back(topic, std::vector<PartitionIndex>());
    for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
      indices.push_back(PartitionIndex(static_cast<std::int32_t>(i)));
    }
    env::yield_if_due(task);
  }
  return out;
}

std::int64_t clamp(std::uint64_t bytes) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(bytes, INT64_MAX));
}

}  // namespace

// The one data directory that there is.
Result<Reply> handle_describe_log_dirs(env::Task& task, Context& context) {
  const auto request = TRY(decode<Request>(task, context));
  const auto use = broker::directory_use(task, context.broker, find_all(task, context, request),
                                         context.broker.patience_end());
  Response response;
  Response::Directory& out = response.results.emplace_back();
  out.log_dir = context.broker.config().data_directory;
  if (!use) {
    out.error = kafka::WireError::kafka_storage_error;
    return reply(task, context, response);
  }
  out.total_bytes = clamp(use->space.total_bytes);
  out.usable_bytes = clamp(use->space.free_bytes);
  for (const broker::TopicSize& topic : use->topics) {
    if (topic.partitions.empty()) continue;
    Response::Topic& sizes = out.topics.emplace_back();
    sizes.name = topic.topic;
    for (const broker::PartitionSize& size : topic.partitions) {
      sizes.partitions.push_back(
          {.partition_index = size.index, .partition_size = clamp(size.bytes)});
    }
    env::yield_if_due(task);
  }
  return reply(task, context, response);
}

}  // namespace flux::server
