#include "core/broker/leader_epoch.h"

namespace flux::broker {

std::optional<EpochEnd> end_of_epoch(const Partition& partition, const log::Log& log,
                                     LeaderEpoch asked) {
  if (asked == kNoLeaderEpoch || asked > partition.epoch()) return std::nullopt;
  // The epoch of now may have no record yet, and so no place in the log.
  if (asked == partition.epoch()) return EpochEnd{asked, log.end_offset()};
  if (const auto known = log.epochs().end_of(asked, log.end_offset())) {
    return EpochEnd{known->epoch, known->start};
  }
  const auto& entries = log.epochs().entries();
  return EpochEnd{asked, entries.empty() ? log.end_offset() : entries.front().start};
}

Outcome<std::optional<EpochEnd>> find_end_of_epoch(env::Task& task, Broker& broker,
                                                   const std::shared_ptr<Partition>& partition,
                                                   LeaderEpoch asked, Instant until) {
  using Found = Outcome<std::optional<EpochEnd>>;
  auto found = patiently<Found>(
      task, broker.patient_work(), "epoch_end", until,
      [partition, asked](env::Task& worker) -> Found {
        const auto log = partition->open(worker);
        if (!log) return std::unexpected(log.error());
        return end_of_epoch(*partition, **log, asked);
      },
      env::StackSize::large);
  if (!found) return std::unexpected(fault_of(found.error()));
  return *found;
}

}  // namespace flux::broker
