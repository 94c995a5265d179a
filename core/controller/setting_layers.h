// Where the value of a setting comes from: what DescribeConfigs tells, and what is in force.
//
// A topic's setting is looked up in five places: the topic's own, this broker's and all brokers' as
// they were changed at run time, the broker's file, the default. The first that has it is in force.
// Numbers are Kafka's. Nothing here owns or changes anything.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/controller/image.h"
#include "core/controller/topic_config.h"

namespace flux::controller {

enum class SettingSource : std::int8_t {
  topic = 1,
  broker = 2,
  all_brokers = 3,
  file = 4,
  fallback = 5,
};

// Kafka's types of values.
enum class ValueType : std::int8_t {
  boolean = 1,
  text = 2,
  int32 = 3,
  int64 = 5,
  float64 = 6,
  list = 7,
};
ValueType value_type(const TopicSetting& setting);

// Null where nothing is set.
struct SettingLayers {
  const Settings* topic = nullptr;        // by the topic's name of a setting
  const Settings* broker = nullptr;       // by the broker's name
  const Settings* all_brokers = nullptr;  // likewise
  const Settings* file = nullptr;         // by the topic's name
};

struct SettingOrigin {
  std::string_view name;  // of the setting in that place
  std::string_view value;
  SettingSource source;
};

// All places that have the setting, the one in force first.
std::vector<SettingOrigin> origins_of(const TopicSetting& setting, const SettingLayers& layers);
// The broker's own setting has no default in Kafka: it is one of several units (log.roll.ms and
// log.roll.hours), and the default is that of another.
bool is_one_unit_of_several(std::string_view broker_key);

// What a topic has that sets nothing itself, by the topic's names, beside the defaults of the
// table.
Settings topic_defaults(const SettingLayers& layers);

// What a setting means, in a sentence; empty for a name that is none.
std::string_view topic_setting_doc(std::string_view name);

}  // namespace flux::controller
