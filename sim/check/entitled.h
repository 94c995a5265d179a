// Entitled: what may be gone from the front of a partition, and why
// (docs/architecture.md#what-is-promised).
//
// Computed from what clients asked for (DeleteRecords), from the topics' settings and from true
// time, or, where a fault set the clock of a broker that holds the record, from what that clock
// showed since the record was stored; never from what a broker says. Whole segments go, by their
// newest record and while the others are large enough; a record is entitled to go no sooner than
// its own age and the bytes behind it say, so that a broker which keeps the rule for segments keeps
// the one for records.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/check/checker.h"
#include "sim/check/effect.h"
#include "sim/check/settings.h"
#include "sim/check/storage_map.h"
#include "sim/check/wall_clocks.h"

namespace flux::sim {

class Entitled {
 public:
  Entitled(const ClusterFacts& facts, const StorageMap& map, const Settings& settings)
      : map_(map), settings_(settings), clocks_(facts) {}

  // After the map and the settings have observed it.
  void observe(const Observation& observation);

  // Why the record at this offset may be gone at this time: "deleted", "retention", or "clock"
  // where only a broker's wall clock that was wrong explains it. `stored` is the batch that holds
  // it, or null.
  std::optional<std::string> why_gone(const TopicPartitionName& where, Offset offset,
                                      const Stored* stored, Time now) const;

 private:
  struct Deletion : Effect {
    explicit Deletion(const Operation& op) : Effect(op), before(op.offset) {}

    Offset before;
  };

  bool deleted(const TopicPartitionName& where, Offset offset, const Stored* stored) const;
  std::vector<std::pair<std::int64_t, Time>> numbers(const TopicPartitionName& where,
                                                     const SettingName& name, const Stored& stored,
                                                     Time now) const;

  const StorageMap& map_;
  const Settings& settings_;
  std::map<TopicPartitionName, std::vector<Deletion>> deletions_;  // those not refused
  WallClocks clocks_;
};

}  // namespace flux::sim
