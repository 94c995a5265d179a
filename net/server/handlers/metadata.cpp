#include "net/kafka/gen/metadata.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/mark.h"
#include "core/broker/patience.h"
#include "net/server/convert.h"

namespace flux::server {

namespace {

using Request = kafka::MetadataRequest;
using Response = kafka::MetadataResponse;
using Created = controller::Decision<controller::CreatedTopic>;

constexpr std::int16_t kTopicIdsFrom = 12;

// About what a topic, and each of its partitions, takes in an answer that is made, and in its
// bytes.
constexpr std::size_t kTopicMemory = 256;
constexpr std::size_t kPartitionMemory = 384;

std::size_t memory_of(const controller::TopicState* topic) {
  return kTopicMemory + (topic == nullptr ? 0 : topic->partitions.size() * kPartitionMemory);
}

// Of the answer, however often a topic is named.
std::size_t memory_of(Steps& steps, const controller::Image& image,
                      const std::optional<std::vector<Request::Topic>>& wanted) {
  std::size_t out = 0;
  if (!wanted) {
    for (const auto& [name, topic] : image.topics) {
      out += memory_of(topic.get());
      steps.step();
    }
    return out;
  }
  for (const Request::Topic& one : *wanted) {
    out += memory_of((one.name ? image.topic(*one.name) : image.topic(one.topic_id)).get());
    steps.step();
  }
  return out;
}

Response::Topic describe(Steps& steps, const Context& context, const controller::TopicState& topic,
                         bool operations) {
  Response::Topic out;
  out.name = topic.name;
  out.topic_id = topic.id;
  out.is_internal = is_internal_topic(topic.name);
  if (operations) out.topic_authorized_operations = kTopicOperations;
  const auto image = context.broker.image();
  std::int32_t index = 0;
  for (const controller::PartitionState& partition : topic.partitions) {
    Response::Partition answer{.index = PartitionIndex(index++),
                               .leader_id = partition.leader,
                               .leader_epoch = partition.leader_epoch,
                               .replica_nodes = partition.replicas,
                               .isr_nodes = partition.isr,
                               .offline_replicas = offline_replicas(*image, partition)};
    if (partition.leader == kNoNode) answer.error = kafka::WireError::leader_not_available;
    out.partitions.push_back(std::move(answer));
    steps.step();
  }
  return out;
}

Response::Topic missing(const Request::Topic& wanted, kafka::WireError error) {
  Response::Topic out;
  out.error = error;
  out.name = wanted.name;
  out.topic_id = wanted.topic_id;
  out.is_internal = wanted.name && is_internal_topic(*wanted.name);
  return out;
}

// Creates the topic with the broker's defaults. What went wrong is for the client to try again,
// but not a name that no topic can have. A topic that brokers keep for themselves needs settings of
// its own: nobody gets one by asking.
kafka::WireError auto_create(env::Task& task, Context& context, const std::string& name,
                             Instant until) {
  if (auto good = controller::check_topic_name(name); !good) {
    return kafka::WireError::invalid_topic_exception;
  }
  if (is_internal_topic(name) || name == controller::kMetadataTopic) {
    return kafka::WireError::unknown_topic_or_partition;
  }
  if (context.env.clock.now() >= until) {
    REACHED("server.auto_create_late");
    return kafka::WireError::leader_not_available;
  }
  REACHED("server.auto_create");
  broker::Broker& broker = context.broker;
  const auto created = broker::patiently<Created>(
      task, broker.patient_work(), "auto_create", until,
      [&broker, name](env::Task& worker) {
        return broker.controller().create_topic(worker, {.name = name}, false);
      },
      env::StackSize::large);
  if (!created) return kafka::WireError::leader_not_available;
  if (*created) return kafka::WireError::none;
  const kafka::WireError error = to_wire(created->error());
  if (error == kafka::WireError::topic_already_exists) return kafka::WireError::none;
  if (error == kafka::WireError::invalid_topic_exception) return error;
  return kafka::WireError::leader_not_available;
}

Response::Topic answer_topic(env::Task& task, Steps& steps, Context& context,
                             const Request& request, const Request::Topic& wanted, Instant until) {
  const auto found = [&] {
    const auto image = context.broker.image();
    return wanted.name ? image->topic(*wanted.name) : image->topic(wanted.topic_id);
  };
  auto topic = found();
  if (topic == nullptr && !wanted.name) return missing(wanted, kafka::WireError::unknown_topic_id);
  if (topic == nullptr && request.allow_auto_topic_creation && context.config.auto_create_topics) {
    const kafka::WireError error = auto_create(task, context, *wanted.name, until);
    if (error != kafka::WireError::none) return missing(wanted, error);
    topic = found();
  }
  if (topic == nullptr) {
    return missing(wanted, controller::check_topic_name(*wanted.name)
                               ? kafka::WireError::unknown_topic_or_partition
                               : kafka::WireError::invalid_topic_exception);
  }
  return describe(steps, context, *topic, request.include_topic_authorized_operations);
}

void add_brokers(const Context& context, Response& response) {
  const auto image = context.broker.image();
  for (const auto& [id, node] : image->brokers) {
    const controller::BrokerEndpoint* endpoint = endpoint_of(node, context.listener);
    if (node.fenced || endpoint == nullptr) continue;
    response.brokers.push_back(
        {.node_id = id, .host = endpoint->host, .port = endpoint->port, .rack = node.rack});
  }
}

// Versions 10 and 11 have the field for an id, and Kafka's broker takes it from 12 on; before that
// an answer can't leave a name out.
bool asks_by_id(const Request::Topic& wanted) { return !wanted.name || !wanted.topic_id.is_zero(); }

Response refuse_ids(const Request& request) {
  Response response;
  response.controller_id = kNoNode;
  for (const Request::Topic& wanted : *request.topics) {
    Response::Topic topic = missing(wanted, kafka::WireError::invalid_request);
    topic.name = wanted.name.value_or("");
    response.topics.push_back(std::move(topic));
  }
  return response;
}

void answer_topics(env::Task& task, Steps& steps, Context& context, const Request& request,
                   Response& response) {
  // For all of the request together, however many topics are to be made.
  const Instant until = context.broker.patience_end();
  std::set<std::pair<std::string_view, Uuid>> answered;  // as in Kafka, once each
  for (const Request::Topic& wanted : *request.topics) {
    steps.step();
    const std::string_view name = wanted.name ? std::string_view(*wanted.name) : std::string_view();
    if (!answered.emplace(name, wanted.topic_id).second) continue;
    response.topics.push_back(answer_topic(task, steps, context, request, wanted, until));
  }
  forget(task, answered);
}

bool wants_all(const Request& request, std::int16_t version) {
  return !request.topics || (version == 0 && request.topics->empty());
}

}  // namespace

Result<Reply> handle_metadata(env::Task& task, Context& context) {
  auto request = TRY(decode<Request>(task, context));
  const std::int16_t version = context.header.api_version;
  if (version < kTopicIdsFrom && request.topics &&
      std::ranges::any_of(*request.topics, asks_by_id)) {
    REACHED("server.metadata_by_early_id");
    return reply(task, context, refuse_ids(request));
  }
  if (wants_all(request, version)) request.topics.reset();
  Steps steps(task);
  const std::size_t memory = memory_of(steps, *context.broker.image(), request.topics);
  TRY(context.claim.take(task, memory));
  Response response;
  response.cluster_id = context.facts.cluster_id;
  response.controller_id = context.facts.node;
  if (request.include_cluster_authorized_operations) {
    response.cluster_authorized_operations = kClusterOperations;
  }
  add_brokers(context, response);
  if (!request.topics) {
    const auto image = context.broker.image();
    for (const auto& [name, topic] : image->topics) {
      response.topics.push_back(
          describe(steps, context, *topic, request.include_topic_authorized_operations));
      steps.step();
    }
  } else {
    answer_topics(task, steps, context, request, response);
  }
  auto out = reply(task, context, response);
  forget(task, response.topics);
  if (request.topics) forget(task, *request.topics);
  return out;
}

}  // namespace flux::server
