// DeleteRecords: the front of a partition goes because somebody asked for it.
#pragma once

#include <memory>

#include "core/broker/broker.h"

namespace flux::broker {

// Kafka's name for "all that is there", as the offset to delete before.
inline constexpr Offset kToHighWatermark{-1};

// Records before this offset are gone for good, over any crash, once it returns; their files go
// later. Returns where the partition starts now, which may be further on. Faults:
// offset_out_of_range above the high watermark, policy_violation on a topic that is compacted only.
Outcome<Offset> delete_records(env::Task& task, Broker& broker,
                               const std::shared_ptr<Partition>& partition, Offset before,
                               Instant until);

}  // namespace flux::broker
