#include "net/kafka/gen/create_topics.h"

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "core/base/mark.h"
#include "core/broker/patience.h"
#include "core/controller/topic_config.h"
#include "net/server/convert.h"

namespace flux::server {

namespace {

using Request = kafka::CreateTopicsRequest;
using Response = kafka::CreateTopicsResponse;
using Created = std::vector<controller::Decision<controller::CreatedTopic>>;

// Kafka's numbers for where a setting's value comes from.
constexpr std::int8_t kFromTopic = 1;
constexpr std::int8_t kFromBroker = 4;
constexpr std::int8_t kFromDefault = 5;

controller::CreateTopic to_core(const Request::Topic& topic) {
  controller::CreateTopic out{.name = topic.name,
                              .partitions = topic.num_partitions,
                              .replication_factor = topic.replication_factor};
  for (const auto& assignment : topic.assignments) {
    out.assignments.push_back({assignment.partition_index, assignment.broker_ids});
  }
  for (const auto& config : topic.configs) out.settings.push_back({config.name, config.value});
  return out;
}

std::vector<Response::Config> configs_of(const Context& context, const Request::Topic& topic) {
  controller::Settings own;
  for (const auto& config : topic.configs) own[config.name] = config.value.value_or("");
  const controller::Settings& defaults = context.broker.config().topic_defaults;
  std::vector<Response::Config> out;
  for (const controller::TopicSetting& setting : controller::topic_setting_table()) {
    if (setting.name.starts_with("internal.")) continue;
    const bool by_topic = own.contains(setting.name);
    const bool by_broker = defaults.contains(setting.name);
    out.push_back({.name = std::string(setting.name),
                   .value = std::string(controller::setting_value(setting, &own, defaults)),
                   .read_only = false,
                   .config_source = by_topic    ? kFromTopic
                                    : by_broker ? kFromBroker
                                                : kFromDefault,
                   .is_sensitive = false});
  }
  return out;
}

Response::Topic refusal(const std::string& name, kafka::WireError error, std::string message) {
  Response::Topic out;
  out.name = name;
  out.error = error;
  out.error_message = std::move(message);
  out.configs.emplace();
  return out;
}

Response::Topic answer_of(const Context& context, const Request::Topic& topic,
                          const controller::Decision<controller::CreatedTopic>& created) {
  if (!created) return refusal(topic.name, to_wire(created.error()), created.error().detail);
  Response::Topic out;
  out.name = topic.name;
  out.topic_id = created->id;
  out.num_partitions = created->partitions;
  out.replication_factor = created->replication_factor;
  out.configs = configs_of(context, topic);
  return out;
}

// Clients have no other place to learn of it than the log of the node.
void tell_kept_settings(const Context& context, const Request::Topic& topic) {
  for (const auto& config : topic.configs) {
    const controller::TopicSetting* setting = controller::find_topic_setting(config.name);
    if (setting == nullptr || setting->use != controller::SettingUse::kept) continue;
    REACHED("server.setting_kept");
    TRACE(context.env.trace, warning, "topic.setting_without_effect", {"topic", topic.name},
          {"setting", config.name});
  }
}

Result<Created> create(env::Task& task, Context& context, const Request& request,
                       std::vector<controller::CreateTopic> topics) {
  broker::Broker& broker = context.broker;
  const Instant until =
      std::min(broker.patience_end(),
               context.env.clock.now() + milliseconds(std::max(0, request.timeout_ms)));
  return broker::patiently<Created>(
      task, broker.work(), "create_topics", until,
      [&broker, wanted = std::move(topics), validate = request.validate_only](env::Task& worker) {
        return broker.controller().create_topics(worker, wanted, validate);
      },
      env::StackSize::large);
}

}  // namespace

Result<Reply> handle_create_topics(env::Task& task, Context& context) {
  const auto request = TRY(decode<Request>(context));
  std::map<std::string, int> times;
  for (const Request::Topic& topic : request.topics) ++times[topic.name];

  std::vector<controller::CreateTopic> wanted;
  for (const Request::Topic& topic : request.topics) {
    if (times[topic.name] == 1) wanted.push_back(to_core(topic));
  }
  const std::size_t count = wanted.size();
  auto created = create(task, context, request, std::move(wanted));
  if (!created) {
    const controller::Refusal late{controller::RefusalKind::timed_out,
                                   "The controller did not answer in time."};
    created = Created(count, std::unexpected(late));
  }

  Response response;
  std::size_t next = 0;
  for (const Request::Topic& topic : request.topics) {
    if (times[topic.name] == 1) {
      if ((*created)[next]) tell_kept_settings(context, topic);
      response.topics.push_back(answer_of(context, topic, (*created)[next++]));
    } else if (times[topic.name] > 1) {
      times[topic.name] = 0;  // answered once
      response.topics.push_back(
          refusal(topic.name, kafka::WireError::invalid_request, "Duplicate topic name."));
    }
  }
  return reply(context, response);
}

}  // namespace flux::server
