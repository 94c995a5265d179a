#include "core/broker/produce.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "core/base/mark.h"
#include "net/kafka/gen/produce.h"
#include "net/server/convert.h"

namespace flux::server {

namespace {

using Request = kafka::ProduceRequest;
using Response = kafka::ProduceResponse;
using broker::Acks;
using broker::FaultKind;

constexpr std::int16_t kZstdFrom = 7;
constexpr std::int16_t kLeaderHintsFrom = 10;
constexpr std::int16_t kTopicIdsFrom = 13;

bool is_acks(std::int16_t acks) { return acks >= -1 && acks <= 1; }

broker::Outcome<broker::Producing> begin(env::Task& task, Context& context,
                                         const controller::TopicState* topic,
                                         const Request::Partition& wanted,
                                         const broker::ProduceRules& rules) {
  if (topic == nullptr) {
    return broker::fault(context.header.api_version >= kTopicIdsFrom
                             ? FaultKind::unknown_topic_id
                             : FaultKind::unknown_topic_or_partition);
  }
  if (wanted.records.size() == 0) {
    return broker::fault(FaultKind::invalid_record, "a produce request needs one record batch");
  }
  const MutBytes batch = context.frame->writable(wanted.records.bytes());
  return broker::begin_produce(task, context.broker, *topic, wanted.index, batch, context.frame,
                               rules);
}

// In line, in the order of the request: one for each of its partitions.
std::vector<broker::Outcome<broker::Producing>> begin_all(env::Task& task, Context& context,
                                                          const Request& request) {
  std::vector<broker::Outcome<broker::Producing>> out;
  const broker::ProduceRules rules{.acks = static_cast<Acks>(request.acks),
                                   .zstd_allowed = context.header.api_version >= kZstdFrom};
  for (const Request::Topic& topic : request.topics) {
    const auto image = context.broker.image();
    const auto state = context.header.api_version >= kTopicIdsFrom ? image->topic(topic.topic_id)
                                                                   : image->topic(topic.name);
    for (const Request::Partition& partition : topic.partitions) {
      out.push_back(begin(task, context, state.get(), partition, rules));
      env::yield_if_due(task);
    }
  }
  return out;
}

void add_leader(const Context& context, const Request::Topic& asked, Response& response,
                Response::Partition& answer) {
  if (answer.error != kafka::WireError::not_leader_or_follower ||
      context.header.api_version < kLeaderHintsFrom) {
    return;
  }
  const auto image = context.broker.image();
  const auto topic = context.header.api_version >= kTopicIdsFrom ? image->topic(asked.topic_id)
                                                                 : image->topic(asked.name);
  name_leader(context, *image, topic.get(), answer.index, answer, response);
}

void put_fault(Response::Partition& answer, const broker::Fault& fault) {
  answer.error = to_wire(fault);
  answer.base_offset = Offset(-1);
  answer.error_message = text_or_null(fault.detail);
  if (fault.record >= 0) {
    answer.record_errors.push_back(
        {.batch_index = fault.record, .message = text_or_null(fault.detail)});
  }
}

Response::Partition finish(env::Task& task, const broker::Outcome<broker::Producing>& begun,
                           Acks acks, Instant until) {
  Response::Partition answer;
  if (!begun) {
    put_fault(answer, begun.error());
    return answer;
  }
  const auto produced = broker::finish_produce(task, *begun, acks, until);
  if (!produced) {
    put_fault(answer, produced.error());
    return answer;
  }
  answer.base_offset = produced->base_offset;
  answer.log_append_time_ms = produced->log_append_time.value();
  answer.log_start_offset = produced->log_start;
  return answer;
}

Result<Reply> answer_none(const Response& response) {
  for (const Response::Topic& topic : response.topics) {
    for (const Response::Partition& partition : topic.partitions) {
      if (partition.error == kafka::WireError::none) continue;
      REACHED("server.unacknowledged_failure");
      return fail(ErrorCode::closed, fmt::format("a produce request without acknowledgement: {}",
                                                 kafka::name_of(partition.error)));
    }
  }
  Reply out;
  out.none = true;
  return out;
}

}  // namespace

Result<Reply> handle_produce(env::Task& task, Context& context) {
  const auto request = TRY(decode<Request>(task, context));
  const auto acks = static_cast<Acks>(request.acks);
  std::vector<broker::Outcome<broker::Producing>> begun;
  if (is_acks(request.acks) && !request.transactional_id) {
    begun = begin_all(task, context, request);
  }
  context.turn.pass();

  const Instant until =
      acks == Acks::all ? context.env.clock.now() + milliseconds(std::max(0, request.timeout_ms))
                        : context.broker.patience_end();
  Response response;
  std::size_t next = 0;
  for (const Request::Topic& topic : request.topics) {
    Response::Topic& out = response.topics.emplace_back();
    out.name = topic.name;
    out.topic_id = topic.topic_id;
    for (const Request::Partition& partition : topic.partitions) {
      Response::Partition answer{.base_offset = Offset(-1)};
      if (!is_acks(request.acks)) {
        answer.error = kafka::WireError::invalid_required_acks;
      } else if (request.transactional_id) {
        answer.error = kafka::WireError::invalid_txn_state;
      } else {
        answer = finish(task, begun[next++], acks, until);
      }
      answer.index = partition.index;
      add_leader(context, topic, response, answer);
      out.partitions.push_back(std::move(answer));
    }
  }
  return acks == Acks::none ? answer_none(response) : reply(task, context, response);
}

}  // namespace flux::server
