// The settings of a topic: Kafka's names, defaults and ranges, and ours.
//
// One table (topic_setting_table) says what exists, what is allowed and what this release acts on;
// TopicConfig is the typed form of the latter. The rest is taken and kept, since Kafka's files and
// clients set it, and whoever sets it is told that it has no effect. A value is looked up in
// layers: the topic's own, then the broker's, then the default of the table.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ratio.h"
#include "core/base/result.h"
#include "core/controller/image.h"
#include "core/record/compression.h"

namespace flux::controller {

enum class SettingType : std::uint8_t {
  boolean,
  integer,
  ratio,
  choice,
  list,      // of choices
  replicas,  // a list of PARTITION:BROKER, or *
};

// A value has to fit the classic form of a string, in which old clients are told of it.
inline constexpr std::size_t kSettingValueSizeMax = INT16_MAX;

enum class SettingUse : std::uint8_t {
  acted_on,
  kept,  // and without effect in this release
};

// Of an integer from below 0, whether it may be 0.
enum class ZeroUse : std::uint8_t {
  as_others,
  own_only,  // of a topic that says so itself, but not as what all topics have
  refused,
};

struct TopicSetting {
  std::string_view name;
  SettingType type;
  std::string_view fallback;  // the value where nobody set one
  std::int64_t min = 0;       // of an integer
  std::int64_t max = 0;
  std::string_view choices;     // of a choice or a list, separated by commas
  std::string_view broker_key;  // the broker's setting that gives the default; empty for none
  SettingUse use = SettingUse::acted_on;
  ZeroUse zero = ZeroUse::as_others;
};

std::span<const TopicSetting> topic_setting_table();  // sorted by name
const TopicSetting* find_topic_setting(std::string_view name);
const TopicSetting* find_topic_setting_by_broker_key(std::string_view broker_key);

// `invalid` with what is allowed.
Result<void> check_topic_setting(const TopicSetting& setting, std::string_view value);
// Also that it may be what topics have that do not say otherwise: as in Kafka, a retention of no
// time at all is for a topic to ask for.
Result<void> check_broker_default(const TopicSetting& setting, std::string_view value);
// The value as it is kept: without blanks around it, a list without an item twice.
Result<std::string> clean_topic_setting(const TopicSetting& setting, std::string_view value);

bool is_list(SettingType type);
// What stands between the commas, each once.
std::vector<std::string> list_items(std::string_view text);

// What an acknowledgement of "all" waits for (docs/architecture.md).
enum class Durability : std::uint8_t { fsync, page_cache };

struct TopicConfig {
  // cleanup.policy holds "compact": records need a key. Nothing is compacted yet.
  bool compact = false;
  // cleanup.policy holds "delete": segments go by age and size.
  bool deletes = true;
  std::int64_t retention_bytes = -1;
  std::int64_t retention_ms = 604'800'000;
  std::int64_t file_delete_delay_ms = 60'000;
  std::optional<record::Compression> compression;  // none: as the producer compressed
  Durability durability = Durability::fsync;
  std::int64_t flush_messages = INT64_MAX;  // this many records are never left without a sync
  std::int64_t flush_ms = INT64_MAX;        // nor is one for longer
  bool log_append_time = false;
  std::int64_t max_message_bytes = 1'048'588;
  std::int64_t timestamp_before_max_ms = INT64_MAX;
  std::int64_t timestamp_after_max_ms = 3'600'000;
  std::int64_t segment_bytes = 1'073'741'824;
  std::int64_t append_bytes_max = 1'073'741'824;  // segment.bytes, whatever the internal one says
  std::int64_t segment_ms = 604'800'000;
  std::int64_t segment_jitter_ms = 0;
  std::int64_t index_interval_bytes = 4096;
  std::int64_t index_bytes_max = 10'485'760;
  std::int64_t min_insync_replicas = 1;

  friend bool operator==(const TopicConfig&, const TopicConfig&) = default;
};

// Settings that are known to be valid: those in an image and a checked configuration are.
// `own` may be null.
TopicConfig topic_config(const Settings* own, const Settings& broker_defaults);

// The text of one setting in those layers.
std::string_view setting_value(const TopicSetting& setting, const Settings* own,
                               const Settings& broker_defaults);

}  // namespace flux::controller
