// What the controller decides about settings, as a pure function of an image (see decisions.h).
//
// A request is about one topic, one broker, or the default of all brokers; it is carried out whole
// or refused. Of a broker, those settings may be changed while it runs that topics take as their
// defaults; all others stand in its file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/controller/decisions.h"

namespace flux::controller {

// Far more than there are settings, and few enough to be looked at in one run.
inline constexpr std::size_t kConfigChangesMax = 1'000;

// Kafka's numbers.
enum class ConfigOperation : std::int8_t { set = 0, remove = 1, append = 2, subtract = 3 };

struct ConfigChange {
  std::string name;
  ConfigOperation operation = ConfigOperation::set;
  std::optional<std::string> value;
};

struct AlterConfig {
  ConfigResource resource;
  std::vector<ConfigChange> changes;
  // What is not named is taken away.
  bool replace = false;
};

// `file`: what the broker's file says of topics' defaults, to append to and subtract from.
Decision<std::vector<Record>> alter_config(const Image& image, const AlterConfig& request,
                                           const Settings& file);

}  // namespace flux::controller
