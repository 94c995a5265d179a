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
constexpr std::int16_t kLeaderHintsFrom = 16;  // KIP-951
constexpr std::int8_t kReadCommitted = 1;
constexpr Key kSessionId = key("server.fetch_session");

// About what a partition takes while a fetch of it waits, and in the answer.
constexpr std::size_t kWishMemory = 400;
// Of all wishes of a request: what consumers of some hundreds of partitions have.
constexpr std::size_t kWishesUnasked = std::size_t{256} << 10;
// A fetch that holds memory which others may wait for waits no longer; clients themselves want half
// a second (fetch.max.wait.ms).
constexpr Duration kLargeWaitMax = seconds(2);

bool by_id(const Context& context) { return context.header.api_version >= kTopicIdsFrom; }

// Followers name themselves in one of two places, consumers in neither.
bool from_follower(const Request& request) {
  return request.replica_id.value() >= 0 || request.replica_state.replica_id.value() >= 0;
}

// Of the topic; each partition has its index beside it.
template <class Topic>
FetchKey key_of(const Context& context, const Topic& topic) {
  if (by_id(context)) return {.topic_id = topic.topic_id, .topic = {}, .index = {}};
  return {.topic_id = {}, .topic = topic.name, .index = {}};
}

FetchSessionRequest session_request(env::Task& task, const Context& context,
                                    const Request& request) {
  FetchSessionRequest out{.session_id = request.session_id,
                          .epoch = request.session_epoch,
                          .names_by_id = by_id(context),
                          .follower = from_follower(request)};
  Steps steps(task);
  for (const Request::Topic& topic : request.topics) {
    FetchKey key = key_of(context, topic);
    for (const Request::Partition& partition : topic.partitions) {
      key.index = partition.index;
      out.wishes.push_back({.key = key,
                            .offset = partition.fetch_offset,
                            .bytes_max = partition.partition_max_bytes,
                            .current_leader_epoch = partition.current_leader_epoch,
                            .last_fetched_epoch = partition.last_fetched_epoch});
      steps.step();
    }
  }
  for (const Request::ForgottenTopic& topic : request.forgotten_topics) {
    FetchKey key = key_of(context, topic);
    for (const PartitionIndex index : topic.partitions) {
      key.index = index;
      out.forgotten.push_back(key);
      steps.step();
    }
  }
  return out;
}

broker::Outcome<std::shared_ptr<broker::Partition>> find(Context& context,
                                                         const controller::TopicState* topic,
                                                         const FetchWish& wish, bool follower) {
  if (topic == nullptr) {
    return broker::fault(by_id(context) ? FaultKind::unknown_topic_id
                                        : FaultKind::unknown_topic_or_partition);
  }
  auto found = context.broker.partition(*topic, wish.key.index, wish.current_leader_epoch);
  // No partition has a follower yet.
  if (found && follower) return broker::fault(FaultKind::not_leader);
  if (!found || context.header.api_version >= kZstdFrom) return found;
  // A topic that compresses with zstd is not for clients from before it.
  const auto& compression = (*found)->config().compression;
  if (compression && compression->codec == record::Codec::zstd) {
    return broker::fault(FaultKind::unsupported_codec);
  }
  return found;
}

std::vector<broker::FetchPartition> find_all(env::Task& task, Context& context,
                                             const FetchPlan& plan) {
  std::vector<broker::FetchPartition> out;
  Steps steps(task);
  const auto image = context.broker.image();
  std::shared_ptr<const controller::TopicState> topic;
  const FetchWish* last = nullptr;
  for (const FetchWish& wish : plan.wishes) {
    const bool same_topic = last != nullptr && last->key.topic_id == wish.key.topic_id &&
                            last->key.topic == wish.key.topic;
    if (!same_topic) {
      topic =
          by_id(context) ? image->topic(wish.key.topic_id) : image->topic(wish.key.topic.view());
    }
    last = &wish;
    out.push_back({.partition = find(context, topic.get(), wish, plan.follower),
                   .from = wish.offset,
                   .bytes_max = wish.bytes_max,
                   .last_fetched_epoch = wish.last_fetched_epoch});
    steps.step();
  }
  return out;
}

// What a failed partition says, and a diverged one but for its watermarks.
Response::Partition without_records(PartitionIndex index, kafka::WireError error) {
  Response::Partition out;
  out.index = index;
  out.error = error;
  out.high_watermark = Offset(-1);
  out.records = wire::Records(ByteView());
  return out;
}

kafka::WireError error_of(const broker::Fault& fault) {
  // Kafka's clients know what to do about a fetch that failed, but not about one that timed out.
  return fault.kind == FaultKind::timed_out ? kafka::WireError::kafka_storage_error
                                            : to_wire(fault);
}

Response::Partition answer_of(const broker::Fetched& fetched, PartitionIndex index,
                              std::int8_t isolation_level) {
  if (fetched.fault) return without_records(index, error_of(*fetched.fault));
  Response::Partition out = without_records(index, kafka::WireError::none);
  out.high_watermark = fetched.status.high_watermark;
  out.last_stable_offset = fetched.status.high_watermark;
  out.log_start_offset = fetched.status.log_start;
  if (isolation_level == kReadCommitted) out.aborted_transactions.emplace();
  if (fetched.diverged) {
    out.diverging_epoch = {.epoch = fetched.diverged->epoch, .end_offset = fetched.diverged->end};
  }
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

void add_leader(const Context& context, const FetchKey& key, Response& response,
                Response::Partition& answer) {
  const bool wrong_leader = answer.error == kafka::WireError::not_leader_or_follower ||
                            answer.error == kafka::WireError::fenced_leader_epoch;
  if (context.header.api_version < kLeaderHintsFrom || !wrong_leader) return;
  const auto image = context.broker.image();
  name_leader(context, *image, image->topic(key.topic_id).get(), key.index, answer, response);
}

std::vector<FetchFound> found_in(env::Task& task, const std::vector<broker::Fetched>& fetched) {
  std::vector<FetchFound> out;
  Steps steps(task);
  for (const broker::Fetched& one : fetched) {
    steps.step();
    FetchFound& found = out.emplace_back();
    found.failed = one.fault.has_value();
    if (found.failed) continue;
    found.diverged = one.diverged.has_value();
    found.records = one.size() > 0;
    found.high_watermark = one.status.high_watermark;
    found.log_start = one.status.log_start;
  }
  return out;
}

FetchSessionAnswer end_session(env::Task& task, Context& context, const FetchPlan& plan,
                               const std::vector<broker::Fetched>& fetched) {
  const Key drawn = kSessionId.with(context.header.client_id.value_or(""))
                        .with(static_cast<std::uint64_t>(context.header.correlation_id));
  const auto draw_id = [&](std::uint64_t number) {
    return static_cast<std::int32_t>(
        1 + context.env.random.draw(drawn.with(number), static_cast<std::uint64_t>(INT32_MAX)));
  };
  const auto found = found_in(task, fetched);
  return context.fetch_sessions.end(context.env.clock.now(), plan, found, draw_id);
}

}  // namespace

Result<Reply> handle_fetch(env::Task& task, Context& context) {
  const auto request = TRY(decode<Request>(task, context));
  Response response;
  auto session_wish = session_request(task, context, request);
  const auto plan = context.fetch_sessions.begin(context.env.clock.now(), std::move(session_wish));
  if (!plan) {
    response.error = plan.error();
    return reply(task, context, response);
  }
  if (const std::size_t memory = plan->wishes.size() * kWishMemory; memory > kWishesUnasked) {
    TRY(context.claim.take(task, memory));
  }
  auto wanted = find_all(task, context, *plan);
  context.turn.pass();
  const Duration wanted_wait = milliseconds(std::max(0, request.max_wait_ms));
  const Duration longest = context.claim.holds() ? kLargeWaitMax : context.config.fetch_wait_max;
  const broker::FetchLimits limits{.wait_max = std::min(wanted_wait, longest),
                                   .bytes_min = request.min_bytes,
                                   .bytes_max = request.max_bytes};
  const auto fetched = std::make_shared<const std::vector<broker::Fetched>>(
      broker::fetch(task, context.broker, std::move(wanted), limits));
  const FetchSessionAnswer session = end_session(task, context, *plan, *fetched);
  response.error = session.error;
  response.session_id = session.session_id;
  const FetchKey* last = nullptr;
  Steps steps(task);
  for (const std::size_t at : session.holds) {
    steps.step();
    const FetchKey& key = plan->wishes[at].key;
    if (last == nullptr || last->topic_id != key.topic_id || last->topic != key.topic) {
      response.topics.push_back(
          {.name = std::string(key.topic.view()), .topic_id = key.topic_id, .partitions = {}});
    }
    last = &key;
    Response::Partition answer = answer_of((*fetched)[at], key.index, request.isolation_level);
    add_leader(context, key, response, answer);
    response.topics.back().partitions.push_back(std::move(answer));
  }
  return reply(task, context, response, fetched);
}

}  // namespace flux::server
