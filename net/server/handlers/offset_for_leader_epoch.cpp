#include "net/kafka/gen/offset_for_leader_epoch.h"

#include "core/broker/leader_epoch.h"
#include "net/server/convert.h"

namespace flux::server {

namespace {

using Request = kafka::OffsetForLeaderEpochRequest;
using Response = kafka::OffsetForLeaderEpochResponse;

Response::Partition answer(env::Task& task, Context& context, const controller::TopicState* topic,
                           const Request::Partition& wanted, Instant until) {
  Response::Partition out;
  out.index = wanted.index;
  if (topic == nullptr) {
    out.error = kafka::WireError::unknown_topic_or_partition;
    return out;
  }
  const auto partition =
      context.broker.partition(*topic, wanted.index, wanted.current_leader_epoch);
  if (!partition) {
    out.error = to_wire(partition.error());
    return out;
  }
  const auto end =
      broker::find_end_of_epoch(task, context.broker, *partition, wanted.leader_epoch, until);
  if (!end) {
    out.error = to_wire(end.error());
  } else if (*end) {
    out.leader_epoch = (*end)->epoch;
    out.end_offset = (*end)->end;
  }
  return out;
}

}  // namespace

Result<Reply> handle_offset_for_leader_epoch(env::Task& task, Context& context) {
  const auto request = TRY(decode<Request>(context));
  const Instant until = context.broker.patience_end();
  Response response;
  for (const Request::Topic& topic : request.topics) {
    const auto state = context.broker.image()->topic(topic.name);
    Response::Topic& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const Request::Partition& partition : topic.partitions) {
      out.partitions.push_back(answer(task, context, state.get(), partition, until));
      env::yield_if_due(task);
    }
  }
  return reply(context, response);
}

}  // namespace flux::server
