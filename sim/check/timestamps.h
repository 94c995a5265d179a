// Timestamps: a record has the time that its topic's `message.timestamp.type` says, and who looks
// for a time is told of the first record that is as late.
//
// With CreateTime a record has the time that it was sent with, with LogAppendTime one that the wall
// clock of a broker may have shown while it was stored. The answer to a lookup is held against what
// the final reads found: no earlier record there is as late, and none that a client had been shown
// before is later than the newest. What bytes went wrong in a partition excuses its lookups.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "sim/check/checker.h"
#include "sim/check/settings.h"
#include "sim/check/storage_map.h"
#include "sim/check/topic_lives.h"
#include "sim/check/unverified.h"
#include "sim/check/wall_clocks.h"

namespace flux::sim {

class TimestampsChecker final : public Checker {
 public:
  TimestampsChecker(const ClusterFacts& facts, Findings& findings)
      : Checker(findings),
        settings_(facts),
        unverified_(facts, map_),
        lives_(facts),
        clocks_(facts) {}

  std::string_view name() const override { return "timestamps"; }
  void observe(const Observation& observation) override;
  void finish(Time now) override;

 private:
  struct Sent {
    std::int64_t timestamp_ms = -1;
    Time from;
    Time until = Time::max();  // when its only try was acknowledged
  };
  struct Lookup {
    Operation operation;
    TopicLife life = 0;
    std::uint64_t moment = 0;  // when it was asked
    Offset shown;              // readable before this, as some client knew then
  };
  struct Asked {
    std::uint64_t moment = 0;
    std::map<TopicLife, Offset> shown;
  };
  struct Partition {
    std::map<Offset, std::int64_t> timestamps;  // as the final reads found them
    std::optional<TopicLife> life;              // of the latest of these
    std::map<TopicLife, Offset> shown;          // the highest high watermark that was told
    bool spoiled = false;
  };

  void completed(const Operation& op);
  void read(const Operation& op);
  void judge_record(const Operation& op, const RecordView& record);
  void judge(const Lookup& lookup, const Partition& partition);
  void judge_newest(const Lookup& lookup, const Partition& partition, Offset end);
  void judge_first(const Lookup& lookup, const Partition& partition, Offset end);
  void wrong(const Lookup& lookup, std::string_view why);

  StorageMap map_;
  Settings settings_;
  UnverifiedReads unverified_;
  TopicLives lives_;
  WallClocks clocks_;
  std::map<ValueId, Sent> sent_;
  std::map<OperationId, Asked> asked_;
  std::map<TopicPartitionName, Partition> partitions_;
  std::vector<Lookup> lookups_;
};

}  // namespace flux::sim
