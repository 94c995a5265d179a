// Fault: why a request about a partition was not carried out, as clients tell the cases apart.
//
// Each kind is one of Kafka's errors; net/server maps them. Core's own errors (ErrorCode) turn into
// faults where a partition meets its log.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "core/base/error.h"
#include "core/record/validate.h"

namespace flux::broker {

enum class FaultKind : std::uint8_t {
  unknown_topic_or_partition,
  unknown_topic_id,
  not_leader,
  fenced_leader_epoch,
  unknown_leader_epoch,
  offset_out_of_range,
  timed_out,
  storage,  // the disk or the log failed; others of this broker may be well
  corrupt_message,
  invalid_record,
  invalid_timestamp,
  message_too_large,
  record_list_too_large,
  unsupported_codec,
  out_of_order_sequence,
  invalid_producer_epoch,
  invalid_txn_state,
  not_enough_replicas,
  policy_violation,
};

struct Fault {
  FaultKind kind;
  std::string detail;        // for a person
  std::int32_t record = -1;  // of the batch, when one record is at fault
};

template <class T>
using Outcome = std::expected<T, Fault>;

inline std::unexpected<Fault> fault(FaultKind kind, std::string detail = {}) {
  return std::unexpected(Fault{kind, std::move(detail)});
}

// What an error of the log means to a client.
Fault fault_of(const Error& error);
Fault fault_of(const record::BatchFault& bad);

}  // namespace flux::broker
