#include "net/server/settings.h"

#include "core/base/mark.h"

namespace flux::server {

std::string_view name_of(ResourceType type) {
  switch (type) {
    case ResourceType::topic:
      return "topics";
    case ResourceType::broker:
      return "brokers";
    case ResourceType::broker_logger:
      return "loggers";
    case ResourceType::client_metrics:
      return "client metrics";
    case ResourceType::group:
      return "groups";
  }
  return "";
}

std::string own_name(const Context& context) {
  return std::to_string(context.broker.config().node.value());
}

bool is_shown(const controller::TopicSetting& setting, const controller::SettingLayers& layers) {
  return !setting.name.starts_with("internal.") ||
         origins_of(setting, layers).front().source != controller::SettingSource::fallback;
}

void tell_kept_setting(const Context& context, std::string_view resource, std::string_view name) {
  const controller::TopicSetting* setting = controller::find_topic_setting(name);
  if (setting == nullptr) setting = controller::find_topic_setting_by_broker_key(name);
  if (setting == nullptr || setting->use != controller::SettingUse::kept) return;
  REACHED("server.setting_kept");
  TRACE(context.env.trace, warning, "topic.setting_without_effect", {"topic", resource},
        {"setting", name});
}

}  // namespace flux::server
