// What is told of the node's own settings, beside their values: type, default, meaning. Defaults of
// topics are not among them (core/controller/topic_config.h).
//
// Invariant, held by a test: there is one for each name that the node acts on (config.h), and its
// default is what the node takes where nothing is said.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/controller/setting_layers.h"
#include "net/server/config.h"

namespace flux::node {

struct SettingFacts {
  std::string_view name;
  controller::ValueType type;
  std::optional<std::string_view> fallback;  // nothing: there is no default
  std::string_view doc;
};

std::span<const SettingFacts> setting_facts();  // sorted by name

// With the values that were given, for clients.
std::vector<server::NodeSetting> node_settings(const controller::Settings& given);

}  // namespace flux::node
