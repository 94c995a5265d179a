#include "core/controller/topic_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/check.h"

namespace flux::controller {

namespace {

constexpr std::int64_t kMaxInt = INT32_MAX;
constexpr std::int64_t kMaxLong = INT64_MAX;
constexpr std::string_view kMaxLongText = "9223372036854775807";

using enum SettingType;
using enum SettingUse;

// Sorted by name. Kafka's documentation of topic settings says what each means; the one that is not
// Kafka's is flux.durability.
constexpr std::array kTable = {
    TopicSetting{"cleanup.policy", list, "delete", 0, 0, "compact,delete", "log.cleanup.policy"},
    TopicSetting{"compression.gzip.level", integer, "-1", -1, 9, "", "compression.gzip.level",
                 acted_on, ZeroUse::refused},
    TopicSetting{"compression.lz4.level", integer, "9", 1, 17, "", "compression.lz4.level"},
    TopicSetting{"compression.type", choice, "producer", 0, 0,
                 "uncompressed,zstd,lz4,snappy,gzip,producer", "compression.type"},
    TopicSetting{"compression.zstd.level", integer, "3", -131072, 22, "", "compression.zstd.level"},
    TopicSetting{"delete.retention.ms", integer, "86400000", 0, kMaxLong, "",
                 "log.cleaner.delete.retention.ms", kept},
    TopicSetting{"file.delete.delay.ms", integer, "60000", 0, kMaxLong, "",
                 "log.segment.delete.delay.ms"},
    TopicSetting{"flush.messages", integer, kMaxLongText, 1, kMaxLong, "",
                 "log.flush.interval.messages"},
    TopicSetting{"flush.ms", integer, kMaxLongText, 0, kMaxLong, "", "log.flush.interval.ms"},
    TopicSetting{"flux.durability", choice, "fsync", 0, 0, "fsync,page-cache",
                 "log.flux.durability"},
    TopicSetting{"follower.replication.throttled.replicas", replicas, "", 0, 0, "", "", kept},
    TopicSetting{"index.interval.bytes", integer, "4096", 0, kMaxInt, "",
                 "log.index.interval.bytes"},
    // As Kafka's: smaller segments than people may ask for, for tests; 0 is not set.
    TopicSetting{"internal.segment.bytes", integer, "0", 0, kMaxInt, "",
                 "internal.log.segment.bytes"},
    TopicSetting{"leader.replication.throttled.replicas", replicas, "", 0, 0, "", "", kept},
    TopicSetting{"local.retention.bytes", integer, "-2", -2, kMaxLong, "",
                 "log.local.retention.bytes", kept},
    TopicSetting{"local.retention.ms", integer, "-2", -2, kMaxLong, "", "log.local.retention.ms",
                 kept},
    TopicSetting{"max.compaction.lag.ms", integer, kMaxLongText, 1, kMaxLong, "",
                 "log.cleaner.max.compaction.lag.ms", kept},
    TopicSetting{"max.message.bytes", integer, "1048588", 0, kMaxInt, "", "message.max.bytes"},
    TopicSetting{"message.timestamp.after.max.ms", integer, "3600000", 0, kMaxLong, "",
                 "log.message.timestamp.after.max.ms"},
    TopicSetting{"message.timestamp.before.max.ms", integer, kMaxLongText, 0, kMaxLong, "",
                 "log.message.timestamp.before.max.ms"},
    TopicSetting{"message.timestamp.type", choice, "CreateTime", 0, 0, "CreateTime,LogAppendTime",
                 "log.message.timestamp.type"},
    TopicSetting{"min.cleanable.dirty.ratio", ratio, "0.5", 0, 0, "",
                 "log.cleaner.min.cleanable.ratio", kept},
    TopicSetting{"min.compaction.lag.ms", integer, "0", 0, kMaxLong, "",
                 "log.cleaner.min.compaction.lag.ms", kept},
    TopicSetting{"min.insync.replicas", integer, "1", 1, kMaxInt, "", "min.insync.replicas"},
    TopicSetting{"preallocate", boolean, "false", 0, 0, "", "log.preallocate", kept},
    TopicSetting{"remote.log.copy.disable", boolean, "false", 0, 0, "", "", kept},
    TopicSetting{"remote.log.delete.on.disable", boolean, "false", 0, 0, "", "", kept},
    TopicSetting{"remote.storage.enable", boolean, "false", 0, 0, "", "", kept},
    TopicSetting{"retention.bytes", integer, "-1", -1, kMaxLong, "", "log.retention.bytes"},
    TopicSetting{"retention.ms", integer, "604800000", -1, kMaxLong, "", "log.retention.ms",
                 acted_on, ZeroUse::own_only},
    TopicSetting{"segment.bytes", integer, "1073741824", 1'048'576, kMaxInt, "",
                 "log.segment.bytes"},
    TopicSetting{"segment.index.bytes", integer, "10485760", 4, kMaxInt, "",
                 "log.index.size.max.bytes"},
    TopicSetting{"segment.jitter.ms", integer, "0", 0, kMaxLong, "", "log.roll.jitter.ms"},
    TopicSetting{"segment.ms", integer, "604800000", 1, kMaxLong, "", "log.roll.ms"},
    TopicSetting{"unclean.leader.election.enable", boolean, "false", 0, 0, "",
                 "unclean.leader.election.enable", kept},
};

constexpr bool sorted_by_name() {
  for (std::size_t i = 1; i < kTable.size(); ++i) {
    if (!(kTable[i - 1].name < kTable[i].name)) return false;
  }
  return true;
}
static_assert(sorted_by_name());

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

// A decimal in [0, 1] with at most nine digits after the point.
bool is_ratio(std::string_view text) {
  if (text == "0" || text == "1" || text == "1.0") return true;
  if (!text.starts_with("0.") || text.size() < 3 || text.size() > 11) return false;
  return std::ranges::all_of(text.substr(2), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// "PARTITION:BROKER", as Kafka writes a replica that is to be throttled.
bool is_replica(std::string_view text) {
  const std::size_t colon = text.find(':');
  return colon != std::string_view::npos && is_digits(text.substr(0, colon)) &&
         is_digits(text.substr(colon + 1));
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// Calls `body` with each item of a list that is separated by commas, without blanks around it.
template <class Body>
void for_items(std::string_view text, Body&& body) {
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view item = trimmed(text.substr(0, comma));
    if (!item.empty()) body(item);
    text = comma == std::string_view::npos ? "" : text.substr(comma + 1);
  }
}

bool holds(std::string_view items, std::string_view wanted) {
  bool found = false;
  for_items(items, [&](std::string_view item) { found |= item == wanted; });
  return found;
}

std::unexpected<Error> refuse(const TopicSetting& setting, std::string_view value,
                              std::string_view allowed) {
  return fail(ErrorCode::invalid, fmt::format("Invalid value {} for configuration {}: {}", value,
                                              setting.name, allowed));
}

}  // namespace

std::span<const TopicSetting> topic_setting_table() { return kTable; }

const TopicSetting* find_topic_setting(std::string_view name) {
  const auto* at = std::ranges::lower_bound(kTable, name, {}, &TopicSetting::name);
  return at != kTable.end() && at->name == name ? at : nullptr;
}

const TopicSetting* find_topic_setting_by_broker_key(std::string_view broker_key) {
  if (broker_key.empty()) return nullptr;
  const auto* at = std::ranges::find(kTable, broker_key, &TopicSetting::broker_key);
  return at != kTable.end() ? at : nullptr;
}

Result<void> check_topic_setting(const TopicSetting& setting, std::string_view value) {
  switch (setting.type) {
    case boolean:
      if (value == "true" || value == "false") return {};
      return refuse(setting, value, "Expected value to be either true or false");
    case integer: {
      const std::optional<std::int64_t> number = parse_integer(value);
      if (number && *number == 0 && setting.zero == ZeroUse::refused) {
        return refuse(
            setting, value,
            fmt::format("Value must be {} or an integer from 1 to {}", setting.min, setting.max));
      }
      if (number && *number >= setting.min && *number <= setting.max) return {};
      return refuse(
          setting, value,
          fmt::format("Value must be an integer from {} to {}", setting.min, setting.max));
    }
    case ratio:
      if (is_ratio(value)) return {};
      return refuse(setting, value, "Value must be a decimal from 0 to 1");
    case choice:
      if (holds(setting.choices, value)) return {};
      return refuse(setting, value, fmt::format("String must be one of: {}", setting.choices));
    case list: {
      bool good = true;
      for_items(value, [&](std::string_view item) { good &= holds(setting.choices, item); });
      if (good) return {};
      return refuse(setting, value, fmt::format("String must be one of: {}", setting.choices));
    }
    case replicas: {
      bool good = true;
      for_items(value, [&](std::string_view item) { good &= item == "*" || is_replica(item); });
      if (good && (value == "*" || !holds(value, "*"))) return {};
      return refuse(setting, value, "Value must be * or a list of PARTITION:BROKER");
    }
  }
  UNREACHABLE("a setting type outside of the enum");
}

Result<void> check_broker_default(const TopicSetting& setting, std::string_view value) {
  TRY(check_topic_setting(setting, value));
  if (setting.zero == ZeroUse::own_only && parse_integer(value) == 0) {
    return refuse(setting, value, "Value must be -1 or at least 1 as the default of all topics");
  }
  return {};
}

bool is_list(SettingType type) { return type == list || type == replicas; }

std::vector<std::string> list_items(std::string_view text) {
  std::vector<std::string> out;
  std::set<std::string_view> seen;
  for_items(text, [&](std::string_view item) {
    if (seen.insert(item).second) out.emplace_back(item);
  });
  return out;
}

Result<std::string> clean_topic_setting(const TopicSetting& setting, std::string_view value) {
  if (value.size() > kSettingValueSizeMax) {
    return fail(ErrorCode::invalid,
                fmt::format("Invalid value for configuration {}: {} bytes, where {} are allowed",
                            setting.name, value.size(), kSettingValueSizeMax));
  }
  std::string out(trimmed(value));
  if (is_list(setting.type)) out = fmt::format("{}", fmt::join(list_items(value), ","));
  if (setting.type == boolean) {
    std::ranges::transform(out, out.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
  }
  TRY(check_topic_setting(setting, out));
  return out;
}

std::string_view setting_value(const TopicSetting& setting, const Settings* own,
                               const Settings& broker_defaults) {
  if (own != nullptr) {
    if (const auto found = own->find(setting.name); found != own->end()) return found->second;
  }
  if (const auto found = broker_defaults.find(setting.name); found != broker_defaults.end()) {
    return found->second;
  }
  return setting.fallback;
}

TopicConfig topic_config(const Settings* own, const Settings& broker_defaults) {
  const auto value = [&](std::string_view name) {
    const TopicSetting* setting = find_topic_setting(name);
    CHECK(setting != nullptr, name);
    return setting_value(*setting, own, broker_defaults);
  };
  const auto number = [&](std::string_view name) {
    const std::optional<std::int64_t> parsed = parse_integer(value(name));
    CHECK(parsed.has_value(), name);
    return *parsed;
  };
  TopicConfig config;
  config.compact = holds(value("cleanup.policy"), "compact");
  config.deletes = holds(value("cleanup.policy"), "delete");
  config.retention_bytes = number("retention.bytes");
  config.retention_ms = number("retention.ms");
  config.file_delete_delay_ms = number("file.delete.delay.ms");
  const std::string_view codec = value("compression.type");
  const auto compress = [&](record::Codec with, std::string_view level) {
    config.compression = {.codec = with, .level = {}};
    if (!level.empty()) config.compression->level = static_cast<int>(number(level));
  };
  if (codec == "uncompressed") compress(record::Codec::none, "");
  if (codec == "gzip") compress(record::Codec::gzip, "compression.gzip.level");
  if (codec == "snappy") compress(record::Codec::snappy, "");
  if (codec == "lz4") compress(record::Codec::lz4, "compression.lz4.level");
  if (codec == "zstd") compress(record::Codec::zstd, "compression.zstd.level");
  if (value("flux.durability") == "page-cache") config.durability = Durability::page_cache;
  config.flush_messages = number("flush.messages");
  config.flush_ms = number("flush.ms");
  config.log_append_time = value("message.timestamp.type") == "LogAppendTime";
  config.max_message_bytes = number("max.message.bytes");
  config.timestamp_before_max_ms = number("message.timestamp.before.max.ms");
  config.timestamp_after_max_ms = number("message.timestamp.after.max.ms");
  config.segment_bytes = number("segment.bytes");
  config.append_bytes_max = config.segment_bytes;
  if (const std::int64_t small = number("internal.segment.bytes"); small > 0) {
    config.segment_bytes = small;
  }
  config.segment_ms = number("segment.ms");
  config.segment_jitter_ms = number("segment.jitter.ms");
  config.index_interval_bytes = number("index.interval.bytes");
  config.index_bytes_max = number("segment.index.bytes");
  config.min_insync_replicas = number("min.insync.replicas");
  return config;
}

}  // namespace flux::controller
