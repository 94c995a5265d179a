#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "net/client/admin_change.h"

namespace flux::client {
namespace {

using kafka::WireError;

std::string words_for(const ConfigTarget& target) {
  if (target.kind == ConfigTarget::Kind::topic) return fmt::format("topic \"{}\"", target.name);
  return target.name.empty() ? "all brokers" : "broker " + target.name;
}

// The node that a broker's id names; none for any other resource, which every broker knows.
NodeId node_of(const ConfigTarget& target) {
  if (target.kind != ConfigTarget::Kind::broker) return kNoNode;
  std::int32_t id = kNoNode.value();
  std::from_chars(target.name.data(), target.name.data() + target.name.size(), id);
  return NodeId(id);
}

ConfigEntry to_entry(const kafka::DescribeConfigsResponse::Config& config) {
  ConfigEntry out{.name = config.name,
                  .value = config.value,
                  .source = config.config_source,
                  .read_only = config.read_only,
                  .sensitive = config.is_sensitive,
                  .documentation = config.documentation.value_or(""),
                  .origins = {}};
  for (const auto& origin : config.synonyms) {
    out.origins.push_back({origin.name, origin.value, origin.source});
  }
  return out;
}

}  // namespace

Admin::Done Admin::alter_config(env::Task& task, const ConfigTarget& target,
                                const std::vector<ConfigEdit>& edits, bool validate_only) {
  kafka::IncrementalAlterConfigsRequest request;
  request.validate_only = validate_only;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = static_cast<std::int8_t>(target.kind);
  resource.resource_name = target.name;
  for (const ConfigEdit& edit : edits) {
    auto& config = resource.configs.emplace_back();
    config.name = edit.name;
    config.config_operation = static_cast<std::int8_t>(edit.operation);
    if (edit.operation != ConfigEdit::Operation::remove) config.value = edit.value;
  }
  return change(task, request, words_for(target),
                [&](const kafka::IncrementalAlterConfigsResponse& answer, Done& done) {
                  if (answer.responses.size() != 1) return WireError::unknown_server_error;
                  const auto& outcome = answer.responses.front();
                  if (outcome.error_message && outcome.error != WireError::none) {
                    done.error = Error(ErrorCode::invalid, *outcome.error_message);
                  }
                  return outcome.error;
                });
}

Admin::Done Admin::create_partitions(env::Task& task, const std::string& topic, std::int32_t count,
                                     bool validate_only) {
  kafka::CreatePartitionsRequest request;
  request.timeout_ms = static_cast<std::int32_t>(client_.config().request_timeout.ms());
  request.validate_only = validate_only;
  auto& entry = request.topics.emplace_back();
  entry.name = topic;
  entry.count = count;
  return change(task, request, "topic \"" + topic + "\"",
                [&](const kafka::CreatePartitionsResponse& answer, Done& done) {
                  if (answer.results.size() != 1) return WireError::unknown_server_error;
                  const auto& outcome = answer.results.front();
                  if (outcome.error_message && outcome.error != WireError::none) {
                    done.error = Error(ErrorCode::invalid, *outcome.error_message);
                  }
                  return outcome.error;
                });
}

CallResult<AnswerOf<kafka::DescribeConfigsRequest>> Admin::describe_config_once(
    env::Task& task, const ConfigTarget& target) {
  kafka::DescribeConfigsRequest request;
  request.include_synonyms = true;
  request.include_documentation = true;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = static_cast<std::int8_t>(target.kind);
  resource.resource_name = target.name;
  // A broker answers for itself alone.
  const BrokerInfo* broker = client_.metadata().broker(node_of(target));
  if (broker != nullptr) return client_.call(task, broker->at, request);
  const auto connection = client_.any_broker(task);
  if (!connection) return std::unexpected(CallFailure{connection.error(), false});
  return (*connection)->call(task, request, client_.config().request_timeout);
}

Result<std::vector<ConfigEntry>> Admin::describe_config(env::Task& task,
                                                        const ConfigTarget& target) {
  const Instant until = client_.now() + client_.config().api_timeout;
  const env::DeadlineScope scope(task, until);
  const Key key = kAdmin.with(++calls_);
  for (std::uint32_t failures = 1;; ++failures) {
    Error why(ErrorCode::not_available);
    const auto answer = describe_config_once(task, target);
    if (answer && answer->body.results.size() == 1) {
      const auto& result = answer->body.results.front();
      if (result.error == WireError::none) {
        std::vector<ConfigEntry> out;
        for (const auto& config : result.configs) out.push_back(to_entry(config));
        std::ranges::sort(out, {}, &ConfigEntry::name);
        return out;
      }
      why = to_error(result.error, words_for(target));
      if (result.error_message && !result.error_message->empty()) {
        why = Error(why.code(), why.detail() + ": " + *result.error_message);
      }
      const bool again = kafka::is_retriable(result.error) &&
                         result.error != WireError::unknown_topic_or_partition;
      if (!again) return std::unexpected(why);
    } else {
      why = answer ? Error(ErrorCode::corrupt, "an answer without the resource")
                   : answer.error().error;
      if (why == ErrorCode::unsupported || why == ErrorCode::cancelled) return std::unexpected(why);
    }
    TRY(client_.pause(task, key, failures, until, why));
  }
}

}  // namespace flux::client
