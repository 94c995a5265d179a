// Fetch: reads from many partitions, waiting until enough is there.
//
// Nothing is polled: a request that finds too little stands in the watch lists of its partitions
// and looks again when one of them moved.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/broker/broker.h"
#include "core/broker/leader_epoch.h"

namespace flux::broker {

struct FetchPartition {
  // Of which a fault answers for itself.
  Outcome<std::shared_ptr<Partition>> partition = fault(FaultKind::unknown_topic_or_partition);
  Offset from{0};
  std::int64_t bytes_max = 0;
  // Of the last record that the asker has: where its log leaves ours is told instead of records.
  LeaderEpoch last_fetched_epoch = kNoLeaderEpoch;
};

struct FetchLimits {
  Duration wait_max;
  std::int64_t bytes_min = 1;
  std::int64_t bytes_max = INT32_MAX;
};

// Records in the open file, or as bytes where that is cheaper or they had to be verified.
struct Fetched {
  std::optional<Fault> fault;
  std::optional<EpochEnd> diverged;
  PartitionStatus status;
  log::Slice slice;

  std::size_t size() const { return fault ? 0 : slice.length; }
};

// Answers in the order of `wanted`, at once where nothing can be waited for, something failed or a
// log diverged. The first batch found is given even if it is larger than the limits.
std::vector<Fetched> fetch(env::Task& task, Broker& broker, std::vector<FetchPartition> wanted,
                           const FetchLimits& limits);

}  // namespace flux::broker
