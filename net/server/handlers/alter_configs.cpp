#include "net/kafka/gen/alter_configs.h"

#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/controller/decisions_config.h"
#include "net/kafka/gen/incremental_alter_configs.h"
#include "net/server/ask_controller.h"
#include "net/server/convert.h"
#include "net/server/settings.h"

namespace flux::server {

namespace {

using controller::AlterConfig;
using controller::ConfigOperation;
using Altered = std::vector<controller::Decision<void>>;

// One resource of either request, on its way from the question to the answer.
struct Wanted {
  std::int8_t type = 0;
  std::string name;
  std::vector<controller::ConfigChange> changes;
  kafka::WireError error = kafka::WireError::none;
  std::string message;

  void refuse(kafka::WireError why, std::string words) {
    error = why;
    message = std::move(words);
  }
};

void check_type(const Context& context, Wanted& wanted, bool incremental) {
  const auto type = static_cast<ResourceType>(wanted.type);
  if (type == ResourceType::topic || type == ResourceType::broker) return;
  if (type == ResourceType::broker_logger && incremental) {
    const std::string own = own_name(context);
    if (wanted.name != own) {
      return wanted.refuse(
          kafka::WireError::invalid_request,
          fmt::format("Unexpected node id. Expected {}, but received {}", own, wanted.name));
    }
    if (wanted.changes.empty()) return;
    return wanted.refuse(kafka::WireError::invalid_config,
                         fmt::format("Logger {} does not exist!", wanted.changes.front().name));
  }
  const bool known = incremental && !name_of(type).empty();
  wanted.refuse(kafka::WireError::invalid_request,
                known ? fmt::format("This release keeps no settings of {}.", name_of(type))
                      : fmt::format("Unknown resource type {}", wanted.type));
}

void check_operations(Wanted& wanted) {
  for (const controller::ConfigChange& change : wanted.changes) {
    const auto number = static_cast<std::int8_t>(change.operation);
    if (number >= 0 && change.operation <= ConfigOperation::subtract) continue;
    wanted.refuse(kafka::WireError::invalid_request,
                  fmt::format("Unknown operation {} on {}", number, change.name));
  }
}

Result<Altered> alter(env::Task& task, const Context& context, std::vector<AlterConfig> requests,
                      bool validate_only) {
  return ask_controller<Altered>(
      task, context, "alter_configs", context.broker.patience_end(),
      [wanted = std::move(requests), validate_only](env::Task& worker, auto& controller) {
        return controller.alter_configs(worker, wanted, validate_only);
      });
}

// Fills in what became of each.
void carry_out(env::Task& task, Context& context, std::vector<Wanted>& all, bool incremental,
               bool validate_only) {
  std::map<std::pair<std::int8_t, std::string_view>, int> times;
  for (const Wanted& wanted : all) ++times[{wanted.type, wanted.name}];
  std::vector<Wanted*> good;
  std::vector<AlterConfig> requests;
  for (Wanted& wanted : all) {
    if (times[{wanted.type, wanted.name}] > 1) {
      wanted.refuse(kafka::WireError::invalid_request, "Each resource must appear at most once.");
      continue;
    }
    check_type(context, wanted, incremental);
    check_operations(wanted);
    const auto type = static_cast<ResourceType>(wanted.type);
    if (wanted.error != kafka::WireError::none || type == ResourceType::broker_logger) continue;
    const auto kind = type == ResourceType::topic ? controller::ConfigResourceKind::topic
                                                  : controller::ConfigResourceKind::broker;
    requests.push_back(
        {.resource = {kind, wanted.name}, .changes = wanted.changes, .replace = !incremental});
    good.push_back(&wanted);
  }
  if (good.empty()) return;
  const auto altered = alter(task, context, std::move(requests), validate_only);
  for (std::size_t i = 0; i < good.size(); ++i) {
    if (!altered) {
      good[i]->refuse(kafka::WireError::request_timed_out, kControllerLate);
    } else if (!(*altered)[i]) {
      good[i]->refuse(to_wire((*altered)[i].error()), (*altered)[i].error().detail);
    } else if (!validate_only) {
      for (const auto& change : good[i]->changes) {
        if (change.operation == ConfigOperation::remove) continue;
        tell_kept_setting(context, good[i]->name, change.name);
      }
    }
  }
}

// Each resource of either request becomes one to alter, its settings by `change_of`.
template <class Response, class Request, class ChangeOf>
Result<Reply> alter_all(env::Task& task, Context& context, const Request& request, bool incremental,
                        const ChangeOf& change_of) {
  std::vector<Wanted> all;
  for (const auto& resource : request.resources) {
    Wanted& wanted = all.emplace_back();
    wanted.type = resource.resource_type;
    wanted.name = resource.resource_name;
    for (const auto& config : resource.configs) wanted.changes.push_back(change_of(config));
  }
  carry_out(task, context, all, incremental, request.validate_only);
  Response response;
  for (const Wanted& wanted : all) {
    response.responses.push_back({.error = wanted.error,
                                  .error_message = text_or_null(wanted.message),
                                  .resource_type = wanted.type,
                                  .resource_name = wanted.name});
  }
  return reply(task, context, response);
}

}  // namespace

Result<Reply> handle_alter_configs(env::Task& task, Context& context) {
  const auto request = TRY(decode<kafka::AlterConfigsRequest>(task, context));
  return alter_all<kafka::AlterConfigsResponse>(
      task, context, request, false, [](const auto& config) {
        return controller::ConfigChange{config.name, ConfigOperation::set, config.value};
      });
}

Result<Reply> handle_incremental_alter_configs(env::Task& task, Context& context) {
  const auto request = TRY(decode<kafka::IncrementalAlterConfigsRequest>(task, context));
  return alter_all<kafka::IncrementalAlterConfigsResponse>(
      task, context, request, true, [](const auto& config) {
        const auto operation = static_cast<ConfigOperation>(config.config_operation);
        return controller::ConfigChange{config.name, operation, config.value};
      });
}

}  // namespace flux::server
