#include "sim/check/acknowledged.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace flux::sim {
namespace {

std::string value_text(ValueId value) {
  return fmt::format("value {} of client {}", value.number, value.client);
}

}  // namespace

AcknowledgedChecker::AcknowledgedChecker(const ClusterFacts& facts, Findings& findings)
    : Checker(findings),
      settings_(facts),
      unverified_(facts, map_),
      entitled_(facts, map_, settings_),
      lives_(facts) {}

void AcknowledgedChecker::observe(const Observation& observation) {
  map_.observe(observation);
  settings_.observe(observation);
  unverified_.observe(observation);
  entitled_.observe(observation);
  lives_.observe(observation);
  if (const auto* completed = std::get_if<Completed>(&observation)) {
    const Operation& op = completed->operation;
    if (op.outcome != Outcome::ok) return;
    if (op.log_start.value() >= 0) note_start(op);
    if (op.kind == OperationKind::produce && op.acks != Acks::none) acknowledged(op);
    if (op.kind == OperationKind::fetch && !op.records.empty()) shown(op);
    if (op.kind == OperationKind::final_read) final_read(op);
  } else if (const auto* phase = std::get_if<PhaseBegan>(&observation)) {
    audit_began_ = audit_began_ || phase->phase == RunPhase::audit;
  }
}

void AcknowledgedChecker::acknowledged(const Operation& op) {
  Promised one;
  one.operation = std::make_shared<const Operation>(op);
  one.where = {op.topic, op.partition};
  one.promise = promise_of(settings_, op);
  for (std::size_t i = 0; i < op.records.size(); ++i) {
    one.record = op.records[i];
    one.offset = op.base_offset + static_cast<std::int64_t>(i);
    one.stored = map_.find(one.where, one.offset);
    judge_at_acknowledgement(one, op.completed);
    promised_.push_back(one);
    count("acknowledged");
  }
}

void AcknowledgedChecker::shown(const Operation& op) {
  if (unverified_.excuses(op)) return count("read.excused.unverified_read");
  Promised one;
  one.where = {op.topic, op.partition};
  for (const RecordView& record : op.records) {
    std::map<ValueId, Promised>& known = shown_[{one.where, record.offset}];
    if (known.contains(record.value)) continue;
    if (!one.operation) {
      one.operation = std::make_shared<const Operation>(op);
      one.promise = promise_of(settings_, op);
    }
    one.record = record;
    one.offset = record.offset;
    one.stored = map_.find(one.where, one.offset);
    if (one.stored) judge_synced(one, op.completed);
    known.emplace(record.value, one);
    tally(one, "compared");
  }
}

void AcknowledgedChecker::judge_at_acknowledgement(const Promised& one, Time at) {
  if (!one.stored) {
    violation(
        at,
        fmt::format("{} was acknowledged at {} offset {}, and no such bytes were ever written",
                    value_text(one.record.value), one.where.to_string(), one.offset.value()),
        {one.operation->id});
    return;
  }
  judge_synced(one, at);
}

void AcknowledgedChecker::judge_synced(const Promised& one, Time at) {
  if (one.promise != Promise::survives_power_cut) return;
  tally(one, one.read() ? "synced_when_shown" : "synced_when_acknowledged");
  if (map_.synced(*one.stored) || excuse_of(one, true, at)) return;
  violation(at,
            fmt::format("{} was {} at {} offset {} before a sync covered it",
                        value_text(one.record.value), one.read() ? "read" : "acknowledged",
                        one.where.to_string(), one.offset.value()),
            {one.operation->id});
}

void AcknowledgedChecker::final_read(const Operation& op) {
  const TopicPartitionName where{op.topic, op.partition};
  audited_.insert(where);
  std::map<Offset, Found>& found = final_[where];
  bool& doubtful = doubtful_[where][op.offset];
  doubtful = unverified_.excuses(op);
  if (doubtful) {
    // It may tell of any offset, and what it should have told of is missing.
    for (const RecordView& record : op.records) {
      found.try_emplace(record.offset, record.value, record.digest);
    }
    return;
  }
  for (const RecordView& record : op.records) found[record.offset] = {record.value, record.digest};
}

void AcknowledgedChecker::note_start(const Operation& op) {
  const TopicPartitionName where{op.topic, op.partition};
  std::vector<Start>& starts = starts_[where];
  if (starts.empty() || starts.back().at != op.log_start) {
    starts.push_back({op.completed, op.log_start});
  }
  if (op.kind != OperationKind::final_read) return;
  const auto [start, first] = final_start_.try_emplace(where, op.log_start);
  if (!first) start->second = std::max(start->second, op.log_start);
}

// By when it was gone it must have been entitled to go.
std::optional<std::string> AcknowledgedChecker::gone_from_front(const Promised& one,
                                                                Time now) const {
  if (audit_began_) {
    const auto found = final_start_.find(one.where);
    if (found != final_start_.end() && one.offset >= found->second) return std::nullopt;
  }
  Time gone = now;
  if (const auto told = starts_.find(one.where); told != starts_.end()) {
    // What was told before its acknowledgement may have been told of a topic before.
    const auto first = std::ranges::find_if(told->second, [&](const Start& start) {
      return start.at > one.offset && start.told >= one.operation->completed;
    });
    if (first != told->second.end()) gone = first->told;
  }
  return entitled_.why_gone(one.where, one.offset, one.stored, gone);
}

std::optional<std::string> AcknowledgedChecker::excuse_of(const Promised& one, bool gone,
                                                          Time now) const {
  if (auto deleted = lives_.why_deleted(*one.operation)) return deleted;
  // Only what is not there can have gone by right.
  if (gone) {
    if (auto entitled = gone_from_front(one, now)) return entitled;
  }
  if (!one.stored) return std::nullopt;
  return map_.excuse(*one.stored, one.promise);
}

// The final read that ought to have brought the record may have met wrong bytes.
bool AcknowledgedChecker::was_in_doubt(const Promised& one) const {
  const auto reads = doubtful_.find(one.where);
  if (reads == doubtful_.end()) return false;
  const auto after = reads->second.upper_bound(one.offset);
  return after != reads->second.begin() && std::prev(after)->second;
}

void AcknowledgedChecker::judge_at_end(const Promised& one, Time now) {
  const auto partition = final_.find(one.where);
  const Found* found = nullptr;
  if (partition != final_.end()) {
    const auto at = partition->second.find(one.offset);
    if (at != partition->second.end()) found = &at->second;
  }
  const bool held = found && found->value == one.record.value && found->digest == one.record.digest;
  std::optional<std::string> excuse = excuse_of(one, !held, now);
  if (!excuse && one.stored && !audited_.contains(one.where)) excuse = map_.closed(*one.stored);
  if (one.read() && found && !held) return tally(one, "other_there");
  if (!excuse) tally(one, "owed");
  if (held) return tally(one, "held");
  if (excuse) return tally(one, "excused." + *excuse);
  if (was_in_doubt(one)) return tally(one, "excused.unverified_read");
  const std::string what =
      found ? fmt::format("holds {} instead", value_text(found->value))
            : std::string(audited_.contains(one.where) ? "is not there"
                                                       : "cannot be read: nobody could read it");
  violation(now,
            fmt::format("{} was {} at {} offset {}, which {}", value_text(one.record.value),
                        one.read() ? "read" : "acknowledged", one.where.to_string(),
                        one.offset.value(), what),
            {one.operation->id});
}

void AcknowledgedChecker::tally(const Promised& one, std::string_view what) {
  count(one.read() ? fmt::format("read.{}", what) : std::string(what));
}

void AcknowledgedChecker::finish(Time now) {
  if (!audit_began_) return;
  for (const Promised& one : promised_) judge_at_end(one, now);
  for (const auto& [place, records] : shown_) {
    for (const auto& [value, one] : records) judge_at_end(one, now);
  }
}

}  // namespace flux::sim
