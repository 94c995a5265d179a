#include "net/kafka/gen/delete_topics.h"

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

Response::Topic find(const Context& context, const Request::Topic& wanted) {
  const auto image = context.broker.image();
  const auto topic = wanted.name ? image->topic(*wanted.name) : image->topic(wanted.topic_id);
  Response::Topic out;
  out.name = wanted.name;
  out.topic_id = wanted.topic_id;
  if (wanted.name && !wanted.topic_id.is_zero()) {
    out.error = kafka::WireError::invalid_request;
    out.error_message = "You may not specify both topic name and topic id.";
  } else if (!wanted.name && wanted.topic_id.is_zero()) {
    out.error = kafka::WireError::invalid_request;
    out.error_message = "A topic needs its name or its id.";
  } else if (topic == nullptr) {
    out.error = wanted.name ? kafka::WireError::unknown_topic_or_partition
                            : kafka::WireError::unknown_topic_id;
  } else {
    out.name = topic->name;
    out.topic_id = topic->id;
  }
  return out;
}

std::vector<Response::Topic> find_all(const Context& context, const Request& request) {
  std::vector<Response::Topic> out;
  if (context.header.api_version >= kTopicIdsFrom) {
    for (const Request::Topic& topic : request.topics) out.push_back(find(context, topic));
  } else {
    for (const std::string& name : request.topic_names) {
      out.push_back(find(context, {.name = name, .topic_id = {}}));
    }
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
  const auto request = TRY(decode<Request>(context));
  Response response;
  response.topics = find_all(context, request);
  if (!context.config.delete_topics) {
    for (Response::Topic& topic : response.topics) {
      topic.error = context.header.api_version >= kDisabledErrorFrom
                        ? kafka::WireError::topic_deletion_disabled
                        : kafka::WireError::invalid_request;
    }
    return reply(context, response);
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
  return reply(context, response);
}

}  // namespace flux::server
