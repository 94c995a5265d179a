// What partitions tell of themselves: how large they are, which producers they remember.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/broker/broker.h"

namespace flux::broker {

struct RememberedProducer {
  ProducerId id;
  ProducerEpoch epoch;
  Sequence last_sequence{-1};
  record::Timestamp last_timestamp = record::kNoTimestamp;
};

// By id.
Outcome<std::vector<RememberedProducer>> remembered_producers(
    env::Task& task, Broker& broker, const std::shared_ptr<Partition>& partition, Instant until);

struct PartitionSize {
  PartitionIndex index;
  std::uint64_t bytes = 0;  // of record batches
};
struct TopicSize {
  std::string topic;
  std::vector<PartitionSize> partitions;
};
struct DirectoryUse {
  std::vector<TopicSize> topics;
  env::Space space;
};

// How much the given partitions take in the data directory; those that this broker does not lead
// are left out. Opens no log: what nobody uses is looked for on disk. An error when the disk fails
// or does not answer.
Outcome<DirectoryUse> directory_use(
    env::Task& task, Broker& broker,
    std::vector<
        std::pair<std::shared_ptr<const controller::TopicState>, std::vector<PartitionIndex>>>
        wanted,
    Instant until);

}  // namespace flux::broker
