#include "net/kafka/gen/describe_cluster.h"

#include "net/server/convert.h"

namespace flux::server {

namespace {

constexpr std::int8_t kBrokers = 1;
constexpr std::int8_t kControllers = 2;

}  // namespace

Result<Reply> handle_describe_cluster(env::Task& task, Context& context) {
  const auto request = TRY(decode<kafka::DescribeClusterRequest>(task, context));
  kafka::DescribeClusterResponse response;
  if (request.endpoint_type != kBrokers) {
    response.error = request.endpoint_type == kControllers
                         ? kafka::WireError::mismatched_endpoint_type
                         : kafka::WireError::unsupported_endpoint_type;
    response.error_message = "The request was sent to an endpoint of type BROKER.";
    return reply(task, context, response);
  }
  const auto image = context.broker.image();
  response.cluster_id = context.facts.cluster_id;
  response.controller_id = context.facts.node;
  if (request.include_cluster_authorized_operations) {
    response.cluster_authorized_operations = kClusterOperations;
  }
  for (const auto& [id, node] : image->brokers) {
    const controller::BrokerEndpoint* endpoint = endpoint_of(node, context.listener);
    if (endpoint == nullptr || (node.fenced && !request.include_fenced_brokers)) continue;
    response.brokers.push_back({.broker_id = id,
                                .host = endpoint->host,
                                .port = endpoint->port,
                                .rack = node.rack,
                                .is_fenced = node.fenced});
  }
  return reply(task, context, response);
}

}  // namespace flux::server
