#include "core/broker/list_offsets.h"

#include <algorithm>

#include "core/base/mutant.h"

namespace flux::broker {

namespace {

// The epoch of the record at `offset`, or of the next one to come.
LeaderEpoch epoch_at(const Partition& partition, const log::Log& log, Offset offset) {
  LeaderEpoch epoch = log.epochs().entries().empty() ? partition.epoch() : kNoLeaderEpoch;
  for (const log::EpochStart& entry : log.epochs().entries()) {
    if (entry.start <= offset) epoch = entry.epoch;
  }
  return epoch;
}

Outcome<ListedOffset> found_record(const Partition& partition,
                                   Result<std::optional<log::TimestampOffset>> found) {
  if (!found) return std::unexpected(fault_of(found.error()));
  if (!*found || (*found)->offset >= partition.high_watermark()) return ListedOffset{};
  return ListedOffset{.timestamp = (*found)->timestamp.value(),
                      .offset = (*found)->offset,
                      .epoch = (*found)->epoch};
}

Outcome<ListedOffset> look_up(env::Task& task, Partition& partition, std::int64_t timestamp) {
  const auto opened = partition.open(task);
  if (!opened) return std::unexpected(opened.error());
  log::Log& log = **opened;
  switch (timestamp) {
    case kLatestTimestamp:
      return ListedOffset{.offset = partition.high_watermark(), .epoch = partition.epoch()};
    case kEarliestTimestamp:
    case kEarliestLocalTimestamp:
      return ListedOffset{.offset = log.start_offset(),
                          .epoch = epoch_at(partition, log, log.start_offset())};
    case kLatestTieredTimestamp:
    case kEarliestPendingUploadTimestamp:
      return ListedOffset{};
    case kMaxTimestamp:
      return found_record(partition, log.offset_of_max_timestamp(task));
    default:
      return found_record(partition, log.offset_for_timestamp(task, record::Timestamp(timestamp)));
  }
}

}  // namespace

Outcome<ListedOffset> list_offset(env::Task& task, Broker& broker,
                                  const std::shared_ptr<Partition>& partition,
                                  std::int64_t timestamp, Instant until) {
  if (timestamp == kLatestTimestamp && partition->log() != nullptr) {
    if (MUTANT("broker.latest_off_by_one") && partition->high_watermark() > Offset(0)) {
      return ListedOffset{.offset = partition->high_watermark() - 1, .epoch = partition->epoch()};
    }
    return ListedOffset{.offset = partition->high_watermark(), .epoch = partition->epoch()};
  }
  auto listed = patiently<Outcome<ListedOffset>>(
      task, broker.patient_work(), "list_offsets", until,
      [partition, timestamp](env::Task& worker) { return look_up(worker, *partition, timestamp); },
      env::StackSize::large);
  if (!listed) return std::unexpected(fault_of(listed.error()));
  return *listed;
}

}  // namespace flux::broker
