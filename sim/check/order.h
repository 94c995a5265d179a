// Order: what is readable was sent, unaltered, and in the order in which it was sent.
//
// Every record read must be one that a client sent, with equal content; a record whose produce was
// refused must never appear. Records of one idempotent producer lie in each partition in the order
// in which it sent them, and so do records sent over one connection without an acknowledgement. An
// acknowledged produce that began after another was acknowledged lies behind it. One fetch returns
// rising offsets from where it was asked to begin, and skips nothing that is there.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/check/checker.h"
#include "sim/check/storage_map.h"
#include "sim/check/unverified.h"

namespace flux::sim {

class OrderChecker final : public Checker {
 public:
  OrderChecker(const ClusterFacts& facts, Findings& findings)
      : Checker(findings), unverified_(facts, map_) {}

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
  };
  struct Read {
    ValueId value;
    Offset offset;
    OperationId operation;
  };
  struct Skip {
    TopicPartitionName where;
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
  std::map<TopicPartitionName, Highest> highest_;
  // When each produce began, and what was the highest then.
  std::map<OperationId, std::pair<std::uint64_t, Highest>> invoked_;
  // An offset may be used again in a topic that was made anew.
  std::set<std::string> deleted_topics_;
  // What the final reads found, and what all reads skipped.
  std::map<TopicPartitionName, std::map<Offset, Read>> final_;
  std::vector<Skip> skips_;
};

}  // namespace flux::sim
