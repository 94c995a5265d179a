#include "net/kafka/gen/describe_producers.h"

#include "core/broker/describe.h"
#include "net/server/convert.h"

namespace flux::server {

namespace {

using Request = kafka::DescribeProducersRequest;
using Response = kafka::DescribeProducersResponse;

Response::Partition answer(env::Task& task, Context& context, const controller::TopicState* topic,
                           PartitionIndex index, Instant until) {
  Response::Partition out;
  out.partition_index = index;
  if (topic == nullptr) {
    out.error = kafka::WireError::unknown_topic_or_partition;
    return out;
  }
  const auto partition = context.broker.partition(*topic, index);
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
  const auto request = TRY(decode<Request>(context));
  const Instant until = context.broker.patience_end();
  Response response;
  for (const Request::Topic& topic : request.topics) {
    const auto state = context.broker.image()->topic(topic.name);
    Response::Topic& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const PartitionIndex index : topic.partition_indexes) {
      out.partitions.push_back(answer(task, context, state.get(), index, until));
    }
  }
  return reply(context, response);
}

}  // namespace flux::server
