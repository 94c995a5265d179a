#include "net/kafka/gen/api_versions.h"

#include <algorithm>

#include "net/server/convert.h"
#include "net/server/dispatch.h"

namespace flux::server {

namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// [a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?
bool is_software_name(std::string_view name) {
  if (name.empty() || !is_word(name.front()) || !is_word(name.back())) return false;
  return std::ranges::all_of(name, [](char c) { return is_word(c) || c == '-' || c == '.'; });
}

}  // namespace

Result<Reply> handle_api_versions(env::Task& task, Context& context) {
  const auto request = TRY(decode<kafka::ApiVersionsRequest>(task, context));
  kafka::ApiVersionsResponse response;
  if (context.header.api_version >= 3 && (!is_software_name(request.client_software_name) ||
                                          !is_software_name(request.client_software_version))) {
    response.error = kafka::WireError::invalid_request;
    return reply(task, context, response);
  }
  for (const Served& served : served_apis()) {
    const kafka::ApiInfo* api = kafka::find_api(static_cast<std::int16_t>(served.key));
    response.api_keys.push_back({.api_key = static_cast<std::int16_t>(api->key),
                                 .min_version = api->advertised_min,
                                 .max_version = api->advertised_max});
  }
  for (const controller::FeatureRange& feature : context.facts.features) {
    response.supported_features.push_back(
        {.name = feature.name, .min_version = feature.min, .max_version = feature.max});
  }
  const auto image = context.broker.image();
  response.finalized_features_epoch = image->end.value() - 1;
  for (const auto& [name, level] : image->features) {
    response.finalized_features.push_back(
        {.name = name, .max_version_level = level, .min_version_level = level});
  }
  return reply(task, context, response);
}

}  // namespace flux::server
