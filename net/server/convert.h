// Between messages and the broker: what every handler needs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/broker/fault.h"
#include "core/controller/decisions.h"
#include "net/kafka/errors.h"
#include "net/kafka/gen/each_error.h"
#include "net/server/context.h"

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

template <class Request>
Result<Request> decode(Context& context) {
  Request request = TRY(Request::decode(context.body, context.header.api_version));
  if (context.body.remaining() != 0) {
    return fail(ErrorCode::invalid, "bytes after the end of the request");
  }
  return request;
}

// Writes frame and header, `response` in the given version, and what it refers to.
template <class Response>
Result<Reply> reply(const Context& context, const Response& response, std::int16_t version,
                    std::shared_ptr<const void> owner = nullptr) {
  const kafka::ApiInfo* api = kafka::find_api(context.header.api_key);
  CHECK(api != nullptr);
  Reply out;
  out.bytes.begin_frame();
  wire::write_response_header(out.bytes, context.header.correlation_id,
                              kafka::response_header_version(*api, version));
  const auto count = [&context](kafka::WireError error) {
    if (error != kafka::WireError::none) context.metrics.failed(context.header.api_key, error);
  };
  if constexpr (requires { each_error(response, count); }) each_error(response, count);
  TRY(response.encode(out.bytes, version));
  out.bytes.end_frame();
  TRY(out.bytes.status());
  out.owner = std::move(owner);
  return out;
}

template <class Response>
Result<Reply> reply(const Context& context, const Response& response,
                    std::shared_ptr<const void> owner = nullptr) {
  return reply(context, response, context.header.api_version, std::move(owner));
}

}  // namespace flux::server
