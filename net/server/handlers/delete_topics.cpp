#include "net/kafka/gen/delete_topics.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/server/ask_controller.h"
#include "net/server/convert.h"

namespace flux::server {

namespace {

using Request = kafka::DeleteTopicsRequest;
using Response = kafka::DeleteTopicsResponse;
using Deleted = std::vector<controller::Decision<void>>;

constexpr std::int16_t kTopicIdsFrom = 6;
constexpr std::int16_t kDisabledErrorFrom = 3;

Response::Topic refuse(Response::Topic topic, std::string_view why,
                       kafka::WireError error = kafka::WireError::invalid_request) {
  topic.error = error;
  topic.error_message = why;
  return topic;
}

Response::Topic find(const Context& context, const Request::Topic& wanted) {
  const auto image = context.broker.image();
  const auto topic = wanted.name ? image->topic(*wanted.name) : image->topic(wanted.topic_id);
  Response::Topic out{.name = wanted.name, .topic_id = wanted.topic_id};
  if (wanted.name && !wanted.topic_id.is_zero()) {
    return refuse(std::move(out), "You may not specify both topic name and topic id.");
  }
  if (!wanted.name && wanted.topic_id.is_zero()) {
    return refuse(std::move(out), "Neither topic name nor id were specified.");
  }
  if (topic == nullptr) {
    return wanted.name ? refuse(std::move(out), "There is no such topic.",
                                kafka::WireError::unknown_topic_or_partition)
                       : refuse(std::move(out), "There is no topic with this id.",
                                kafka::WireError::unknown_topic_id);
  }
  out.name = topic->name;
  out.topic_id = topic->id;
  return out;
}

// How a topic was named: by name alone, with the id zero, or by id alone, with the name empty.
using Naming = std::pair<std::string_view, Uuid>;

std::optional<Naming> naming_of(const Request::Topic& topic) {
  if (topic.name.has_value() != topic.topic_id.is_zero()) return std::nullopt;
  return Naming(topic.name ? *topic.name : std::string_view(), topic.topic_id);
}

std::map<Naming, int> count_namings(Steps& steps, const std::vector<Request::Topic>& topics) {
  std::map<Naming, int> times;
  for (const Request::Topic& topic : topics) {
    steps.step();
    if (const auto naming = naming_of(topic)) ++times[*naming];
  }
  return times;
}

// One answer for each topic, as Kafka gives it: who is named twice, in whichever way, is refused
// once and stays.
std::vector<Response::Topic> find_all(env::Task& task, const Context& context,
                                      const std::vector<Request::Topic>& wanted) {
  Steps steps(task);
  std::map<Naming, int> times = count_namings(steps, wanted);
  std::vector<Response::Topic> out;
  for (const Request::Topic& topic : wanted) {
    steps.step();
    if (const auto naming = naming_of(topic); naming && times[*naming] != 1) {
      // Zero: it has been refused.
      if (std::exchange(times[*naming], 0) != 0) {
        out.push_back(refuse({.name = topic.name, .topic_id = topic.topic_id},
                             topic.name ? "Duplicate topic name." : "Duplicate topic id."));
      }
      continue;
    }
    Response::Topic found = find(context, topic);
    const bool both_ways = found.error == kafka::WireError::none &&
                           times.contains({*found.name, Uuid{}}) &&
                           times.contains({std::string_view(), found.topic_id});
    if (!both_ways) {
      out.push_back(std::move(found));
    } else if (topic.name) {
      out.push_back(refuse(std::move(found),
                           "The provided topic name maps to an ID that was already supplied."));
    }
  }
  return out;
}

// As version 6 names them, whichever it was.
std::vector<Request::Topic> wanted_topics(env::Task& task, const Context& context,
                                          Request& request) {
  if (context.header.api_version >= kTopicIdsFrom) return std::move(request.topics);
  std::vector<Request::Topic> out;
  Steps steps(task);
  for (std::string& name : request.topic_names) {
    steps.step();
    out.push_back({.name = std::move(name), .topic_id = {}});
  }
  return out;
}

Result<Deleted> remove(env::Task& task, const Context& context, std::vector<Uuid> ids,
                       std::int32_t timeout_ms) {
  return ask_controller<Deleted>(task, context, "delete_topics", deadline_of(context, timeout_ms),
                                 [doomed = std::move(ids)](env::Task& worker, auto& controller) {
                                   Deleted out;
                                   for (const Uuid& id : doomed)
                                     out.push_back(controller.delete_topic(worker, id));
                                   return out;
                                 });
}

}  // namespace

Result<Reply> handle_delete_topics(env::Task& task, Context& context) {
  auto request = TRY(decode<Request>(task, context));
  auto wanted = wanted_topics(task, context, request);
  Response response;
  response.topics = find_all(task, context, wanted);
  forget(task, wanted);
  if (!context.config.delete_topics) {
    for (Response::Topic& topic : response.topics) {
      topic.error = context.header.api_version >= kDisabledErrorFrom
                        ? kafka::WireError::topic_deletion_disabled
                        : kafka::WireError::invalid_request;
    }
    return reply(task, context, response);
  }
  std::vector<Uuid> ids;
  for (const Response::Topic& topic : response.topics) {
    if (topic.error == kafka::WireError::none) ids.push_back(topic.topic_id);
  }
  const auto deleted = remove(task, context, ids, request.timeout_ms);
  std::size_t next = 0;
  for (Response::Topic& topic : response.topics) {
    if (topic.error != kafka::WireError::none) continue;
    if (!deleted) {
      topic.error = kafka::WireError::request_timed_out;
    } else if (const auto& one = (*deleted)[next++]; !one) {
      topic.error = to_wire(one.error());
      topic.error_message = text_or_null(one.error().detail);
    }
  }
  auto out = reply(task, context, response);
  forget(task, response.topics);
  return out;
}

}  // namespace flux::server
