// Between messages and the broker: what every handler needs.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/broker/fault.h"
#include "core/controller/decisions.h"
#include "net/kafka/errors.h"
#include "net/kafka/gen/each_error.h"
#include "net/server/context.h"
#include "net/server/pace.h"

namespace flux::server {

kafka::WireError to_wire(const broker::Fault& fault);
kafka::WireError to_wire(const controller::Refusal& refusal);

// Kafka's numbers for the operations that everybody may do, as long as there is no authorizer.
inline constexpr std::int32_t kTopicOperations = 0b1101'1111'1000;
inline constexpr std::int32_t kClusterOperations = 0b1'1111'1010'0000;

inline std::optional<std::string> text_or_null(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

bool is_internal_topic(std::string_view name);
std::vector<NodeId> offline_replicas(const controller::Image& image,
                                     const controller::PartitionState& partition);

// The address of a broker on the listener that the client came in by; null when it has none there.
const controller::BrokerEndpoint* endpoint_of(const controller::RegisterBrokerRecord& broker,
                                              std::string_view listener);

// Tells a client that asked the wrong broker which one is right (KIP-951), where that is known.
template <class Partition, class Response>
void name_leader(const Context& context, const controller::Image& image,
                 const controller::TopicState* topic, PartitionIndex partition, Partition& answer,
                 Response& response) {
  const auto index = static_cast<std::size_t>(partition.value());
  if (topic == nullptr || index >= topic->partitions.size()) return;
  const controller::PartitionState& state = topic->partitions[index];
  answer.current_leader = {.leader_id = state.leader, .leader_epoch = state.leader_epoch};
  const auto node = image.brokers.find(state.leader);
  if (node == image.brokers.end()) return;
  const auto named =
      std::ranges::find(response.node_endpoints, state.leader, &Response::NodeEndpoint::node_id);
  const controller::BrokerEndpoint* endpoint = endpoint_of(node->second, context.listener);
  if (endpoint == nullptr || named != response.node_endpoints.end()) return;
  response.node_endpoints.push_back({.node_id = state.leader,
                                     .host = endpoint->host,
                                     .port = endpoint->port,
                                     .rack = node->second.rack});
}

// A byte of a frame unfolds to at most so many: an empty string of a flexible version is the worst.
inline constexpr std::size_t kDecodedPerByte = 32;
// And what is answered to it takes so many times as much again: about, as FindCoordinator does.
inline constexpr std::size_t kAnsweredPerDecoded = 8;
// A request that unfolds to more is refused, which ends its connection. This is a list of some
// 300,000 partitions or topics; of a produce request, where most of the frame are records, 60,000.
inline constexpr std::size_t kDecodedMax = std::size_t{16} << 20;
inline constexpr std::size_t kProduceDecodedMax = std::size_t{4} << 20;

// The frame goes back to the memory that all connections share, unless the request points into it:
// a fetch may wait for long.
template <class Request>
Result<Request> decode(env::Task& task, Context& context) {
  const bool produce = static_cast<kafka::ApiKey>(Request::kKey) == kafka::ApiKey::produce;
  const std::size_t most =
      std::min(kDecodedPerByte * context.frame->size(), produce ? kProduceDecodedMax : kDecodedMax);
  MessagePace pace(task, context.claim, most * kAnsweredPerDecoded);
  context.body.set_pace(&pace);
  context.body.limit_memory(most, Claim::kUnasked / kAnsweredPerDecoded);
  Request request = TRY(Request::decode(context.body, context.header.api_version));
  context.body.set_pace(nullptr);
  if (context.body.remaining() != 0) {
    return fail(ErrorCode::invalid, "bytes after the end of the request");
  }
  context.claim.shrink(context.body.memory_used() * kAnsweredPerDecoded);
  if (!context.body.lent()) context.drop_frame();
  return request;
}

// Writes frame and header, `response` in the given version, and what it refers to.
template <class Response>
Result<Reply> reply(env::Task& task, const Context& context, const Response& response,
                    std::int16_t version, std::shared_ptr<const void> owner = nullptr) {
  const kafka::ApiInfo* api = kafka::find_api(context.header.api_key);
  CHECK(api != nullptr);
  Reply out;
  MessagePace pace(task, context.claim, 0);
  out.bytes.set_pace(&pace);
  out.bytes.begin_frame();
  wire::write_response_header(out.bytes, context.header.correlation_id,
                              kafka::response_header_version(*api, version));
  Steps steps(task);
  const auto count = [&context, &steps](kafka::WireError error) {
    steps.step();
    if (error != kafka::WireError::none) context.metrics.failed(context.header.api_key, error);
  };
  if constexpr (requires { each_error(response, count); }) each_error(response, count);
  TRY(response.encode(out.bytes, version));
  out.bytes.end_frame();
  out.bytes.set_pace(nullptr);
  TRY(out.bytes.status());
  out.owner = std::move(owner);
  return out;
}

template <class Response>
Result<Reply> reply(env::Task& task, const Context& context, const Response& response,
                    std::shared_ptr<const void> owner = nullptr) {
  return reply(task, context, response, context.header.api_version, std::move(owner));
}

}  // namespace flux::server
