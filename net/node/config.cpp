#include "net/node/config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/controller/topic_config.h"
#include "net/node/known_keys.h"

namespace flux::node {

namespace {

// What is gathered while the settings are read; some mean something only together.
struct Draft {
  Config config;
  std::map<std::string, std::string, std::less<>> protocols;  // listener.security.protocol.map
  std::vector<std::string> controller_listeners;              // controller.listener.names
  std::optional<std::int64_t> retention_hours;
  std::optional<std::int64_t> retention_minutes;
  std::optional<std::int64_t> roll_hours;
};

constexpr std::uint16_t kHttpPort = 9644;

using Setter = Result<void> (*)(Draft& draft, std::string_view value);

struct ConfigKey {
  std::string_view name;
  Setter set;
};

// ---- values

constexpr std::int64_t kMaxInt = INT32_MAX;
constexpr std::int64_t kMaxMs = INT64_MAX / 1'000'000;

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    std::string_view item = text.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) out.push_back(item);
    text = comma == std::string_view::npos ? "" : text.substr(comma + 1);
  }
  return out;
}

template <class T>
Result<void> set_number(std::string_view value, std::int64_t min, std::int64_t max, T& out) {
  std::int64_t number = 0;
  const auto [at, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || at != value.data() + value.size() || number < min || number > max) {
    return fail(ErrorCode::invalid, fmt::format("allowed are integers from {} to {}", min, max));
  }
  out = static_cast<T>(number);
  return {};
}

Result<void> set_ms(std::string_view value, std::int64_t min, std::int64_t max, Duration& out) {
  std::int64_t ms = 0;
  TRY(set_number(value, min, max, ms));
  out = milliseconds(ms);
  return {};
}

Result<void> set_bool(std::string_view value, bool& out) {
  if (value != "true" && value != "false") {
    return fail(ErrorCode::invalid, "allowed are true and false");
  }
  out = value == "true";
  return {};
}

Result<std::vector<server::ListenerConfig>> parse_listeners(std::string_view value) {
  std::vector<server::ListenerConfig> out;
  for (const std::string_view item : split(value)) {
    const std::size_t scheme = item.find("://");
    if (scheme == std::string_view::npos || scheme == 0) {
      return fail(ErrorCode::invalid, fmt::format("{} is not NAME://host:port", item));
    }
    auto at = env::Endpoint::parse(item.substr(scheme + 3));
    if (!at) return std::unexpected(at.error().in(item));
    out.push_back({std::string(item.substr(0, scheme)), *at});
  }
  if (out.empty()) return fail(ErrorCode::invalid, "at least one NAME://host:port is needed");
  return out;
}

// http://host:port; without a port it is kHttpPort. Nothing turns it off.
Result<void> set_http(std::string_view value, std::optional<env::Endpoint>& out) {
  out.reset();
  if (value.empty()) return {};
  constexpr std::string_view kScheme = "http://";
  std::string_view address = value;
  if (address.starts_with(kScheme)) address.remove_prefix(kScheme.size());
  if (address.ends_with('/')) address.remove_suffix(1);
  const bool has_port = address.rfind(':') != std::string_view::npos && !address.ends_with(']');
  const std::string with_port =
      has_port ? std::string(address) : fmt::format("{}:{}", address, kHttpPort);
  auto at = env::Endpoint::parse(with_port);
  if (!value.starts_with(kScheme) || address.empty() ||
      address.find('/') != std::string_view::npos || !at) {
    return fail(ErrorCode::invalid, "allowed are http://host:port, and nothing");
  }
  out = *at;
  return {};
}

Result<void> set_roles(std::string_view value) {
  bool broker = false;
  bool controller = false;
  for (const std::string_view role : split(value)) {
    if (role != "broker" && role != "controller") {
      return fail(ErrorCode::invalid, "allowed are broker, controller and both");
    }
    (role == "broker" ? broker : controller) = true;
  }
  if (broker && controller) return {};
  return fail(ErrorCode::unsupported,
              "this release runs a node as both: process.roles=broker,controller");
}

Result<void> set_directory(std::string_view value, std::string& out) {
  const auto directories = split(value);
  if (directories.size() != 1) {
    return fail(ErrorCode::unsupported, "this release keeps its data in one directory");
  }
  out = directories.front();
  while (out.size() > 1 && out.ends_with('/')) out.pop_back();
  return {};
}

Result<void> set_protocols(Draft& draft, std::string_view value) {
  for (const std::string_view pair : split(value)) {
    const std::size_t colon = pair.find(':');
    if (colon == std::string_view::npos) {
      return fail(ErrorCode::invalid, fmt::format("{} is not NAME:PROTOCOL", pair));
    }
    draft.protocols[std::string(pair.substr(0, colon))] = pair.substr(colon + 1);
  }
  return {};
}

Result<void> set_verify(std::string_view value, log::ReadVerify& out) {
  if (value != "first" && value != "always") {
    return fail(ErrorCode::invalid, "allowed are first and always");
  }
  out = value == "always" ? log::ReadVerify::always : log::ReadVerify::first;
  return {};
}

// As in Kafka, a negative time is for ever.
Result<void> set_idle(std::string_view value, Duration& out) {
  TRY(set_ms(value, -1, kMaxMs, out));
  if (out < Duration(0)) out = Duration::max();
  return {};
}

Result<void> set_scrub_interval(std::string_view value, Duration& out) {
  TRY(set_idle(value, out));
  if (out != Duration(0)) return {};
  return fail(ErrorCode::invalid,
              fmt::format("allowed are -1, for never, and integers from 1 to {}", kMaxMs));
}

Result<void> set_connections(std::string_view value, server::ListenerLimits& out) {
  return set_number(value, 0, kMaxInt, out.connections_max);
}

Result<void> set_rate(std::string_view value, server::ListenerLimits& out) {
  return set_number(value, 1, kMaxInt, out.connections_per_second);
}

Result<void> set_retention(std::string_view value, std::int64_t& out) {
  TRY(set_number(value, -1, kMaxInt, out));
  if (out != 0) return {};
  return fail(ErrorCode::invalid, "0 would delete everything: allowed are -1 and integers from 1");
}

// address:count,...; the last colon counts, since addresses may hold others.
Result<void> set_per_ip(std::string_view value,
                        std::map<std::string, std::size_t, std::less<>>& out) {
  out.clear();
  for (const std::string_view pair : split(value)) {
    const std::size_t colon = pair.rfind(':');
    if (colon == std::string_view::npos || colon == 0) {
      return fail(ErrorCode::invalid, fmt::format("{} is not ADDRESS:COUNT", pair));
    }
    const std::string_view address = pair.substr(0, colon);
    if (address.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos ||
        address.find_first_of(":.") == std::string_view::npos) {
      return fail(ErrorCode::invalid,
                  fmt::format("{} is no numeric address, such as 127.0.0.1 or ::1; host names are "
                              "not resolved here",
                              address));
    }
    std::size_t count = 0;
    TRY(set_number(pair.substr(colon + 1), 0, kMaxInt, count));
    out[std::string(address)] = count;
  }
  return {};
}

// ---- names

constexpr std::array kKeys = {
    ConfigKey{"advertised.listeners",
              [](Draft& draft, std::string_view value) -> Result<void> {
                draft.config.advertised = TRY(parse_listeners(value));
                return {};
              }},
    ConfigKey{"auto.create.topics.enable",
              [](Draft& draft, std::string_view value) {
                return set_bool(value, draft.config.server.auto_create_topics);
              }},
    ConfigKey{"broker.id",
              [](Draft& draft, std::string_view value) -> Result<void> {
                std::int32_t id = 0;
                TRY(set_number(value, 0, kMaxInt, id));
                draft.config.node = NodeId(id);
                return {};
              }},
    ConfigKey{"broker.rack",
              [](Draft& draft, std::string_view value) -> Result<void> {
                draft.config.rack = value;
                return {};
              }},
    ConfigKey{"connections.max.idle.ms",
              [](Draft& draft, std::string_view value) {
                return set_idle(value, draft.config.server.idle_max);
              }},
    ConfigKey{"controller.listener.names",
              [](Draft& draft, std::string_view value) -> Result<void> {
                for (const auto name : split(value)) draft.controller_listeners.emplace_back(name);
                return {};
              }},
    ConfigKey{"default.replication.factor",
              [](Draft& draft, std::string_view value) {
                return set_number(value, 1, INT16_MAX,
                                  draft.config.create_topic.replication_factor);
              }},
    ConfigKey{"delete.topic.enable",
              [](Draft& draft, std::string_view value) {
                return set_bool(value, draft.config.server.delete_topics);
              }},
    ConfigKey{"fetch.max.bytes",
              [](Draft& draft, std::string_view value) {
                return set_number(value, 1024, kMaxInt, draft.config.fetch_bytes_max);
              }},
    ConfigKey{"flux.answer.patience.ms",
              [](Draft& draft, std::string_view value) {
                return set_ms(value, 1, kMaxMs, draft.config.server.answer_patience);
              }},
    ConfigKey{"flux.cluster.id",
              [](Draft& draft, std::string_view value) -> Result<void> {
                TRY(Uuid::parse(value));
                draft.config.cluster_id = value;
                return {};
              }},
    ConfigKey{"flux.connection.request.bytes.max",
              [](Draft& draft, std::string_view value) {
                return set_number(value, 1, kMaxInt, draft.config.server.in_flight_bytes_max);
              }},
    ConfigKey{"flux.connection.requests.max",
              [](Draft& draft, std::string_view value) {
                return set_number(value, 1, 10'000, draft.config.server.in_flight_max);
              }},
    ConfigKey{"flux.disk.patience.ms",
              [](Draft& draft, std::string_view value) {
                return set_ms(value, 1, kMaxMs, draft.config.disk_patience);
              }},
    ConfigKey{"flux.frame.patience.ms",
              [](Draft& draft, std::string_view value) {
                return set_ms(value, 1, kMaxMs, draft.config.server.frame_patience);
              }},
    ConfigKey{"flux.http.listener",
              [](Draft& draft, std::string_view value) {
                return set_http(value, draft.config.http_listener);
              }},
    ConfigKey{"flux.integrity.block.bytes",
              [](Draft& draft, std::string_view value) {
                return set_number(value, 1, kMaxInt, draft.config.log.block_bytes);
              }},
    ConfigKey{"flux.integrity.mark.ms",
              [](Draft& draft, std::string_view value) {
                return set_ms(value, 0, kMaxMs, draft.config.log.mark_idle);
              }},
    ConfigKey{"flux.metadata.snapshot.records",
              [](Draft& draft, std::string_view value) {
                return set_number(value, 1, kMaxInt, draft.config.metadata_snapshot_records);
              }},
    ConfigKey{"flux.read.verify",
              [](Draft& draft, std::string_view value) {
                return set_verify(value, draft.config.log.read_verify);
              }},
    ConfigKey{"flux.request.memory.bytes",
              [](Draft& draft, std::string_view value) {
                return set_number(value, 1 << 20, INT64_MAX,
                                  draft.config.server.request_memory_max);
              }},
    ConfigKey{"flux.scrub.bytes.per.second",
              [](Draft& draft, std::string_view value) {
                return set_number(value, 1, kMaxInt,
                                  draft.config.housekeeping.scrub.bytes_per_second);
              }},
    ConfigKey{"flux.scrub.interval.ms",
              [](Draft& draft, std::string_view value) {
                return set_scrub_interval(value, draft.config.housekeeping.scrub.interval);
              }},
    ConfigKey{"flux.stop.patience.ms",
              [](Draft& draft, std::string_view value) {
                return set_ms(value, 0, kMaxMs, draft.config.server.stop_patience);
              }},
    ConfigKey{"listener.security.protocol.map",
              [](Draft& draft, std::string_view value) { return set_protocols(draft, value); }},
    ConfigKey{"listeners",
              [](Draft& draft, std::string_view value) -> Result<void> {
                draft.config.server.listeners = TRY(parse_listeners(value));
                return {};
              }},
    ConfigKey{"log.dir",
              [](Draft& draft, std::string_view value) {
                return set_directory(value, draft.config.data_directory);
              }},
    ConfigKey{"log.dirs",
              [](Draft& draft, std::string_view value) {
                return set_directory(value, draft.config.data_directory);
              }},
    ConfigKey{"log.initial.task.delay.ms",
              [](Draft& draft, std::string_view value) {
                return set_ms(value, 0, kMaxMs, draft.config.housekeeping.first_after);
              }},
    ConfigKey{"log.retention.check.interval.ms",
              [](Draft& draft, std::string_view value) {
                return set_ms(value, 1, kMaxMs, draft.config.housekeeping.check_interval);
              }},
    ConfigKey{"log.retention.hours",
              [](Draft& draft, std::string_view value) {
                return set_retention(value, draft.retention_hours.emplace());
              }},
    ConfigKey{"log.retention.minutes",
              [](Draft& draft, std::string_view value) {
                return set_retention(value, draft.retention_minutes.emplace());
              }},
    ConfigKey{"log.roll.hours",
              [](Draft& draft, std::string_view value) {
                return set_number(value, 1, kMaxInt, draft.roll_hours.emplace());
              }},
    ConfigKey{"max.connection.creation.rate",
              [](Draft& draft, std::string_view value) {
                return set_rate(value, draft.config.server.connections.broker);
              }},
    ConfigKey{"max.connections",
              [](Draft& draft, std::string_view value) {
                return set_connections(value, draft.config.server.connections.broker);
              }},
    ConfigKey{"max.connections.per.ip",
              [](Draft& draft, std::string_view value) {
                return set_number(value, 0, kMaxInt, draft.config.server.connections.per_ip_max);
              }},
    ConfigKey{"max.connections.per.ip.overrides",
              [](Draft& draft, std::string_view value) {
                return set_per_ip(value, draft.config.server.connections.per_ip);
              }},
    ConfigKey{"max.incremental.fetch.session.cache.slots",
              [](Draft& draft, std::string_view value) {
                return set_number(value, 0, kMaxInt,
                                  draft.config.server.fetch_sessions.sessions_max);
              }},
    ConfigKey{"max.request.partition.size.limit",
              [](Draft& draft, std::string_view value) {
                return set_number(value, 1, kMaxInt, draft.config.server.described_partitions_max);
              }},
    ConfigKey{"node.id",
              [](Draft& draft, std::string_view value) -> Result<void> {
                std::int32_t id = 0;
                TRY(set_number(value, 0, kMaxInt, id));
                draft.config.node = NodeId(id);
                return {};
              }},
    ConfigKey{"num.partitions",
              [](Draft& draft, std::string_view value) {
                return set_number(value, 1, kMaxInt, draft.config.create_topic.partitions);
              }},
    ConfigKey{"process.roles",
              [](Draft&, std::string_view value) { return set_roles(value); }},
    ConfigKey{"producer.id.expiration.ms",
              [](Draft& draft, std::string_view value) {
                return set_ms(value, 1, kMaxInt, draft.config.log.producer_expiry);
              }},
    ConfigKey{"socket.request.max.bytes",
              [](Draft& draft, std::string_view value) {
                return set_number(value, 1, kMaxInt, draft.config.server.request_bytes_max);
              }},
};

// The name that was most likely meant; empty when none is near.
std::string_view nearest(std::string_view key) {
  std::string_view best;
  std::size_t distance_min = key.size() / 3 + 1;
  const auto consider = [&](std::string_view name) {
    const std::size_t distance = name.empty() ? SIZE_MAX : edit_distance(key, name);
    if (distance >= distance_min) return;
    distance_min = distance;
    best = name;
  };
  for (const ConfigKey& known : kKeys) consider(known.name);
  for (const auto& setting : controller::topic_setting_table()) consider(setting.broker_key);
  for (const std::string_view name : unused_kafka_keys()) consider(name);
  return best;
}

// listener.name.<listener>.max.connections and its like; nothing when the key is another.
std::optional<Result<void>> apply_listener_limit(Draft& draft, std::string_view key,
                                                 std::string_view value) {
  constexpr std::string_view kPrefix = "listener.name.";
  constexpr std::string_view kConnections = ".max.connections";
  constexpr std::string_view kRate = ".max.connection.creation.rate";
  if (!key.starts_with(kPrefix)) return std::nullopt;
  const std::string_view rest = key.substr(kPrefix.size());
  const auto limits_of = [&](std::string_view ending) -> server::ListenerLimits& {
    const std::string_view name = rest.substr(0, rest.size() - ending.size());
    return draft.config.server.connections.listeners[std::string(name)];
  };
  if (rest.ends_with(kConnections)) return set_connections(value, limits_of(kConnections));
  if (rest.ends_with(kRate)) return set_rate(value, limits_of(kRate));
  return std::nullopt;
}

Result<void> apply(Draft& draft, std::string_view key, std::string_view value,
                   std::vector<std::string>& unused) {
  const auto* known = std::ranges::find(kKeys, key, &ConfigKey::name);
  if (known != kKeys.end()) {
    draft.config.given[std::string(key)] = value;
    return known->set(draft, value);
  }
  if (const auto* setting = controller::find_topic_setting_by_broker_key(key)) {
    TRY(controller::check_broker_default(*setting, value));
    draft.config.topic_defaults[std::string(setting->name)] = value;
    return {};
  }
  if (auto limit = apply_listener_limit(draft, key, value)) return *limit;
  if (is_unused_kafka_key(key)) {
    if (std::ranges::find(unused, key) == unused.end()) unused.emplace_back(key);
    return {};
  }
  const std::string_view meant = nearest(key);
  return fail(ErrorCode::invalid, meant.empty()
                                      ? "no such setting"
                                      : fmt::format("no such setting; did you mean {}?", meant));
}

// ---- what belongs together

void settle_times(Draft& draft) {
  constexpr std::int64_t kMinuteMs = 60'000;
  controller::Settings& defaults = draft.config.topic_defaults;
  std::optional<std::int64_t> minutes = draft.retention_minutes;
  if (!minutes && draft.retention_hours) {
    minutes = *draft.retention_hours < 0 ? -1 : *draft.retention_hours * 60;
  }
  if (minutes && !defaults.contains("retention.ms")) {
    defaults["retention.ms"] = std::to_string(*minutes < 0 ? -1 : *minutes * kMinuteMs);
  }
  if (draft.roll_hours && !defaults.contains("segment.ms")) {
    defaults["segment.ms"] = std::to_string(*draft.roll_hours * 60 * kMinuteMs);
  }
}

// Two names of one thing. Of directories log.dirs counts, as in Kafka; ids have to agree. Whoever
// asks for the id by the other name is told the same.
Result<void> settle_names(Draft& draft) {
  controller::Settings& given = draft.config.given;
  const auto dir = given.find("log.dir");
  const auto dirs = given.find("log.dirs");
  if (dir != given.end() && dirs != given.end()) {
    TRY(set_directory(dirs->second, draft.config.data_directory));
    if (dir->second != dirs->second) {
      draft.config.notices.push_back(
          fmt::format("log.dir={} is not used beside log.dirs={}", dir->second, dirs->second));
    }
  }
  const auto node = given.find("node.id");
  const auto broker = given.find("broker.id");
  if (node != given.end() && broker != given.end() && node->second != broker->second) {
    return fail(ErrorCode::invalid,
                fmt::format("node.id={} and broker.id={} are one id: leave one out", node->second,
                            broker->second));
  }
  if (node == given.end() && broker == given.end()) return {};
  given["node.id"] = given["broker.id"] = std::to_string(draft.config.node.value());
  return {};
}

bool names_controller(const Draft& draft, const server::ListenerConfig& listener) {
  return std::ranges::find(draft.controller_listeners, listener.name) !=
         draft.controller_listeners.end();
}

Result<void> settle_listeners(Draft& draft) {
  Config& config = draft.config;
  const auto is_controllers = [&](const auto& listener) {
    return names_controller(draft, listener);
  };
  std::erase_if(config.server.listeners, is_controllers);
  std::erase_if(config.advertised, is_controllers);
  if (config.server.listeners.empty()) {
    return fail(ErrorCode::invalid, "listeners: none is left for clients beside the controller's");
  }
  for (const server::ListenerConfig& listener : config.server.listeners) {
    const auto mapped = draft.protocols.find(listener.name);
    const std::string& protocol = mapped == draft.protocols.end() ? listener.name : mapped->second;
    if (protocol != "PLAINTEXT") {
      return fail(ErrorCode::unsupported,
                  fmt::format("listeners: {} uses {}; this release knows PLAINTEXT", listener.name,
                              protocol));
    }
  }
  for (const server::ListenerConfig& listener : config.advertised) {
    if (std::ranges::find(config.server.listeners, listener.name, &server::ListenerConfig::name) ==
        config.server.listeners.end()) {
      return fail(ErrorCode::invalid,
                  fmt::format("advertised.listeners: {} is not in listeners", listener.name));
    }
    if (listener.at.host == "0.0.0.0" || listener.at.host == "::") {
      return fail(ErrorCode::invalid,
                  "advertised.listeners: clients cannot connect to " + listener.at.to_string());
    }
  }
  return {};
}

Result<void> settle_connections(Config& config) {
  const server::ConnectionLimitConfig& limits = config.server.connections;
  if (limits.per_ip_max == 0 && limits.per_ip.empty()) {
    return fail(ErrorCode::invalid,
                "max.connections.per.ip=0 lets nobody in without max.connections.per.ip.overrides");
  }
  for (const auto& [name, unused] : limits.listeners) {
    const auto has_name = [&](const auto& one) { return server::lower_case(one.name) == name; };
    if (std::ranges::any_of(config.server.listeners, has_name)) continue;
    config.notices.push_back(
        fmt::format("listener.name.{}.*: no listener is named so (in lower case)", name));
  }
  return {};
}

}  // namespace

std::vector<std::string_view> config_names() {
  std::vector<std::string_view> names;
  for (const ConfigKey& known : kKeys) names.push_back(known.name);
  return names;
}

Result<Config> Config::from(const Properties& properties) {
  Draft draft;
  std::vector<std::string> unused;
  for (const auto& [key, value] : properties) {
    auto applied = apply(draft, key, value, unused);
    if (!applied) {
      return std::unexpected(applied.error().in(fmt::format("{}={}", key, value)));
    }
  }
  settle_times(draft);
  TRY(settle_names(draft));
  TRY(settle_listeners(draft));
  TRY(settle_connections(draft.config));
  if (!unused.empty()) {
    draft.config.notices.push_back(
        fmt::format("settings that Flux does not use: {}", fmt::join(unused, ", ")));
  }
  std::vector<std::string_view> kept;
  for (const auto& setting : controller::topic_setting_table()) {
    const bool is_set = draft.config.topic_defaults.contains(setting.name);
    if (is_set && setting.use == controller::SettingUse::kept) kept.push_back(setting.broker_key);
  }
  if (!kept.empty()) {
    draft.config.notices.push_back(fmt::format(
        "settings that are kept and have no effect in this release: {}", fmt::join(kept, ", ")));
  }
  return std::move(draft.config);
}

Result<Config> Config::parse(std::string_view text) {
  const Properties properties = TRY(parse_properties(text));
  return from(properties);
}

}  // namespace flux::node
