// The error numbers of Kafka's protocol, what a client does about each, and which of them tells a
// client about an Error of ours.
//
// A number that is not in the table is still a WireError: a newer broker may send one.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/error.h"

namespace flux::kafka {

// What a client does: give up, try again, or learn the metadata anew and try again.
enum class WireReaction : std::uint8_t { stop, retry, refresh };

#define FLUX_WIRE_ERRORS(X)                          \
  X(unknown_server_error, -1, stop)                  \
  X(none, 0, stop)                                   \
  X(offset_out_of_range, 1, stop)                    \
  X(corrupt_message, 2, retry)                       \
  X(unknown_topic_or_partition, 3, refresh)          \
  X(invalid_fetch_size, 4, stop)                     \
  X(leader_not_available, 5, refresh)                \
  X(not_leader_or_follower, 6, refresh)              \
  X(request_timed_out, 7, retry)                     \
  X(broker_not_available, 8, stop)                   \
  X(replica_not_available, 9, refresh)               \
  X(message_too_large, 10, stop)                     \
  X(stale_controller_epoch, 11, stop)                \
  X(offset_metadata_too_large, 12, stop)             \
  X(network_exception, 13, refresh)                  \
  X(coordinator_load_in_progress, 14, retry)         \
  X(coordinator_not_available, 15, retry)            \
  X(not_coordinator, 16, retry)                      \
  X(invalid_topic_exception, 17, stop)               \
  X(record_list_too_large, 18, stop)                 \
  X(not_enough_replicas, 19, retry)                  \
  X(not_enough_replicas_after_append, 20, retry)     \
  X(invalid_required_acks, 21, stop)                 \
  X(illegal_generation, 22, stop)                    \
  X(inconsistent_group_protocol, 23, stop)           \
  X(invalid_group_id, 24, stop)                      \
  X(unknown_member_id, 25, stop)                     \
  X(invalid_session_timeout, 26, stop)               \
  X(rebalance_in_progress, 27, stop)                 \
  X(invalid_commit_offset_size, 28, stop)            \
  X(topic_authorization_failed, 29, stop)            \
  X(group_authorization_failed, 30, stop)            \
  X(cluster_authorization_failed, 31, stop)          \
  X(invalid_timestamp, 32, stop)                     \
  X(unsupported_sasl_mechanism, 33, stop)            \
  X(illegal_sasl_state, 34, stop)                    \
  X(unsupported_version, 35, stop)                   \
  X(topic_already_exists, 36, stop)                  \
  X(invalid_partitions, 37, stop)                    \
  X(invalid_replication_factor, 38, stop)            \
  X(invalid_replica_assignment, 39, stop)            \
  X(invalid_config, 40, stop)                        \
  X(not_controller, 41, retry)                       \
  X(invalid_request, 42, stop)                       \
  X(unsupported_for_message_format, 43, stop)        \
  X(policy_violation, 44, stop)                      \
  X(out_of_order_sequence_number, 45, stop)          \
  X(duplicate_sequence_number, 46, stop)             \
  X(invalid_producer_epoch, 47, stop)                \
  X(invalid_txn_state, 48, stop)                     \
  X(invalid_producer_id_mapping, 49, stop)           \
  X(invalid_transaction_timeout, 50, stop)           \
  X(concurrent_transactions, 51, retry)              \
  X(transaction_coordinator_fenced, 52, stop)        \
  X(transactional_id_authorization_failed, 53, stop) \
  X(security_disabled, 54, stop)                     \
  X(operation_not_attempted, 55, stop)               \
  X(kafka_storage_error, 56, refresh)                \
  X(log_dir_not_found, 57, stop)                     \
  X(sasl_authentication_failed, 58, stop)            \
  X(unknown_producer_id, 59, stop)                   \
  X(reassignment_in_progress, 60, stop)              \
  X(delegation_token_auth_disabled, 61, stop)        \
  X(delegation_token_not_found, 62, stop)            \
  X(delegation_token_owner_mismatch, 63, stop)       \
  X(delegation_token_request_not_allowed, 64, stop)  \
  X(delegation_token_authorization_failed, 65, stop) \
  X(delegation_token_expired, 66, stop)              \
  X(invalid_principal_type, 67, stop)                \
  X(non_empty_group, 68, stop)                       \
  X(group_id_not_found, 69, stop)                    \
  X(fetch_session_id_not_found, 70, retry)           \
  X(invalid_fetch_session_epoch, 71, retry)          \
  X(listener_not_found, 72, refresh)                 \
  X(topic_deletion_disabled, 73, stop)               \
  X(fenced_leader_epoch, 74, refresh)                \
  X(unknown_leader_epoch, 75, retry)                 \
  X(unsupported_compression_type, 76, stop)          \
  X(stale_broker_epoch, 77, stop)                    \
  X(offset_not_available, 78, retry)                 \
  X(member_id_required, 79, stop)                    \
  X(preferred_leader_not_available, 80, refresh)     \
  X(group_max_size_reached, 81, stop)                \
  X(fenced_instance_id, 82, stop)                    \
  X(eligible_leaders_not_available, 83, refresh)     \
  X(election_not_needed, 84, refresh)                \
  X(no_reassignment_in_progress, 85, stop)           \
  X(group_subscribed_to_topic, 86, stop)             \
  X(invalid_record, 87, stop)                        \
  X(unstable_offset_commit, 88, retry)               \
  X(throttling_quota_exceeded, 89, retry)            \
  X(producer_fenced, 90, stop)                       \
  X(resource_not_found, 91, stop)                    \
  X(duplicate_resource, 92, stop)                    \
  X(unacceptable_credential, 93, stop)               \
  X(inconsistent_voter_set, 94, stop)                \
  X(invalid_update_version, 95, stop)                \
  X(feature_update_failed, 96, stop)                 \
  X(principal_deserialization_failure, 97, stop)     \
  X(snapshot_not_found, 98, stop)                    \
  X(position_out_of_range, 99, stop)                 \
  X(unknown_topic_id, 100, refresh)                  \
  X(duplicate_broker_registration, 101, stop)        \
  X(broker_id_not_registered, 102, stop)             \
  X(inconsistent_topic_id, 103, refresh)             \
  X(inconsistent_cluster_id, 104, stop)              \
  X(transactional_id_not_found, 105, stop)           \
  X(fetch_session_topic_id_error, 106, retry)        \
  X(ineligible_replica, 107, stop)                   \
  X(new_leader_elected, 108, stop)                   \
  X(offset_moved_to_tiered_storage, 109, stop)       \
  X(fenced_member_epoch, 110, stop)                  \
  X(unreleased_instance_id, 111, stop)               \
  X(unsupported_assignor, 112, stop)                 \
  X(stale_member_epoch, 113, stop)                   \
  X(mismatched_endpoint_type, 114, stop)             \
  X(unsupported_endpoint_type, 115, stop)            \
  X(unknown_controller_id, 116, stop)                \
  X(unknown_subscription_id, 117, stop)              \
  X(telemetry_too_large, 118, stop)                  \
  X(invalid_registration, 119, stop)                 \
  X(transaction_abortable, 120, stop)                \
  X(invalid_record_state, 121, stop)                 \
  X(share_session_not_found, 122, retry)             \
  X(invalid_share_session_epoch, 123, retry)         \
  X(fenced_state_epoch, 124, stop)                   \
  X(invalid_voter_key, 125, stop)                    \
  X(duplicate_voter, 126, stop)                      \
  X(voter_not_found, 127, stop)                      \
  X(invalid_regular_expression, 128, stop)           \
  X(rebootstrap_required, 129, stop)                 \
  X(streams_invalid_topology, 130, stop)             \
  X(streams_invalid_topology_epoch, 131, stop)       \
  X(streams_topology_fenced, 132, stop)              \
  X(share_session_limit_reached, 133, retry)

enum class WireError : std::int16_t {
#define X(name, number, reaction) name = number,
  FLUX_WIRE_ERRORS(X)
#undef X
};

// "not_leader_or_follower"; "unknown_error_code" for a number outside of the table.
std::string_view name_of(WireError error);

WireReaction reaction_to(WireError error);
inline bool is_retriable(WireError error) { return reaction_to(error) != WireReaction::stop; }

// What to answer when nothing more specific is known about the request. A handler that knows more
// (an offset out of a partition's range, a leader that moved) says so instead.
WireError to_wire(ErrorCode code);
inline WireError to_wire(const Error& error) { return to_wire(error.code()); }

}  // namespace flux::kafka
