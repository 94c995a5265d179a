// Recovery: after any crash the log is a prefix of what was written, and keeps all that was synced.
//
// A node must never cut off or remove a batch that a true sync covered and no fault spoiled (unless
// its topic was deleted, or it was entitled to go from the front), nor write other bytes over it;
// and what stands in a segment at the end must be, byte for byte, what was once written there.
#pragma once

#include <vector>

#include "sim/check/checker.h"
#include "sim/check/entitled.h"
#include "sim/check/storage_map.h"
#include "sim/check/topic_lives.h"

namespace flux::sim {

class RecoveryChecker final : public Checker {
 public:
  RecoveryChecker(const ClusterFacts& facts, Findings& findings)
      : Checker(findings),
        facts_(facts),
        settings_(facts),
        entitled_(facts, map_, settings_),
        lives_(facts) {}

  std::string_view name() const override { return "recovery"; }
  void observe(const Observation& observation) override;
  bool outage() const override;
  void finish(Time now) override;

 private:
  void note_served(const Operation& op);
  void judge_cut(const DiskEvent& event);
  void judge_overwritten();
  void judge_content(const TopicPartitionName& where, Time now);

  const ClusterFacts& facts_;
  StorageMap map_;
  Settings settings_;
  Entitled entitled_;
  TopicLives lives_;
  // Written over just now; the same bytes, if they follow, clear them.
  std::vector<const Stored*> overwritten_;
  Time overwritten_at_;
  Time started_;         // when a broker last did
  bool served_ = false;  // since then something that was asked was answered
};

}  // namespace flux::sim
