#include "core/controller/setting_layers.h"

#include <algorithm>

#include "core/base/check.h"

namespace flux::controller {

namespace {

const std::string* find(const Settings* layer, std::string_view name) {
  if (layer == nullptr || name.empty()) return nullptr;
  const auto found = layer->find(name);
  return found == layer->end() ? nullptr : &found->second;
}

}  // namespace

ValueType value_type(const TopicSetting& setting) {
  switch (setting.type) {
    case SettingType::boolean:
      return ValueType::boolean;
    case SettingType::integer:
      return setting.max > INT32_MAX ? ValueType::int64 : ValueType::int32;
    case SettingType::ratio:
      return ValueType::float64;
    case SettingType::choice:
      return ValueType::text;
    case SettingType::list:
    case SettingType::replicas:
      return ValueType::list;
  }
  UNREACHABLE("a setting type outside of the enum");
}

std::vector<SettingOrigin> origins_of(const TopicSetting& setting, const SettingLayers& layers) {
  std::vector<SettingOrigin> out;
  const auto add = [&](std::string_view name, const std::string* value, SettingSource source) {
    if (value != nullptr) out.push_back({name, *value, source});
  };
  const std::string_view own = setting.name;
  const std::string_view broker = setting.broker_key;
  add(own, find(layers.topic, own), SettingSource::topic);
  add(broker, find(layers.broker, broker), SettingSource::broker);
  add(broker, find(layers.all_brokers, broker), SettingSource::all_brokers);
  add(broker, find(layers.file, own), SettingSource::file);
  out.push_back({broker.empty() ? own : broker, setting.fallback, SettingSource::fallback});
  return out;
}

bool is_one_unit_of_several(std::string_view broker_key) {
  return broker_key == "log.retention.ms" || broker_key == "log.roll.ms" ||
         broker_key == "log.roll.jitter.ms" || broker_key == "log.flush.interval.ms";
}

Settings topic_defaults(const SettingLayers& layers) {
  Settings out;
  for (const TopicSetting& setting : topic_setting_table()) {
    const SettingOrigin origin = origins_of(setting, {.topic = nullptr,
                                                      .broker = layers.broker,
                                                      .all_brokers = layers.all_brokers,
                                                      .file = layers.file})
                                     .front();
    if (origin.source == SettingSource::fallback) continue;
    out.emplace(setting.name, origin.value);
  }
  return out;
}

}  // namespace flux::controller
