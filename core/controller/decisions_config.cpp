#include "core/controller/decisions_config.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/controller/setting_layers.h"

namespace flux::controller {

namespace {

using Kind = ConfigResourceKind;

std::unexpected<Refusal> refuse(RefusalKind kind, std::string detail) {
  return std::unexpected(Refusal{kind, std::move(detail)});
}

const TopicSetting* find_setting(const ConfigResource& resource, std::string_view name) {
  return resource.kind == Kind::topic ? find_topic_setting(name)
                                      : find_topic_setting_by_broker_key(name);
}

Decision<void> check_topic(const Image& image, const std::string& name) {
  if (name.empty()) {
    return refuse(RefusalKind::invalid_request, "Default topic resources are not allowed.");
  }
  if (auto good = check_topic_name(name); !good) return good;
  if (image.topic(name) == nullptr) {
    return refuse(RefusalKind::unknown_topic, fmt::format("The topic '{}' does not exist.", name));
  }
  return {};
}

Decision<void> check_broker(const Image& image, const std::string& name) {
  if (name.empty()) return {};
  std::int32_t id = 0;
  const auto [at, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (error != std::errc() || at != name.data() + name.size()) {
    return refuse(RefusalKind::invalid_request,
                  fmt::format("Node id must be an integer, but it is: {}", name));
  }
  // "01" would be a broker of its own, which nobody is.
  if (!image.brokers.contains(NodeId(id)) || std::to_string(id) != name) {
    return refuse(RefusalKind::invalid_request, fmt::format("No broker {} is registered.", name));
  }
  return {};
}

Decision<void> check_names(const AlterConfig& request) {
  if (request.changes.size() > kConfigChangesMax) {
    return refuse(RefusalKind::invalid_request,
                  fmt::format("{} settings are to change at once, where {} may.",
                              request.changes.size(), kConfigChangesMax));
  }
  std::set<std::string_view> seen;
  std::vector<std::string_view> fixed;
  for (const ConfigChange& change : request.changes) {
    if (!seen.insert(change.name).second) {
      return refuse(RefusalKind::invalid_request, "Error due to duplicate config keys");
    }
    if (find_setting(request.resource, change.name) == nullptr) fixed.push_back(change.name);
  }
  if (request.resource.kind == Kind::broker && !fixed.empty()) {
    return refuse(
        RefusalKind::invalid_request,
        fmt::format("Cannot update these configs dynamically: [{}]", fmt::join(fixed, ", ")));
  }
  return {};
}

// One request about one resource.
class Alteration {
 public:
  Alteration(const Image& image, const AlterConfig& request, const Settings& file)
      : image_(image), request_(request), file_(file) {
    if (const Settings* now = image.settings_of(request.resource)) before_ = *now;
    if (!request.replace) after_ = before_;
  }

  Decision<void> apply(const ConfigChange& change) {
    if (change.operation == ConfigOperation::remove) {
      after_.erase(change.name);
      return {};
    }
    if (!change.value) {
      return refuse(RefusalKind::invalid_request,
                    fmt::format("Null value not supported for : {}", change.name));
    }
    const TopicSetting* setting = find_setting(request_.resource, change.name);
    if (setting == nullptr) {
      return refuse(RefusalKind::invalid_config,
                    fmt::format("Unknown topic config name: {}", change.name));
    }
    if (change.value->size() > kSettingValueSizeMax) return refuse_value(*setting, *change.value);
    std::string wanted = *change.value;
    if (change.operation != ConfigOperation::set) {
      if (!is_list(setting->type)) {
        return refuse(
            RefusalKind::invalid_config,
            fmt::format("Can't {} to key {} because its type is not LIST.",
                        change.operation == ConfigOperation::append ? "APPEND" : "SUBTRACT",
                        change.name));
      }
      wanted = edited(*setting, change);
    }
    auto value = clean_topic_setting(*setting, wanted);
    if (!value) return refuse_value(*setting, wanted);
    if (request_.resource.kind == Kind::broker) {
      const auto good = check_broker_default(*setting, *value);
      if (!good) return refuse(RefusalKind::invalid_config, good.error().detail());
    }
    after_[change.name] = std::move(*value);
    return {};
  }

  // What topics would have then must make sense together.
  Decision<void> check_together() const {
    if (request_.resource.kind != Kind::topic) return {};
    const Settings defaults = topic_defaults({.all_brokers = brokers_of_all(), .file = &file_});
    const auto lag = [&](std::string_view name) {
      const std::string_view text = setting_value(*find_topic_setting(name), &after_, defaults);
      std::int64_t value = 0;
      std::from_chars(text.data(), text.data() + text.size(), value);
      return value;
    };
    const std::int64_t min = lag("min.compaction.lag.ms");
    const std::int64_t max = lag("max.compaction.lag.ms");
    if (min <= max) return {};
    return refuse(RefusalKind::invalid_config,
                  fmt::format("conflict topic config setting min.compaction.lag.ms ({}) > "
                              "max.compaction.lag.ms ({})",
                              min, max));
  }

  std::vector<Record> records() const {
    std::vector<Record> out;
    for (const auto& [name, value] : before_) {
      if (!after_.contains(name)) out.push_back(ConfigRecord{request_.resource, name, {}});
    }
    for (const auto& [name, value] : after_) {
      const auto old = before_.find(name);
      if (old != before_.end() && old->second == value) continue;
      out.push_back(ConfigRecord{request_.resource, name, value});
    }
    return out;
  }

 private:
  const Settings* brokers_of_all() const { return image_.settings_of({Kind::broker, ""}); }

  // Kafka's brokers look at their own settings before the controller does.
  std::unexpected<Refusal> refuse_value(const TopicSetting& setting, std::string_view value) const {
    const bool topic = request_.resource.kind == Kind::topic;
    return refuse(topic ? RefusalKind::invalid_config : RefusalKind::invalid_request,
                  clean_topic_setting(setting, value).error().detail());
  }

  // The list with items more or less; it begins with what is in force.
  std::string edited(const TopicSetting& setting, const ConfigChange& change) const {
    const bool topic = request_.resource.kind == Kind::topic;
    const auto own = after_.find(change.name);
    const std::string_view now =
        own != after_.end()
            ? std::string_view(own->second)
            : origins_of(setting,
                         {.all_brokers = topic ? brokers_of_all() : nullptr, .file = &file_})
                  .front()
                  .value;
    if (change.operation == ConfigOperation::append)
      return fmt::format("{},{}", now, *change.value);
    std::vector<std::string> items = list_items(now);
    const std::vector<std::string> gone = list_items(*change.value);
    const std::set<std::string_view> without(gone.begin(), gone.end());
    std::erase_if(items, [&](const std::string& item) { return without.contains(item); });
    return fmt::format("{}", fmt::join(items, ","));
  }

  const Image& image_;
  const AlterConfig& request_;
  const Settings& file_;
  Settings before_;
  Settings after_;
};

}  // namespace

Decision<std::vector<Record>> alter_config(const Image& image, const AlterConfig& request,
                                           const Settings& file) {
  const ConfigResource& resource = request.resource;
  const auto there = resource.kind == Kind::topic ? check_topic(image, resource.name)
                                                  : check_broker(image, resource.name);
  if (!there) return std::unexpected(there.error());
  if (auto good = check_names(request); !good) return std::unexpected(good.error());
  Alteration alteration(image, request, file);
  for (const ConfigChange& change : request.changes) {
    if (auto good = alteration.apply(change); !good) return std::unexpected(good.error());
  }
  if (auto good = alteration.check_together(); !good) return std::unexpected(good.error());
  return alteration.records();
}

}  // namespace flux::controller
