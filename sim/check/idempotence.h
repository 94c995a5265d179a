// Idempotence: a record of an idempotent producer is stored at most once, and a producer's batches
// lie in the log with sequences that follow one another.
//
// Judged on what the final reads found, and on the batches that stand on the true disks.
#pragma once

#include <map>
#include <set>

#include "sim/check/checker.h"
#include "sim/check/storage_map.h"
#include "sim/check/topic_lives.h"

namespace flux::sim {

class IdempotenceChecker final : public Checker {
 public:
  IdempotenceChecker(const ClusterFacts& facts, Findings& findings)
      : Checker(findings), lives_(facts) {}

  std::string_view name() const override { return "idempotence"; }
  void observe(const Observation& observation) override;
  void finish(Time now) override;

 private:
  void judge_values(Time now);
  void judge_sequences(const TopicPartitionName& where, Time now);

  StorageMap map_;
  TopicLives lives_;
  std::set<ValueId> once_;  // sent by idempotent producers
  std::map<ValueId, OperationId> sent_by_;
  std::map<std::pair<TopicPartitionName, ValueId>, std::set<Offset>> found_;
};

}  // namespace flux::sim
