#include "core/broker/delete_records.h"

#include "net/kafka/gen/delete_records.h"
#include "net/server/ask_controller.h"
#include "net/server/convert.h"
#include "net/server/each_partition.h"

namespace flux::server {

namespace {

using Request = kafka::DeleteRecordsRequest;
using Response = kafka::DeleteRecordsResponse;

constexpr Offset kNoLowWatermark{-1};

Response::Partition answer(env::Task& task, Context& context, const controller::TopicState* topic,
                           const Request::Partition& wanted, Instant until) {
  Response::Partition out{.index = wanted.index, .low_watermark = kNoLowWatermark};
  const auto partition = find_partition(context, topic, wanted.index);
  if (!partition) {
    out.error = to_wire(partition.error());
    return out;
  }
  const auto start = broker::delete_records(task, context.broker, *partition, wanted.offset, until);
  if (!start) {
    out.error = to_wire(start.error());
  } else {
    out.low_watermark = *start;
  }
  return out;
}

}  // namespace

Result<Reply> handle_delete_records(env::Task& task, Context& context) {
  const auto request = TRY(decode<Request>(task, context));
  const Instant until = deadline_of(context, request.timeout_ms);
  const auto answer_one = [&](const Request::Topic&, const controller::TopicState* state,
                              const Request::Partition& wanted) {
    return answer(task, context, state, wanted, until);
  };
  return reply(task, context,
               answer_each_partition<Response>(task, context, request.topics,
                                               &Request::Topic::partitions, answer_one));
}

}  // namespace flux::server
