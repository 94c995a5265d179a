// UnverifiedReads: which reads may have brought wrong bytes
// (docs/architecture.md#what-is-promised).
//
// Under `flux.read.verify=first` a broker verifies a range when it is first read after opening, and
// then trusts its disk. So a read may bring wrong bytes if they went wrong after its broker last
// started, or if the disk gave other bytes during this very read. What was wrong before the start
// is owed as an error, and under `always` every wrong byte is. Nothing that such a read brought
// counts for or against anybody.
#pragma once

#include <map>

#include "sim/check/checker.h"
#include "sim/check/storage_map.h"

namespace flux::sim {

class UnverifiedReads {
 public:
  UnverifiedReads(const ClusterFacts& facts, const StorageMap& map) : facts_(facts), map_(map) {}

  // After the map has observed it.
  void observe(const Observation& observation);
  // Of a fetch or final read that completed.
  bool excuses(const Operation& op) const;

 private:
  const ClusterFacts& facts_;
  const StorageMap& map_;
  std::map<std::uint32_t, std::uint64_t> started_;  // by process: when it did, last
  std::map<OperationId, std::uint64_t> asked_;
};

}  // namespace flux::sim
