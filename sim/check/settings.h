// Settings: what a topic's setting may have been, and until when.
//
// Known from the scenario and from what clients asked to alter: a change may be in force from the
// moment it is asked for, the one before it until an answer said that the new one is done. One that
// nobody heard of again may be in force until a later one surely is; one that was refused never is.
// A name that was deleted may stand for a topic with the scenario's settings again.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sim/check/checker.h"
#include "sim/check/effect.h"

namespace flux::sim {

// How a setting is spelt for a topic, for the brokers, and its value where nobody set it.
struct SettingName {
  std::string_view topic;
  std::string_view broker;
  std::string_view fallback;
};
inline constexpr SettingName kDurability{"flux.durability", "log.flux.durability", "fsync"};
inline constexpr SettingName kRetentionMs{"retention.ms", "log.retention.ms", "604800000"};
inline constexpr SettingName kRetentionBytes{"retention.bytes", "log.retention.bytes", "-1"};
inline constexpr SettingName kTimestampType{"message.timestamp.type", "log.message.timestamp.type",
                                            "CreateTime"};
inline constexpr SettingName kCleanupPolicy{"cleanup.policy", "log.cleanup.policy", "delete"};

class Settings {
 public:
  explicit Settings(const ClusterFacts& facts) : facts_(facts) {}

  void observe(const Observation& observation);

  struct Held {
    std::string value;
    Time until;  // the last moment at which it may have been in force
  };
  // Every value that the topic's setting may have had in [from, to]; at least one.
  std::vector<Held> held(std::string_view topic, const SettingName& name, Time from, Time to) const;

 private:
  // One value of one layer; empty text: none, so that the next layer counts.
  struct Change : Effect {
    explicit Change(const Operation& op) : Effect(op), value(op.value) {}

    std::string value;
  };
  using Layer = std::pair<std::string, std::string>;  // topic, or none for all brokers; setting

  std::vector<Held> held_in(const Layer& layer, std::string_view first, Time from, Time to) const;

  const ClusterFacts& facts_;
  std::map<Layer, std::vector<Change>> changes_;  // those not refused, in order
  std::set<std::string, std::less<>> deleted_;    // topics, ever
};

}  // namespace flux::sim
