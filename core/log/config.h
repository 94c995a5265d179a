// What a log is told: by its topic's configuration, and by the broker's. The settings' names are in
// the comments; small values are legal everywhere, since the simulator draws them.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/ids.h"
#include "core/base/time.h"

namespace flux::log {

// Which partition this is: the bytes on disk are keyed by it.
struct LogIdentity {
  std::string topic;
  PartitionIndex partition;
  Uuid topic_id;

  std::string name() const { return TopicPartition{topic, partition}.to_string(); }
};

// What of a log has outlived its use; -1: nothing.
struct Retention {
  std::int64_t bytes = -1;  // retention.bytes
  std::int64_t ms = -1;     // retention.ms

  friend bool operator==(const Retention&, const Retention&) = default;
};

enum class ReadVerify : std::uint8_t {
  first,   // a block is verified when first read after opening
  always,  // at every read
};

struct LogConfig {
  // The topic's.
  std::uint32_t segment_bytes = 1U << 30;  // segment.bytes
  // A leader's append of more is refused. Kafka's bound, the same setting: with a smaller
  // segment_bytes, which only a test has, one batch may fill a segment and more.
  std::uint32_t append_bytes_max = INT32_MAX;
  Duration segment_age_max = seconds(std::int64_t{7} * 24 * 3600);  // segment.ms
  Duration segment_jitter_max;                                      // segment.jitter.ms
  std::uint32_t index_interval_bytes = 4096;                        // index.interval.bytes
  std::uint32_t index_bytes_max = 10U << 20;                        // segment.index.bytes
  // The broker's.
  ReadVerify read_verify = ReadVerify::first;  // flux.read.verify
  std::uint32_t block_bytes = 64U << 10;       // flux.integrity.block.bytes
  // How long after the last commit its mark is made durable when no further commit does it.
  Duration mark_idle = milliseconds(50);  // flux.integrity.mark.ms
  std::uint32_t producer_batches_kept = 5;
  // How long a silent producer is remembered: producer.id.expiration.ms.
  Duration producer_expiry = seconds(std::int64_t{24} * 3600);
  // How long after the last append what nobody waits for is synced (Log::sync_when_idle).
  Duration unsynced_idle = seconds(30);
  // What was synced and cannot be read at opening is left out: where its entry is there it is asked
  // for again at each read, else it counts as lost until the next opening. Without this, opening
  // fails for now, since a device's error may pass.
  bool lose_unreadable = true;
};

}  // namespace flux::log
