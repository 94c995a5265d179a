#include "net/kafka/gen/describe_configs.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "core/controller/decisions.h"
#include "net/server/convert.h"
#include "net/server/settings.h"

namespace flux::server {

namespace {

using Request = kafka::DescribeConfigsRequest;
using Response = kafka::DescribeConfigsResponse;
using controller::SettingOrigin;
using controller::SettingSource;

// Far more than there are settings.
constexpr std::size_t kKeysMax = 1'000;

// What a request wants to know of each setting.
class Telling {
 public:
  Telling(const Request& request, const Request::Resource& resource) : request_(request) {
    if (!resource.configuration_keys) return;
    wanted_.insert(resource.configuration_keys->begin(), resource.configuration_keys->end());
  }

  // No name stands for all.
  bool wants(std::string_view name) const { return wanted_.empty() || wanted_.contains(name); }
  bool names(std::string_view name) const { return wanted_.contains(name); }

  // `origins`: at least one, the one in force first. Those without a value have no default.
  Response::Config tell(std::string_view name, controller::ValueType type, std::string_view doc,
                        std::span<const SettingOrigin> origins, bool has_fallback) const {
    Response::Config out;
    out.name = name;
    out.config_source = static_cast<std::int8_t>(origins.front().source);
    out.config_type = static_cast<std::int8_t>(type);
    if (has_fallback || origins.front().source != SettingSource::fallback) {
      out.value = std::string(origins.front().value);
    }
    if (request_.include_documentation) out.documentation = std::string(doc);
    if (!request_.include_synonyms) return out;
    for (const SettingOrigin& origin : origins) {
      if (origin.source == SettingSource::fallback && !has_fallback) continue;
      out.synonyms.push_back({.name = std::string(origin.name),
                              .value = std::string(origin.value),
                              .source = static_cast<std::int8_t>(origin.source)});
    }
    return out;
  }

 private:
  const Request& request_;
  std::set<std::string, std::less<>> wanted_;
};

void refuse(Response::Resource& out, kafka::WireError error, std::string message) {
  out.error = error;
  out.error_message = std::move(message);
}

void describe_topic(const Context& context, const Telling& telling, Response::Resource& out) {
  const std::string& topic = out.resource_name;
  if (auto good = controller::check_topic_name(topic); !good) {
    return refuse(out, to_wire(good.error()), good.error().detail);
  }
  const auto image = context.broker.image();
  if (image->topic(topic) == nullptr) {
    return refuse(out, kafka::WireError::unknown_topic_or_partition,
                  fmt::format("The topic '{}' does not exist.", topic));
  }
  const controller::SettingLayers layers = context.broker.setting_layers(*image, topic);
  for (const controller::TopicSetting& setting : controller::topic_setting_table()) {
    const bool shown = telling.names(setting.name) || is_shown(setting, layers);
    if (!shown || !telling.wants(setting.name)) continue;
    // A topic always has a value; only the broker's default is another setting's affair.
    Response::Config told =
        telling.tell(setting.name, value_type(setting), controller::topic_setting_doc(setting.name),
                     origins_of(setting, layers), true);
    const bool no_default =
        setting.broker_key.empty() || controller::is_one_unit_of_several(setting.broker_key);
    if (no_default && !told.synonyms.empty()) told.synonyms.pop_back();
    out.configs.push_back(std::move(told));
  }
}

// What topics take as their defaults, by the broker's names.
void describe_defaults(const Context& context, const Telling& telling, Response::Resource& out) {
  const auto image = context.broker.image();
  const controller::SettingLayers layers = context.broker.setting_layers(*image, "");
  const bool all_brokers = out.resource_name.empty();
  for (const controller::TopicSetting& setting : controller::topic_setting_table()) {
    const std::string_view name = setting.broker_key;
    if (name.empty() || !telling.wants(name)) continue;
    if (!telling.names(name) && !is_shown(setting, layers)) continue;
    std::vector<SettingOrigin> origins = origins_of(setting, layers);
    if (all_brokers) {
      std::erase_if(origins, [](const SettingOrigin& origin) {
        return origin.source != SettingSource::all_brokers;
      });
      if (origins.empty()) continue;
    }
    out.configs.push_back(telling.tell(
        name, value_type(setting),
        fmt::format("Default of topics: {}", controller::topic_setting_doc(setting.name)), origins,
        !controller::is_one_unit_of_several(name)));
  }
}

void describe_node(const Context& context, const Telling& telling, Response::Resource& out) {
  for (const NodeSetting& setting : context.facts.settings) {
    if (!telling.wants(setting.name)) continue;
    std::vector<SettingOrigin> origins;
    if (setting.given) origins.push_back({setting.name, *setting.given, SettingSource::file});
    origins.push_back(
        {setting.name, setting.fallback.value_or(std::string_view()), SettingSource::fallback});
    out.configs.push_back(telling.tell(setting.name, setting.type, setting.doc, origins,
                                       setting.fallback.has_value()));
    out.configs.back().read_only = true;
  }
}

// Empty when this broker may answer for the resource.
std::string check_broker(const Context& context, const std::string& name, bool all_allowed) {
  const std::string own = own_name(context);
  if (name == own || (name.empty() && all_allowed)) return "";
  if (name.empty()) return "Broker id must not be empty";
  std::int32_t id = 0;
  const auto [at, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (error != std::errc() || at != name.data() + name.size()) {
    return "Broker id must be an integer, but it is: " + name;
  }
  return fmt::format("Unexpected broker id, expected {}{}, but received {}", own,
                     all_allowed ? " or empty string" : "", name);
}

void describe_broker(const Context& context, const Telling& telling, Response::Resource& out) {
  if (auto wrong = check_broker(context, out.resource_name, true); !wrong.empty()) {
    return refuse(out, kafka::WireError::invalid_request, std::move(wrong));
  }
  describe_defaults(context, telling, out);
  if (!out.resource_name.empty()) describe_node(context, telling, out);
  std::ranges::sort(out.configs, {}, &Response::Config::name);
}

Response::Resource describe(const Context& context, const Request& request,
                            const Request::Resource& wanted) {
  Response::Resource out;
  out.error_message = "";  // Kafka's for no error
  out.resource_type = wanted.resource_type;
  out.resource_name = wanted.resource_name;
  if (wanted.configuration_keys && wanted.configuration_keys->size() > kKeysMax) {
    refuse(out, kafka::WireError::invalid_request,
           fmt::format("{} settings are asked for, where {} may be.",
                       wanted.configuration_keys->size(), kKeysMax));
    return out;
  }
  const Telling telling(request, wanted);
  const auto type = static_cast<ResourceType>(wanted.resource_type);
  switch (type) {
    case ResourceType::topic:
      describe_topic(context, telling, out);
      return out;
    case ResourceType::broker:
      describe_broker(context, telling, out);
      return out;
    case ResourceType::broker_logger:
      // There are no loggers whose level could be changed.
      if (auto wrong = check_broker(context, out.resource_name, false); !wrong.empty()) {
        refuse(out, kafka::WireError::invalid_request, std::move(wrong));
      }
      return out;
    case ResourceType::client_metrics:
    case ResourceType::group:
      break;
  }
  const std::string_view known = name_of(type);
  refuse(out, kafka::WireError::invalid_request,
         known.empty() ? fmt::format("Unknown resource type {}", wanted.resource_type)
                       : fmt::format("This release keeps no settings of {}.", known));
  return out;
}

// About what the settings of a resource take, told with all that can be told of each.
constexpr std::size_t kResourceMemory = std::size_t{32} << 10;

}  // namespace

// A resource that is named again is not told again: an answer is no larger than what there is.
Result<Reply> handle_describe_configs(env::Task& task, Context& context) {
  auto request = TRY(decode<Request>(task, context));
  TRY(context.claim.take(task, request.resources.size() * kResourceMemory));
  Response response;
  Steps steps(task);
  std::set<std::pair<std::int8_t, std::string_view>> told;
  for (const Request::Resource& wanted : request.resources) {
    steps.step();
    if (!told.insert({wanted.resource_type, wanted.resource_name}).second) continue;
    response.results.push_back(describe(context, request, wanted));
    env::yield_if_due(task);
  }
  auto out = reply(task, context, response);
  forget(task, told);
  forget(task, request.resources);
  forget(task, response.results);
  return out;
}

}  // namespace flux::server
