#include "core/broker/fault.h"

#include "core/base/check.h"

namespace flux::broker {

namespace {

FaultKind kind_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::out_of_range:
      return FaultKind::offset_out_of_range;
    case ErrorCode::timed_out:
    case ErrorCode::cancelled:
      return FaultKind::timed_out;
    case ErrorCode::corrupt:
      return FaultKind::corrupt_message;
    case ErrorCode::too_large:
      return FaultKind::record_list_too_large;
    case ErrorCode::out_of_order_sequence:
      return FaultKind::out_of_order_sequence;
    case ErrorCode::invalid_producer_epoch:
      return FaultKind::invalid_producer_epoch;
    case ErrorCode::unknown_topic_or_partition:
      return FaultKind::unknown_topic_or_partition;
    case ErrorCode::invalid:
    case ErrorCode::unsupported:
    case ErrorCode::exists:
    case ErrorCode::not_found:
    case ErrorCode::permission:
    case ErrorCode::locked:
    case ErrorCode::not_available:
    case ErrorCode::refused:
    case ErrorCode::reset:
    case ErrorCode::closed:
    case ErrorCode::unreachable:
    case ErrorCode::address_in_use:
    case ErrorCode::io_error:
    case ErrorCode::no_space:
    case ErrorCode::too_many_files:
    case ErrorCode::out_of_memory:
    case ErrorCode::topic_exists:
    case ErrorCode::duplicate_sequence:
      return FaultKind::storage;
  }
  UNREACHABLE("an error code outside of the table");
}

}  // namespace

Fault fault_of(const Error& error) { return {kind_of(error.code()), error.to_string()}; }

Fault fault_of(const record::BatchFault& bad) {
  switch (bad.kind) {
    case record::BatchFaultKind::corrupt:
      return {FaultKind::corrupt_message, bad.detail, bad.record};
    case record::BatchFaultKind::invalid_record:
      return {FaultKind::invalid_record, bad.detail, bad.record};
    case record::BatchFaultKind::invalid_timestamp:
      return {FaultKind::invalid_timestamp, bad.detail, bad.record};
    case record::BatchFaultKind::too_large:
      return {FaultKind::message_too_large, bad.detail, bad.record};
    case record::BatchFaultKind::unsupported_codec:
      return {FaultKind::unsupported_codec, bad.detail, bad.record};
  }
  UNREACHABLE("a batch fault outside of the enum");
}

}  // namespace flux::broker
