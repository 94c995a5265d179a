// Where a leader epoch ended in a partition: how a follower, or a consumer that was away, finds out
// whether what it has is still what the leader has (KIP-101, KIP-320).
#pragma once

#include <memory>
#include <optional>

#include "core/broker/broker.h"

namespace flux::broker {

struct EpochEnd {
  LeaderEpoch epoch;
  Offset end;

  friend bool operator==(const EpochEnd&, const EpochEnd&) = default;
};

// The largest epoch of `log` not above `asked` and the offset behind its last record; the next
// epoch's beginning where the log knows none that old. Nothing for an epoch that is yet to come, or
// for -1.
std::optional<EpochEnd> end_of_epoch(const Partition& partition, const log::Log& log,
                                     LeaderEpoch asked);

// The same, the log opened if need be.
Outcome<std::optional<EpochEnd>> find_end_of_epoch(env::Task& task, Broker& broker,
                                                   const std::shared_ptr<Partition>& partition,
                                                   LeaderEpoch asked, Instant until);

}  // namespace flux::broker
