#include "net/kafka/gen/list_config_resources.h"

#include <algorithm>
#include <array>

#include "net/server/convert.h"
#include "net/server/settings.h"

namespace flux::server {

namespace {

using Request = kafka::ListConfigResourcesRequest;
using Response = kafka::ListConfigResourcesResponse;

constexpr std::int16_t kTypesFrom = 1;
constexpr std::array kTypes = {ResourceType::topic, ResourceType::broker,
                               ResourceType::broker_logger, ResourceType::client_metrics,
                               ResourceType::group};

// Of a topic's name, also in the answer's bytes.
constexpr std::size_t kTopicMemory = 128;

}  // namespace

// Of client metrics and groups there are none, and version 0 asks for the former only.
Result<Reply> handle_list_config_resources(env::Task& task, Context& context) {
  const auto request = TRY(decode<Request>(task, context));
  Response response;
  if (context.header.api_version < kTypesFrom) return reply(task, context, response);
  const bool known = std::ranges::all_of(request.resource_types, [](std::int8_t type) {
    return std::ranges::find(kTypes, static_cast<ResourceType>(type)) != kTypes.end();
  });
  if (!known) {
    response.error = kafka::WireError::unsupported_version;
    return reply(task, context, response);
  }
  const auto image = context.broker.image();
  TRY(context.claim.take(task, image->topics.size() * kTopicMemory));
  Steps steps(task);
  for (const ResourceType type : kTypes) {
    const auto number = static_cast<std::int8_t>(type);
    const std::vector<std::int8_t>& asked = request.resource_types;
    if (!asked.empty() && std::ranges::find(asked, number) == asked.end()) continue;
    if (type == ResourceType::topic) {
      for (const auto& [name, topic] : image->topics) {
        response.config_resources.push_back({.resource_name = name, .resource_type = number});
        steps.step();
      }
    } else if (type == ResourceType::broker || type == ResourceType::broker_logger) {
      for (const auto& [id, broker] : image->brokers) {
        response.config_resources.push_back(
            {.resource_name = std::to_string(id.value()), .resource_type = number});
      }
    }
  }
  return reply(task, context, response);
}

}  // namespace flux::server
