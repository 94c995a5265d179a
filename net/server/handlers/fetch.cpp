#include "core/broker/fetch.h"

#include <algorithm>
#include <memory>

#include "core/base/mark.h"
#include "net/kafka/gen/fetch.h"
#include "net/server/convert.h"

namespace flux::server {

namespace {

using Request = kafka::FetchRequest;
using Response = kafka::FetchResponse;
using broker::FaultKind;

constexpr std::int16_t kZstdFrom = 10;
constexpr std::int16_t kTopicIdsFrom = 13;
constexpr std::int8_t kReadCommitted = 1;

broker::Outcome<std::shared_ptr<broker::Partition>> find(Context& context,
                                                         const controller::TopicState* topic,
                                                         const Request::Partition& wanted) {
  if (topic == nullptr) {
    return broker::fault(context.header.api_version >= kTopicIdsFrom
                             ? FaultKind::unknown_topic_id
                             : FaultKind::unknown_topic_or_partition);
  }
  auto found = context.broker.partition(*topic, wanted.index, wanted.current_leader_epoch);
  if (!found || context.header.api_version >= kZstdFrom) return found;
  // A topic that compresses with zstd is not for clients from before it.
  const auto& compression = (*found)->config().compression;
  if (compression && compression->codec == record::Codec::zstd) {
    return broker::fault(FaultKind::unsupported_codec);
  }
  return found;
}

std::vector<broker::FetchPartition> find_all(Context& context, const Request& request) {
  std::vector<broker::FetchPartition> out;
  const auto image = context.broker.image();
  for (const Request::Topic& topic : request.topics) {
    const auto state = context.header.api_version >= kTopicIdsFrom ? image->topic(topic.topic_id)
                                                                   : image->topic(topic.name);
    for (const Request::Partition& partition : topic.partitions) {
      out.push_back({.partition = find(context, state.get(), partition),
                     .from = partition.fetch_offset,
                     .bytes_max = partition.partition_max_bytes});
    }
  }
  return out;
}

Response::Partition answer_of(const broker::Fetched& fetched, const Request& request) {
  Response::Partition out;
  out.high_watermark = Offset(-1);
  out.records = wire::Records(ByteView());
  if (fetched.fault) {
    out.error = to_wire(*fetched.fault);
    // Kafka's clients know what to do about a fetch that failed, but not about one that timed out.
    if (fetched.fault->kind == FaultKind::timed_out) {
      out.error = kafka::WireError::kafka_storage_error;
    }
    return out;
  }
  out.high_watermark = fetched.status.high_watermark;
  out.last_stable_offset = fetched.status.high_watermark;
  out.log_start_offset = fetched.status.log_start;
  if (request.isolation_level == kReadCommitted) out.aborted_transactions.emplace();
  if (fetched.slice.empty()) return out;
  if (fetched.slice.bytes) {
    out.records = wire::Records(ByteView(*fetched.slice.bytes));
  } else {
    out.records = wire::Records(wire::FileRange{.file = fetched.slice.file.get(),
                                                .offset = fetched.slice.position,
                                                .length = fetched.slice.length});
  }
  return out;
}

// This broker keeps no sessions: it says so by answering session id 0, and a client that names one
// all the same is told to begin anew.
bool names_session(const Request& request) {
  return request.session_id != 0 || request.session_epoch > 0;
}

}  // namespace

Result<Reply> handle_fetch(env::Task& task, Context& context) {
  const auto request = TRY(decode<Request>(context));
  Response response;
  if (names_session(request) && request.session_epoch > 0) {
    REACHED("server.fetch_session_unknown");
    response.error = kafka::WireError::fetch_session_id_not_found;
    return reply(context, response);
  }
  auto wanted = find_all(context, request);
  context.turn.pass();
  const Duration wanted_wait = milliseconds(std::max(0, request.max_wait_ms));
  const broker::FetchLimits limits{.wait_max = std::min(wanted_wait, context.config.fetch_wait_max),
                                   .bytes_min = request.min_bytes,
                                   .bytes_max = request.max_bytes};
  const auto fetched = std::make_shared<const std::vector<broker::Fetched>>(
      broker::fetch(task, context.broker, std::move(wanted), limits));
  std::size_t next = 0;
  for (const Request::Topic& topic : request.topics) {
    Response::Topic& out = response.topics.emplace_back();
    out.name = topic.name;
    out.topic_id = topic.topic_id;
    for (const Request::Partition& partition : topic.partitions) {
      Response::Partition answer = answer_of((*fetched)[next++], request);
      answer.index = partition.index;
      out.partitions.push_back(std::move(answer));
    }
  }
  return reply(context, response, fetched);
}

}  // namespace flux::server
