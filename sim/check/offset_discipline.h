// Offset discipline: an offset names one record for all time.
//
// Whatever any read or acknowledgement said of (partition, offset) must be what all others say, and
// the high watermark and the log's start never go back, unless the contract excuses a loss in
// between: then offsets from there on may be given again. A topic made again under a name that was
// deleted is another topic, with offsets of its own.
#pragma once

#include <map>

#include "sim/check/checker.h"
#include "sim/check/storage_map.h"
#include "sim/check/topic_lives.h"
#include "sim/check/unverified.h"

namespace flux::sim {

class OffsetDisciplineChecker final : public Checker {
 public:
  OffsetDisciplineChecker(const ClusterFacts& facts, Findings& findings)
      : Checker(findings), settings_(facts), unverified_(facts, map_), lives_(facts) {}

  std::string_view name() const override { return "offset_discipline"; }
  void observe(const Observation& observation) override;

 private:
  struct Claim {
    ValueId value;
    std::uint64_t digest = 0;
    OperationId operation;
    Promise promise = Promise::survives_kill;
    const Stored* stored = nullptr;  // null when no such bytes were ever seen on a disk
    std::uint64_t asked = 0;         // the moment at which the operation began
  };
  struct Level {
    Offset offset{-1};
    OperationId operation;
    std::uint64_t moment = 0;  // when the operation that told of it began
  };
  struct Levels {
    Level high_watermark;
    Level log_start;
  };
  // Each of the topics that had one name has offsets of its own.
  using ByLife = std::map<TopicLife, Levels>;
  // When an operation began, and what was known then.
  struct Asked {
    std::uint64_t moment = 0;
    ByLife levels;
  };

  void claim(const Operation& op, TopicLife life, Offset offset, const RecordView& record);
  void judge_levels(const Operation& op, TopicLife life);
  enum class LevelKind : std::uint8_t { high_watermark, log_start };
  void level(const Operation& op, LevelKind kind, Offset seen, Level& highest,
             const Level& when_invoked);
  std::optional<Offset> start_loss(const TopicPartitionName& where, std::uint64_t since) const;
  void judge_deleted(const Operation& op, const Level& start);

  StorageMap map_;
  Settings settings_;
  UnverifiedReads unverified_;
  TopicLives lives_;
  std::map<std::pair<TopicPartitionName, TopicLife>, std::map<Offset, Claim>> claims_;
  std::map<TopicPartitionName, ByLife> levels_;
  std::map<OperationId, Asked> invoked_;
};

}  // namespace flux::sim
