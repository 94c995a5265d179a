#include "net/client/errors.h"

#include <string>

namespace flux::client {
namespace {

using kafka::WireError;

ErrorCode code_of(WireError wire) {
  switch (wire) {
    case WireError::unknown_topic_or_partition:
    case WireError::unknown_topic_id:
      return ErrorCode::unknown_topic_or_partition;
    case WireError::topic_already_exists:
      return ErrorCode::topic_exists;
    case WireError::offset_out_of_range:
      return ErrorCode::out_of_range;
    case WireError::corrupt_message:
    case WireError::invalid_record:
      return ErrorCode::corrupt;
    case WireError::message_too_large:
    case WireError::record_list_too_large:
      return ErrorCode::too_large;
    case WireError::request_timed_out:
      return ErrorCode::timed_out;
    case WireError::unsupported_version:
    case WireError::unsupported_compression_type:
    case WireError::unsupported_for_message_format:
      return ErrorCode::unsupported;
    case WireError::out_of_order_sequence_number:
      return ErrorCode::out_of_order_sequence;
    case WireError::duplicate_sequence_number:
      return ErrorCode::duplicate_sequence;
    case WireError::invalid_producer_epoch:
    case WireError::producer_fenced:
      return ErrorCode::invalid_producer_epoch;
    case WireError::topic_authorization_failed:
    case WireError::cluster_authorization_failed:
      return ErrorCode::permission;
    case WireError::kafka_storage_error:
      return ErrorCode::io_error;
    default:
      return kafka::is_retriable(wire) ? ErrorCode::not_available : ErrorCode::invalid;
  }
}

}  // namespace

Error to_error(WireError wire, std::string_view about) {
  std::string detail(about);
  if (!detail.empty()) detail += ": ";
  detail += kafka::name_of(wire);
  return Error(code_of(wire), std::move(detail));
}

bool surely_not_appended(WireError wire, Acks acks) {
  switch (wire) {
    case WireError::corrupt_message:
    case WireError::unknown_topic_or_partition:
    case WireError::leader_not_available:
    case WireError::message_too_large:
    case WireError::record_list_too_large:
    case WireError::invalid_topic_exception:
    case WireError::not_enough_replicas:
    case WireError::invalid_required_acks:
    case WireError::invalid_timestamp:
    case WireError::invalid_record:
    case WireError::invalid_request:
    case WireError::unsupported_version:
    case WireError::unsupported_compression_type:
    case WireError::unsupported_for_message_format:
    case WireError::out_of_order_sequence_number:
    case WireError::invalid_producer_epoch:
    case WireError::unknown_producer_id:
    case WireError::unknown_topic_id:
    case WireError::topic_authorization_failed:
    case WireError::cluster_authorization_failed:
    case WireError::policy_violation:
      return true;
    case WireError::not_leader_or_follower:
    case WireError::fenced_leader_epoch:
      // A leader that steps down while it waits for its replicas answers this too.
      return acks != Acks::all;
    default:
      return false;
  }
}

}  // namespace flux::client
