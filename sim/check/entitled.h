// Entitled: what may be gone from the front of a partition, and why (design section 9).
//
// Computed from what clients asked for (DeleteRecords), from the topics' settings and from true
// time; never from what a broker says. Whole segments go, by their newest record and while the
// others are large enough; a record is entitled to go no sooner than its own age and the bytes
// behind it say, so that a broker which keeps the rule for segments keeps the one for records.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "sim/check/checker.h"
#include "sim/check/storage_map.h"

namespace flux::sim {

class Entitled {
 public:
  Entitled(const ClusterFacts& facts, const StorageMap& map) : facts_(facts), map_(map) {}

  // After the map has observed it.
  void observe(const Observation& observation);

  // Why the record at this offset may be gone at this time: "deleted", "retention", or "clock"
  // where only a wall clock that was wrong explains it. `stored` is the batch that holds it, or
  // null.
  std::optional<std::string> why_gone(const TopicPartitionName& where, Offset offset,
                                      const Stored* stored, Time now) const;

 private:
  std::optional<std::int64_t> setting(std::string_view topic, std::string_view name,
                                      std::string_view broker_key) const;
  bool deletes(std::string_view topic) const;

  const ClusterFacts& facts_;
  const StorageMap& map_;
  std::map<TopicPartitionName, Offset> deleted_before_;
  bool clocks_wrong_ = false;  // ever
};

}  // namespace flux::sim
