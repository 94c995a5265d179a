#include "net/kafka/gen/offset_for_leader_epoch.h"

#include "core/broker/leader_epoch.h"
#include "net/server/convert.h"
#include "net/server/each_partition.h"

namespace flux::server {

namespace {

using Request = kafka::OffsetForLeaderEpochRequest;
using Response = kafka::OffsetForLeaderEpochResponse;

Response::Partition answer(env::Task& task, Context& context, const controller::TopicState* topic,
                           const Request::Partition& wanted, Instant until) {
  Response::Partition out;
  out.index = wanted.index;
  const auto partition = find_partition(context, topic, wanted.index, wanted.current_leader_epoch);
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
  const auto request = TRY(decode<Request>(task, context));
  const Instant until = context.broker.patience_end();
  const auto answer_one = [&](const Request::Topic&, const controller::TopicState* state,
                              const Request::Partition& wanted) {
    return answer(task, context, state, wanted, until);
  };
  return reply(task, context,
               answer_each_partition<Response>(task, context, request.topics,
                                               &Request::Topic::partitions, answer_one));
}

}  // namespace flux::server
