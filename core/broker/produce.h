// Produce: from a client's batch to an acknowledgement.
//
// begin() checks a batch, compresses it anew if its topic asks for another codec, and gives it its
// place in line. It may let others run, for a batch can be
// long work: requests that are to be appended one after another are begun one after another.
// finish() waits for as much as `acks` asks.
#pragma once

#include <memory>

#include "core/broker/broker.h"

namespace flux::broker {

enum class Acks : std::int8_t { all = -1, none = 0, leader = 1 };

struct ProduceRules {
  Acks acks = Acks::all;
  bool zstd_allowed = true;
};

// A batch in line.
struct Producing {
  std::shared_ptr<Partition> partition;
  std::shared_ptr<Append> append;
};

struct Produced {
  Offset base_offset{-1};
  record::Timestamp log_append_time = record::kNoTimestamp;
  Offset log_start{-1};
};

// `batch` lies in memory that `owner` keeps; it is patched in place, or another takes its place.
Outcome<Producing> begin_produce(env::Task& task, Broker& broker,
                                 const controller::TopicState& topic, PartitionIndex index,
                                 MutBytes batch, std::shared_ptr<const void> owner,
                                 const ProduceRules& rules);

Outcome<Produced> finish_produce(env::Task& task, const Producing& producing, Acks acks,
                                 Instant until);

}  // namespace flux::broker
