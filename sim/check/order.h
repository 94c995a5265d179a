// Order: what is readable was sent, unaltered, and in the order in which it was sent.
//
// Every record read must be one that a client sent, with equal content; a record whose produce was
// refused must never appear. Records of one idempotent producer lie in each partition in the order
// in which it sent them (but for those under way while the topic was deleted), and so do records
// sent over one connection without an acknowledgement. An acknowledged produce that began after
// another was acknowledged lies behind it. One fetch returns rising offsets from where it was asked
// to begin, and skips nothing that is there.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/check/checker.h"
#include "sim/check/storage_map.h"
#include "sim/check/topic_lives.h"
#include "sim/check/unverified.h"

namespace flux::sim {

class OrderChecker final : public Checker {
 public:
  OrderChecker(const ClusterFacts& facts, Findings& findings)
      : Checker(findings), unverified_(facts, map_), lives_(facts) {}

  std::string_view name() const override { return "order"; }
  void observe(const Observation& observation) override;
  void finish(Time now) override;

 private:
  struct Sent {
    OperationId operation;
    TopicPartitionName where;
    std::uint64_t digest = 0;
    std::uint64_t incarnation = 0;  // of the client: each life of it is a producer of its own
    std::uint64_t connection = 0;
    bool idempotent = false;
    Acks acks = Acks::all;
    Outcome outcome = Outcome::pending;
    Time invoked;
    Time completed = Time::max();
  };
  struct Read {
    ValueId value;
    Offset offset;
    OperationId operation;
  };
  struct Skip {
    TopicPartitionName where;
    TopicLife life = 0;
    Offset from;
    Offset to;
    OperationId operation;
  };
  // The highest acknowledged offset of a partition, and when that produce began: a fault may strike
  // between the acknowledgement's leaving and its arrival.
  struct Highest {
    Offset offset{-1};
    OperationId operation;
    std::uint64_t moment = 0;
  };

  void invoked(const Operation& op);
  void produced(const Operation& op);
  void read(const Operation& op);
  void judge_record(const Operation& op, const RecordView& record);
  void judge_streams(Time now);
  void judge_stream(const TopicPartitionName& where, const std::vector<Read>& reads, Time now);

  StorageMap map_;
  UnverifiedReads unverified_;
  std::map<ValueId, Sent> sent_;
  TopicLives lives_;
  // Each of the topics that had one name has offsets of its own.
  using ByLife = std::map<TopicLife, Highest>;
  std::map<TopicPartitionName, ByLife> highest_;
  // When each produce began, and what was the highest then.
  std::map<OperationId, std::pair<std::uint64_t, ByLife>> invoked_;
  // What the final reads found, and what all reads skipped.
  std::map<TopicPartitionName, std::map<Offset, Read>> final_;
  std::map<TopicPartitionName, std::optional<TopicLife>> final_life_;  // of the latest of them
  std::vector<Skip> skips_;
};

}  // namespace flux::sim
