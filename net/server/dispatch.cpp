#include "net/server/dispatch.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/base/mark.h"
#include "net/kafka/gen/api_versions.h"
#include "net/server/convert.h"

namespace flux::server {

namespace {

using kafka::ApiKey;

constexpr std::array kServed = {
    Served{ApiKey::produce, handle_produce,
           "transactions; versions 0-2 are advertised and refused"},
    Served{ApiKey::fetch, handle_fetch, "followers"},
    Served{ApiKey::list_offsets, handle_list_offsets},
    Served{ApiKey::metadata, handle_metadata},
    Served{ApiKey::find_coordinator, handle_find_coordinator, "no coordinator yet, so no groups"},
    Served{ApiKey::describe_groups, handle_describe_groups, "no groups yet: each is dead"},
    Served{ApiKey::list_groups, handle_list_groups, "no groups yet: the list is empty"},
    Served{ApiKey::api_versions, handle_api_versions},
    Served{ApiKey::create_topics, handle_create_topics},
    Served{ApiKey::delete_topics, handle_delete_topics},
    Served{ApiKey::delete_records, handle_delete_records},
    Served{ApiKey::init_producer_id, handle_init_producer_id, "transactions"},
    Served{ApiKey::offset_for_leader_epoch, handle_offset_for_leader_epoch},
    Served{ApiKey::describe_configs, handle_describe_configs, "client metrics; groups"},
    Served{ApiKey::alter_configs, handle_alter_configs,
           "brokers' settings that are not defaults of topics"},
    Served{ApiKey::describe_log_dirs, handle_describe_log_dirs, "more than one directory"},
    Served{ApiKey::create_partitions, handle_create_partitions},
    Served{ApiKey::incremental_alter_configs, handle_incremental_alter_configs,
           "brokers' settings that are not defaults of topics; loggers; client metrics; groups"},
    Served{ApiKey::describe_cluster, handle_describe_cluster},
    Served{ApiKey::describe_producers, handle_describe_producers, "transactions"},
    Served{ApiKey::list_config_resources, handle_list_config_resources},
    Served{ApiKey::describe_topic_partitions, handle_describe_topic_partitions},
};

// In a version that every client can read, with the range that it may choose from.
Result<Reply> refuse_api_versions(env::Task& task, const Context& context) {
  REACHED("server.api_versions_fallback");
  const kafka::ApiInfo* api = kafka::find_api(context.header.api_key);
  kafka::ApiVersionsResponse response;
  response.error = kafka::WireError::unsupported_version;
  response.api_keys.push_back({.api_key = static_cast<std::int16_t>(api->key),
                               .min_version = api->advertised_min,
                               .max_version = api->advertised_max});
  return reply(task, context, response, 0);
}

}  // namespace

std::span<const Served> served_apis() { return kServed; }

Result<Reply> dispatch(env::Task& task, Context& context) {
  context.header = TRY(kafka::decode_request_header(context.body));
  const wire::RequestHeader& header = context.header;
  const kafka::ApiInfo* api = kafka::find_api(header.api_key);
  CHECK(api != nullptr);
  const auto served = std::ranges::find(kServed, api->key, &Served::key);
  if (served == kServed.end()) {
    context.metrics.unsupported.add();
    return fail(ErrorCode::unsupported, fmt::format("{} is not served", api->name));
  }
  TRACE(context.env.trace, debug, "server.request", {"api", api->name},
        {"version", header.api_version}, {"correlation", header.correlation_id},
        {"bytes", context.frame->size()});
  if (!kafka::is_known(*api, header.api_version)) {
    context.metrics.unsupported.add();
    if (api->key == ApiKey::api_versions) return refuse_api_versions(task, context);
    REACHED("server.unsupported_version");
    return fail(ErrorCode::unsupported,
                fmt::format("version {} of {}", header.api_version, api->name));
  }
  return served->handler(task, context);
}

}  // namespace flux::server
