// ListOffsets: where in a partition something is: its ends, its newest record, a time.
#pragma once

#include <cstdint>
#include <memory>

#include "core/broker/broker.h"

namespace flux::broker {

// Kafka's names for places that are no times.
inline constexpr std::int64_t kLatestTimestamp = -1;
inline constexpr std::int64_t kEarliestTimestamp = -2;
inline constexpr std::int64_t kMaxTimestamp = -3;
inline constexpr std::int64_t kEarliestLocalTimestamp = -4;
inline constexpr std::int64_t kLatestTieredTimestamp = -5;
inline constexpr std::int64_t kEarliestPendingUploadTimestamp = -6;

struct ListedOffset {
  std::int64_t timestamp = -1;
  Offset offset{-1};  // -1: there is none
  LeaderEpoch epoch = kNoLeaderEpoch;
};

Outcome<ListedOffset> list_offset(env::Task& task, Broker& broker,
                                  const std::shared_ptr<Partition>& partition,
                                  std::int64_t timestamp, Instant until);

}  // namespace flux::broker
