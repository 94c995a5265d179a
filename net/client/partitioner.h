// Which partition a record goes to when its sender does not say.
//
// Records with a key go where Kafka's Java client would send them, so that programs of both kinds
// agree. Records without one stay with one partition until its batch is sent, then move on to
// another: larger batches at the same spread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/base/bytes.h"
#include "core/base/ids.h"
#include "core/env/random.h"
#include "net/client/metadata_cache.h"

namespace flux::client {

// Kafka's variant of MurmurHash2 (32 bits, fixed seed).
std::int32_t murmur2(ByteView bytes);

class Partitioner {
 public:
  Partitioner(env::Random& random, Key key) : random_(random), key_(key) {}

  // `topic` has at least one partition.
  static PartitionIndex for_key(ByteView key, const TopicInfo& topic);
  PartitionIndex without_key(const TopicInfo& topic);
  // A batch for this partition was closed: choose anew if it is the one stayed with.
  void move_on(const std::string& topic, PartitionIndex from);

 private:
  struct Stay {
    PartitionIndex partition{-1};
    std::uint64_t moves = 0;
  };

  env::Random& random_;
  Key key_;
  std::map<std::string, Stay> stays_;
};

}  // namespace flux::client
