// Acknowledged: the contract (docs/architecture.md#what-is-promised), for every record that a
// producer was told is stored, or that a consumer was shown.
//
// When that is said the record's bytes must be on the true disk and, where the contract says so,
// truly synced. At the end the record must be read at the same offset with equal content, unless a
// fault that the contract excuses took it; the excuse is computed from what the disks truly lost. A
// record that its topic was entitled to lose from the front is excused only where it is gone and
// the log starts behind it; one of a topic that was deleted, only where it went to that topic, not
// to the next of its name. That another record lies where a consumer was shown one is for
// offset_discipline to say. Counts: acknowledged, owed, held, excused.NAME, and the same of what
// was read, as read.NAME.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/check/checker.h"
#include "sim/check/entitled.h"
#include "sim/check/storage_map.h"
#include "sim/check/topic_lives.h"
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
    std::shared_ptr<const Operation> operation;
    TopicPartitionName where;
    Offset offset;
    RecordView record;
    Promise promise = Promise::survives_kill;
    const Stored* stored = nullptr;

    bool read() const { return operation->kind == OperationKind::fetch; }
  };
  struct Found {
    ValueId value;
    std::uint64_t digest = 0;
  };

  void acknowledged(const Operation& op);
  void shown(const Operation& op);
  void judge_synced(const Promised& one, Time at);
  void judge_at_acknowledgement(const Promised& one, Time at);
  void final_read(const Operation& op);
  void judge_at_end(const Promised& one, Time now);
  void tally(const Promised& one, std::string_view what);
  void note_start(const Operation& op);
  bool was_in_doubt(const Promised& one) const;
  std::optional<std::string> gone_from_front(const Promised& one, Time now) const;
  std::optional<std::string> excuse_of(const Promised& one, bool gone, Time now) const;

  StorageMap map_;
  Settings settings_;
  UnverifiedReads unverified_;
  Entitled entitled_;
  std::vector<Promised> promised_;
  // Once for each record at each offset where it was read, as it was read first.
  std::map<std::pair<TopicPartitionName, Offset>, std::map<ValueId, Promised>> shown_;
  std::map<TopicPartitionName, std::map<Offset, Found>> final_;
  std::set<TopicPartitionName> audited_;
  // Final reads by the offset they were asked from, and whether they may have met wrong bytes.
  std::map<TopicPartitionName, std::map<Offset, bool>> doubtful_;
  TopicLives lives_;
  // Where logs were said to start, and when: what was told later, behind.
  struct Start {
    Time told;
    Offset at;
  };
  std::map<TopicPartitionName, std::vector<Start>> starts_;
  std::map<TopicPartitionName, Offset> final_start_;  // the highest that the final reads found
  bool audit_began_ = false;
};

}  // namespace flux::sim
