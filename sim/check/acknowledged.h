// Acknowledged: the contract of design section 9, for every record that a producer was told is
// stored.
//
// At the acknowledgement the record's bytes must be on the true disk and, where the contract says
// so, truly synced. At the end the record must be read at the acknowledged offset with equal
// content, unless a fault that the contract excuses took it; the excuse is computed from what the
// disks truly lost. Counts: acknowledged, owed, held, excused.NAME.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "sim/check/checker.h"
#include "sim/check/entitled.h"
#include "sim/check/storage_map.h"
#include "sim/check/unverified.h"

namespace flux::sim {

class AcknowledgedChecker final : public Checker {
 public:
  AcknowledgedChecker(const ClusterFacts& facts, Findings& findings);

  std::string_view name() const override { return "acknowledged"; }
  void observe(const Observation& observation) override;
  void finish(Time now) override;

 private:
  struct Promised {
    OperationId operation;
    TopicPartitionName where;
    Offset offset;
    RecordView record;
    Promise promise = Promise::survives_kill;
    std::uint64_t invoked = 0;  // moment
    const Stored* stored = nullptr;
  };
  struct Found {
    ValueId value;
    std::uint64_t digest = 0;
  };

  void acknowledged(const Operation& op);
  void judge_at_acknowledgement(const Promised& one, Time at);
  void final_read(const Operation& op);
  void judge_at_end(const Promised& one, Time now);
  bool was_in_doubt(const Promised& one) const;
  std::optional<std::string> excuse_of(const Promised& one, Time now) const;

  const ClusterFacts& facts_;
  StorageMap map_;
  UnverifiedReads unverified_;
  Entitled entitled_;
  std::map<OperationId, std::uint64_t> invoked_;
  std::vector<Promised> promised_;
  std::map<TopicPartitionName, std::map<Offset, Found>> final_;
  std::set<TopicPartitionName> audited_;
  // Final reads by the offset they were asked from, and whether they may have met wrong bytes.
  std::map<TopicPartitionName, std::map<Offset, bool>> doubtful_;
  std::set<std::string> deleted_topics_;
  bool audit_began_ = false;
};

}  // namespace flux::sim
