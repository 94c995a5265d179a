// Settings as answers and the node's log tell them: what several handlers share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/controller/setting_layers.h"
#include "net/server/context.h"

namespace flux::server {

// Kafka's numbers for what may have settings.
enum class ResourceType : std::int8_t {
  topic = 2,
  broker = 4,
  broker_logger = 8,
  client_metrics = 16,
  group = 32,
};
// "client metrics"; empty for a number that is none.
std::string_view name_of(ResourceType type);

// The id of this broker, as resources are named.
std::string own_name(const Context& context);

// Tests' own settings are shown where somebody set them.
bool is_shown(const controller::TopicSetting& setting, const controller::SettingLayers& layers);

// Clients have no other place to learn of it than the log of the node: that a setting which they
// changed has no effect yet. `name` is the topic's or the broker's name of it.
void tell_kept_setting(const Context& context, std::string_view resource, std::string_view name);

}  // namespace flux::server
