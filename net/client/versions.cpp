#include "net/client/versions.h"

#include <algorithm>

#include "core/base/check.h"
#include "net/kafka/request.h"

namespace flux::client {

using kafka::ApiKey;

VersionCaps VersionCaps::librdkafka_2_0() {
  VersionCaps caps;
  caps.set(ApiKey::produce, 7).set(ApiKey::fetch, 11).set(ApiKey::list_offsets, 2);
  caps.set(ApiKey::metadata, 4).set(ApiKey::find_coordinator, 2).set(ApiKey::api_versions, 3);
  caps.set(ApiKey::create_topics, 4).set(ApiKey::delete_topics, 1);
  caps.set(ApiKey::delete_records, 1);
  caps.set(ApiKey::init_producer_id, 4).set(ApiKey::describe_cluster, -1);
  caps.set(ApiKey::describe_configs, 1).set(ApiKey::alter_configs, 0);
  caps.set(ApiKey::create_partitions, 0);
  caps.set(ApiKey::incremental_alter_configs, -1).set(ApiKey::list_config_resources, -1);
  caps.set(ApiKey::describe_groups, 4).set(ApiKey::list_groups, 4);
  caps.set(ApiKey::offset_for_leader_epoch, -1).set(ApiKey::describe_producers, -1);
  caps.set(ApiKey::describe_log_dirs, -1).set(ApiKey::describe_topic_partitions, -1);
  return caps;
}

VersionCaps VersionCaps::oldest() {
  VersionCaps caps;
  caps.set(ApiKey::produce, 3).set(ApiKey::fetch, 4).set(ApiKey::list_offsets, 1);
  caps.set(ApiKey::metadata, 1).set(ApiKey::find_coordinator, 0).set(ApiKey::api_versions, 0);
  caps.set(ApiKey::create_topics, 2).set(ApiKey::delete_topics, 1);
  caps.set(ApiKey::delete_records, 0);
  caps.set(ApiKey::init_producer_id, 0).set(ApiKey::describe_cluster, -1);
  caps.set(ApiKey::describe_configs, 1).set(ApiKey::alter_configs, 0);
  caps.set(ApiKey::create_partitions, 0);
  caps.set(ApiKey::incremental_alter_configs, 0).set(ApiKey::list_config_resources, 0);
  caps.set(ApiKey::describe_groups, 0).set(ApiKey::list_groups, 0);
  caps.set(ApiKey::offset_for_leader_epoch, 2).set(ApiKey::describe_producers, -1);
  caps.set(ApiKey::describe_log_dirs, 1).set(ApiKey::describe_topic_partitions, -1);
  return caps;
}

VersionCaps& VersionCaps::set(ApiKey api, std::int16_t highest) {
  caps_[api] = highest;
  return *this;
}

std::optional<std::int16_t> VersionCaps::choose(ApiKey api, const VersionRange& broker,
                                                std::int16_t limit) const {
  const kafka::ApiInfo* info = kafka::find_api(static_cast<std::int16_t>(api));
  CHECK(info != nullptr, "an API that the codec does not know");
  std::int16_t highest = std::min({info->version_max, broker.max, limit});
  if (const auto cap = caps_.find(api); cap != caps_.end()) {
    highest = std::min(highest, cap->second);
  }
  const std::int16_t lowest = std::max(info->version_min, broker.min);
  if (highest < lowest) return std::nullopt;
  return highest;
}

}  // namespace flux::client
