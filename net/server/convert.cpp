#include "net/server/convert.h"

#include <algorithm>

namespace flux::server {

using kafka::WireError;

WireError to_wire(const broker::Fault& fault) {
  using broker::FaultKind;
  switch (fault.kind) {
    case FaultKind::unknown_topic_or_partition:
      return WireError::unknown_topic_or_partition;
    case FaultKind::unknown_topic_id:
      return WireError::unknown_topic_id;
    case FaultKind::not_leader:
      return WireError::not_leader_or_follower;
    case FaultKind::fenced_leader_epoch:
      return WireError::fenced_leader_epoch;
    case FaultKind::unknown_leader_epoch:
      return WireError::unknown_leader_epoch;
    case FaultKind::offset_out_of_range:
      return WireError::offset_out_of_range;
    case FaultKind::timed_out:
      return WireError::request_timed_out;
    case FaultKind::storage:
      return WireError::kafka_storage_error;
    case FaultKind::corrupt_message:
      return WireError::corrupt_message;
    case FaultKind::invalid_record:
      return WireError::invalid_record;
    case FaultKind::invalid_timestamp:
      return WireError::invalid_timestamp;
    case FaultKind::message_too_large:
      return WireError::message_too_large;
    case FaultKind::record_list_too_large:
      return WireError::record_list_too_large;
    case FaultKind::unsupported_codec:
      return WireError::unsupported_compression_type;
    case FaultKind::out_of_order_sequence:
      return WireError::out_of_order_sequence_number;
    case FaultKind::invalid_producer_epoch:
      return WireError::invalid_producer_epoch;
    case FaultKind::invalid_txn_state:
      return WireError::invalid_txn_state;
    case FaultKind::not_enough_replicas:
      return WireError::not_enough_replicas;
    case FaultKind::policy_violation:
      return WireError::policy_violation;
  }
  UNREACHABLE("a fault outside of the enum");
}

WireError to_wire(const controller::Refusal& refusal) {
  using controller::RefusalKind;
  switch (refusal.kind) {
    case RefusalKind::invalid_topic:
      return WireError::invalid_topic_exception;
    case RefusalKind::topic_exists:
      return WireError::topic_already_exists;
    case RefusalKind::unknown_topic:
      return WireError::unknown_topic_or_partition;
    case RefusalKind::unknown_topic_id:
      return WireError::unknown_topic_id;
    case RefusalKind::invalid_partitions:
      return WireError::invalid_partitions;
    case RefusalKind::invalid_replication_factor:
      return WireError::invalid_replication_factor;
    case RefusalKind::invalid_replica_assignment:
      return WireError::invalid_replica_assignment;
    case RefusalKind::invalid_config:
      return WireError::invalid_config;
    case RefusalKind::invalid_request:
      return WireError::invalid_request;
    case RefusalKind::policy_violation:
      return WireError::policy_violation;
    case RefusalKind::stale_broker_epoch:
      return WireError::stale_broker_epoch;
    case RefusalKind::unknown_broker:
      return WireError::broker_id_not_registered;
    case RefusalKind::invalid_registration:
      return WireError::invalid_registration;
    case RefusalKind::unsupported_version:
      return WireError::unsupported_version;
    case RefusalKind::storage_error:
      return WireError::kafka_storage_error;
    case RefusalKind::timed_out:
      return WireError::request_timed_out;
  }
  UNREACHABLE("a refusal outside of the enum");
}

bool is_internal_topic(std::string_view name) {
  return name == "__consumer_offsets" || name == "__transaction_state" ||
         name == "__share_group_state";
}

std::vector<NodeId> offline_replicas(const controller::Image& image,
                                     const controller::PartitionState& partition) {
  std::vector<NodeId> out;
  for (const NodeId replica : partition.replicas) {
    const auto node = image.brokers.find(replica);
    if (node == image.brokers.end() || node->second.fenced) out.push_back(replica);
  }
  return out;
}

const controller::BrokerEndpoint* endpoint_of(const controller::RegisterBrokerRecord& broker,
                                              std::string_view listener) {
  const auto found =
      std::ranges::find(broker.endpoints, listener, &controller::BrokerEndpoint::listener);
  return found == broker.endpoints.end() ? nullptr : &*found;
}

}  // namespace flux::server
