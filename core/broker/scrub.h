// Scrub: one task that reads what the partitions of this broker hold, over and over, so that rot is
// found while it can be repaired and not when somebody needs the record.
//
// A pass goes over the partitions that are led when it begins, each up to its synced end of that
// moment, one after the other, at no more than so many bytes a second. The next pass begins
// `interval` after this one began, or at once when this one took longer. Nothing of a pass outlives
// the process: after a start a new one begins, at a partition that is drawn, so that a broker that
// is started often comes by everywhere all the same.
//
// The log says what is rotten and keeps it from readers (core/log/log_scrub.cpp); the scrub changes
// nothing on disk. Trouble with one partition is told and ends that partition's turn. A partition
// that nobody has used since the start is opened for its turn, and closed behind it if it is sound.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/ids.h"
#include "core/base/time.h"
#include "core/env/env.h"
#include "core/sync/condition.h"
#include "core/sync/task_group.h"

namespace flux::broker {

class Broker;
class Partition;

struct ScrubConfig {
  Duration interval = seconds(std::int64_t{7} * 24 * 3600);  // flux.scrub.interval.ms; max(): never
  std::uint64_t bytes_per_second = 8U << 20;                 // flux.scrub.bytes.per.second

  friend bool operator==(const ScrubConfig&, const ScrubConfig&) = default;
};

class Scrub {
 public:
  Scrub(Broker& broker, const ScrubConfig& config);

  // The first pass begins so long after now.
  void start(Duration first_after);
  // Once the read that is under way has ended.
  Result<void> stop(env::Task& task);

 private:
  struct Place {
    Uuid topic;
    PartitionIndex index;
  };
  // What a pass has seen.
  struct Seen {
    std::uint64_t bytes = 0;
    std::uint64_t rotten = 0;
  };

  void run(env::Task& task, Duration first_after);
  void pass(env::Task& task);
  std::vector<Place> places(env::Task& task);
  void visit(env::Task& task, const Place& place, Seen& seen);
  // Null when there is nothing to read.
  std::shared_ptr<Partition> opened(env::Task& task, const Place& place);
  void scrub(env::Task& task, Partition& partition, Seen& seen);
  // Makes the bytes last as long as they may; false once the scrub is to stop.
  bool pace(env::Task& task, std::uint64_t bytes);
  bool wait_until(env::Task& task, Instant until);

  Broker& broker_;
  env::Env& env_;
  const ScrubConfig config_;
  Instant free_at_;  // when what was read has had its time
  bool stopping_ = false;
  sync::Condition wake_;
  sync::TaskGroup task_;
};

}  // namespace flux::broker
