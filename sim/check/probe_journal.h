// ProbeJournal: the promise of the simulator's own test node (sim/probe), judged from its clients.
//
// An append that was answered is at its index, unaltered, in the final read and in every read
// before; no value stands at two indices. Knows no excuse: scenarios of the probe inject only
// faults that it claims to bear, or expect the violation.
#pragma once

#include <map>
#include <vector>

#include "sim/check/checker.h"

namespace flux::sim {

class ProbeJournalChecker final : public Checker {
 public:
  ProbeJournalChecker(const ClusterFacts&, Findings& findings) : Checker(findings) {}

  std::string_view name() const override { return "probe_journal"; }
  void observe(const Observation& observation) override;
  void finish(Time end) override;

 private:
  struct Entry {
    ValueId value;
    std::uint64_t digest = 0;
    OperationId told_by;
  };
  void learn(const Operation& operation, std::int64_t index, const RecordView& record);

  std::map<std::int64_t, Entry> entries_;        // what any client was told of an index
  std::map<ValueId, std::int64_t> index_of_;     // where a value was said to be
  std::map<std::int64_t, OperationId> owed_;     // acknowledged appends
  std::map<std::int64_t, OperationId> audited_;  // indices of the final read
  bool audit_began_ = false;
};

}  // namespace flux::sim
