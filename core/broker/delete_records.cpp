#include "core/broker/delete_records.h"

#include <fmt/format.h>

#include "core/base/mark.h"

namespace flux::broker {

namespace {

Outcome<Offset> delete_before(env::Task& task, Partition& partition, Offset before) {
  // Its last record of each key is what a compacted topic is for.
  if (partition.config().compact && !partition.config().deletes) {
    return fault(FaultKind::policy_violation, "cleanup.policy of the topic does not hold delete");
  }
  const auto log = partition.open(task);
  if (!log) return std::unexpected(log.error());
  const Offset end = partition.high_watermark();
  const Offset to = before == kToHighWatermark ? end : before;
  if (to < Offset(0) || to > end) {
    return fault(FaultKind::offset_out_of_range,
                 fmt::format("offset {}; the high watermark is {}", to.value(), end.value()));
  }
  auto advanced = (*log)->advance_start(task, to);
  if (!advanced) {
    REACHED("broker.delete_records_failed");
    return std::unexpected(fault_of(advanced.error()));
  }
  REACHED("broker.records_deleted");
  return (*log)->start_offset();
}

}  // namespace

Outcome<Offset> delete_records(env::Task& task, Broker& broker,
                               const std::shared_ptr<Partition>& partition, Offset before,
                               Instant until) {
  auto deleted = patiently<Outcome<Offset>>(
      task, broker.patient_work(), "delete_records", until,
      [partition, before](env::Task& worker) { return delete_before(worker, *partition, before); },
      env::StackSize::large);
  if (!deleted) return std::unexpected(fault_of(deleted.error()));
  return *deleted;
}

}  // namespace flux::broker
