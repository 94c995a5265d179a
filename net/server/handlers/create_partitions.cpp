#include "net/kafka/gen/create_partitions.h"

#include <utility>
#include <vector>

#include "net/server/ask_controller.h"
#include "net/server/convert.h"

namespace flux::server {

namespace {

using Request = kafka::CreatePartitionsRequest;
using Response = kafka::CreatePartitionsResponse;
using Created = std::vector<controller::Decision<void>>;

controller::CreatePartitions to_core(const Request::Topic& topic) {
  controller::CreatePartitions out{.topic = topic.name, .count = topic.count, .assignments = {}};
  if (!topic.assignments) return out;
  out.assignments.emplace();
  for (const auto& assignment : *topic.assignments) {
    out.assignments->push_back(assignment.broker_ids);
  }
  return out;
}

Result<Created> create(env::Task& task, const Context& context, const Request& request,
                       std::vector<controller::CreatePartitions> topics) {
  return ask_controller<Created>(task, context, "create_partitions",
                                 deadline_of(context, request.timeout_ms),
                                 [wanted = std::move(topics), validate = request.validate_only](
                                     env::Task& worker, auto& controller) {
                                   return controller.create_partitions(worker, wanted, validate);
                                 });
}

Response::Topic answer_of(const std::string& name, const controller::Decision<void>& created) {
  Response::Topic out;
  out.name = name;
  if (created) return out;
  out.error = to_wire(created.error());
  out.error_message = text_or_null(created.error().detail);
  return out;
}

}  // namespace

Result<Reply> handle_create_partitions(env::Task& task, Context& context) {
  const auto request = TRY(decode<Request>(task, context));
  const auto carry_out = [&](const std::vector<const Request::Topic*>& topics) {
    std::vector<controller::CreatePartitions> wanted;
    for (const Request::Topic* topic : topics) wanted.push_back(to_core(*topic));
    return create(task, context, request, std::move(wanted));
  };
  Response response;
  for (const auto& [topic, created] : decide_on_topics<void>(task, request.topics, carry_out)) {
    response.results.push_back(answer_of(topic->name, created));
  }
  return reply(task, context, response);
}

}  // namespace flux::server
