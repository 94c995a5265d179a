#include "core/broker/delete_records.h"

#include <algorithm>

#include "net/kafka/gen/delete_records.h"
#include "net/server/convert.h"

namespace flux::server {

namespace {

using Request = kafka::DeleteRecordsRequest;
using Response = kafka::DeleteRecordsResponse;

constexpr Offset kNoLowWatermark{-1};

Response::Partition answer(env::Task& task, Context& context, const controller::TopicState* topic,
                           const Request::Partition& wanted, Instant until) {
  Response::Partition out{.index = wanted.index, .low_watermark = kNoLowWatermark};
  if (topic == nullptr) {
    out.error = kafka::WireError::unknown_topic_or_partition;
    return out;
  }
  const auto partition = context.broker.partition(*topic, wanted.index);
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
  const auto request = TRY(decode<Request>(context));
  const Instant until =
      std::min(context.broker.patience_end(),
               context.env.clock.now() + milliseconds(std::max(0, request.timeout_ms)));
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
