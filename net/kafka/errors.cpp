#include "net/kafka/errors.h"

#include "core/base/check.h"

namespace flux::kafka {

std::string_view name_of(WireError error) {
  switch (error) {
#define X(name, number, reaction) \
  case WireError::name:           \
    return #name;
    FLUX_WIRE_ERRORS(X)
#undef X
  }
  return "unknown_error_code";
}

WireReaction reaction_to(WireError error) {
  switch (error) {
#define X(name, number, reaction) \
  case WireError::name:           \
    return WireReaction::reaction;
    FLUX_WIRE_ERRORS(X)
#undef X
  }
  return WireReaction::stop;
}

WireError to_wire(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid:
    case ErrorCode::exists:
    case ErrorCode::not_found:
      return WireError::invalid_request;
    case ErrorCode::unsupported:
      return WireError::unsupported_version;
    case ErrorCode::too_large:
      return WireError::message_too_large;
    case ErrorCode::out_of_range:
      return WireError::offset_out_of_range;
    case ErrorCode::timed_out:
    case ErrorCode::cancelled:
      return WireError::request_timed_out;
    case ErrorCode::not_available:
      return WireError::leader_not_available;
    case ErrorCode::corrupt:
      return WireError::corrupt_message;
    case ErrorCode::refused:
    case ErrorCode::reset:
    case ErrorCode::closed:
    case ErrorCode::unreachable:
    case ErrorCode::address_in_use:
      return WireError::network_exception;
    case ErrorCode::permission:
    case ErrorCode::locked:
    case ErrorCode::io_error:
    case ErrorCode::no_space:
    case ErrorCode::too_many_files:
      return WireError::kafka_storage_error;
    case ErrorCode::out_of_memory:
      return WireError::unknown_server_error;
    case ErrorCode::unknown_topic_or_partition:
      return WireError::unknown_topic_or_partition;
    case ErrorCode::topic_exists:
      return WireError::topic_already_exists;
    case ErrorCode::out_of_order_sequence:
      return WireError::out_of_order_sequence_number;
    case ErrorCode::duplicate_sequence:
      return WireError::duplicate_sequence_number;
    case ErrorCode::invalid_producer_epoch:
      return WireError::invalid_producer_epoch;
  }
  UNREACHABLE("an error code outside of the table");
}

}  // namespace flux::kafka
