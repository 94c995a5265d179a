#include "net/kafka/gen/create_partitions.h"

#include <algorithm>
#include <map>
#include <vector>

#include "core/broker/patience.h"
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

Result<Created> create(env::Task& task, Context& context, const Request& request,
                       std::vector<controller::CreatePartitions> topics) {
  broker::Broker& broker = context.broker;
  const Instant until =
      std::min(broker.patience_end(),
               context.env.clock.now() + milliseconds(std::max(0, request.timeout_ms)));
  return broker::patiently<Created>(
      task, broker.work(), "create_partitions", until,
      [&broker, wanted = std::move(topics), validate = request.validate_only](env::Task& worker) {
        return broker.controller().create_partitions(worker, wanted, validate);
      },
      env::StackSize::large);
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
  const auto request = TRY(decode<Request>(context));
  std::map<std::string_view, int> times;
  for (const Request::Topic& topic : request.topics) ++times[topic.name];
  std::vector<controller::CreatePartitions> wanted;
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
      response.results.push_back(answer_of(topic.name, (*created)[next++]));
    } else if (times[topic.name] > 1) {
      times[topic.name] = 0;  // answered once
      const controller::Refusal twice{controller::RefusalKind::invalid_request,
                                      "Duplicate topic name."};
      response.results.push_back(answer_of(topic.name, std::unexpected(twice)));
    }
  }
  return reply(context, response);
}

}  // namespace flux::server
