#include "net/kafka/gen/create_topics.h"

#include <utility>
#include <vector>

#include "core/controller/topic_config.h"
#include "net/server/ask_controller.h"
#include "net/server/convert.h"
#include "net/server/settings.h"

namespace flux::server {

namespace {

using Request = kafka::CreateTopicsRequest;
using Response = kafka::CreateTopicsResponse;
using Created = std::vector<controller::Decision<controller::CreatedTopic>>;

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
  for (const auto& config : topic.configs) {
    const controller::TopicSetting* setting = controller::find_topic_setting(config.name);
    if (setting == nullptr || !config.value) continue;
    own[config.name] = clean_topic_setting(*setting, *config.value).value_or(*config.value);
  }
  const auto image = context.broker.image();
  controller::SettingLayers layers = context.broker.setting_layers(*image, "");
  layers.topic = &own;
  std::vector<Response::Config> out;
  for (const controller::TopicSetting& setting : controller::topic_setting_table()) {
    if (!is_shown(setting, layers)) continue;
    const controller::SettingOrigin origin = origins_of(setting, layers).front();
    out.push_back({.name = std::string(setting.name),
                   .value = std::string(origin.value),
                   .read_only = false,
                   .config_source = static_cast<std::int8_t>(origin.source),
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

Result<Created> create(env::Task& task, const Context& context, const Request& request,
                       std::vector<controller::CreateTopic> topics) {
  return ask_controller<Created>(task, context, "create_topics",
                                 deadline_of(context, request.timeout_ms),
                                 [wanted = std::move(topics), validate = request.validate_only](
                                     env::Task& worker, auto& controller) {
                                   return controller.create_topics(worker, wanted, validate);
                                 });
}

}  // namespace

Result<Reply> handle_create_topics(env::Task& task, Context& context) {
  const auto request = TRY(decode<Request>(task, context));
  const auto carry_out = [&](const std::vector<const Request::Topic*>& topics) {
    std::vector<controller::CreateTopic> wanted;
    for (const Request::Topic* topic : topics) wanted.push_back(to_core(*topic));
    return create(task, context, request, std::move(wanted));
  };
  Response response;
  for (const auto& [topic, created] :
       decide_on_topics<controller::CreatedTopic>(task, request.topics, carry_out)) {
    if (created) {
      for (const auto& config : topic->configs)
        tell_kept_setting(context, topic->name, config.name);
    }
    response.topics.push_back(answer_of(context, *topic, created));
  }
  return reply(task, context, response);
}

}  // namespace flux::server
