#include "net/kafka/gen/describe_producers.h"

#include <set>
#include <string_view>
#include <utility>

#include "core/broker/describe.h"
#include "net/server/convert.h"
#include "net/server/each_partition.h"

namespace flux::server {

namespace {

using Request = kafka::DescribeProducersRequest;
using Response = kafka::DescribeProducersResponse;

Response::Partition answer(env::Task& task, Context& context, const controller::TopicState* topic,
                           PartitionIndex index, Instant until) {
  Response::Partition out;
  out.partition_index = index;
  const auto partition = find_partition(context, topic, index);
  if (!partition) {
    out.error = to_wire(partition.error());
    out.error_message = text_or_null(partition.error().detail);
    return out;
  }
  const auto producers = broker::remembered_producers(task, context.broker, *partition, until);
  if (!producers) {
    out.error = to_wire(producers.error());
    out.error_message = text_or_null(producers.error().detail);
    return out;
  }
  for (const broker::RememberedProducer& producer : *producers) {
    out.active_producers.push_back({.producer_id = producer.id,
                                    .producer_epoch = producer.epoch.value(),
                                    .last_sequence = producer.last_sequence.value(),
                                    .last_timestamp = producer.last_timestamp.value(),
                                    .coordinator_epoch = -1,
                                    .current_txn_start_offset = -1});
    env::yield_if_due(task);
  }
  return out;
}

}  // namespace

Result<Reply> handle_describe_producers(env::Task& task, Context& context) {
  const auto request = TRY(decode<Request>(task, context));
  const Instant until = context.broker.patience_end();
  // An answer is no larger than what there is.
  std::set<std::pair<std::string_view, PartitionIndex>> once;
  const auto answer_one = [&](const Request::Topic& topic, const controller::TopicState* state,
                              PartitionIndex wanted) {
    if (once.emplace(topic.name, wanted).second) {
      return answer(task, context, state, wanted, until);
    }
    return Response::Partition{.partition_index = wanted,
                               .error = kafka::WireError::invalid_request,
                               .error_message = "The partition is named twice."};
  };
  return reply(task, context,
               answer_each_partition<Response>(task, context, request.topics,
                                               &Request::Topic::partition_indexes, answer_one));
}

}  // namespace flux::server
