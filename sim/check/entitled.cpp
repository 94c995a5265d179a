#include "sim/check/entitled.h"

#include <algorithm>
#include <charconv>

namespace flux::sim {
void Entitled::observe(const Observation& observation) {
  if (const auto* invoked = std::get_if<Invoked>(&observation)) {
    const Operation& op = invoked->operation;
    if (op.kind == OperationKind::delete_records) {
      deletions_[{op.topic, op.partition}].emplace_back(op);
    }
  } else if (const auto* done = std::get_if<Completed>(&observation)) {
    const Operation& op = done->operation;
    if (op.kind == OperationKind::delete_records) {
      take_answer(deletions_[{op.topic, op.partition}], op);
    }
  }
  clocks_.observe(observation);
}

bool Entitled::deleted(const TopicPartitionName& where, Offset offset, const Stored* stored) const {
  const auto found = deletions_.find(where);
  if (found == deletions_.end()) return false;
  return std::ranges::any_of(found->second, [&](const Deletion& deletion) {
    return offset < deletion.before && (!stored || deletion.over >= stored->at);
  });
}

// What the setting may have been while the record lay there, each with the last moment of that.
std::vector<std::pair<std::int64_t, Time>> Entitled::numbers(const TopicPartitionName& where,
                                                             const SettingName& name,
                                                             const Stored& stored, Time now) const {
  std::vector<std::pair<std::int64_t, Time>> out;
  for (const Settings::Held& held : settings_.held(where.topic, name, stored.at, now)) {
    std::int64_t value = -1;
    std::from_chars(held.value.data(), held.value.data() + held.value.size(), value);
    if (value >= 0) out.emplace_back(value, held.until);
  }
  return out;
}

std::optional<std::string> Entitled::why_gone(const TopicPartitionName& where, Offset offset,
                                              const Stored* stored, Time now) const {
  if (deleted(where, offset, stored)) return "deleted";
  if (!stored) return std::nullopt;
  const auto policies = settings_.held(where.topic, kCleanupPolicy, stored->at, now);
  const bool deletes = std::ranges::any_of(
      policies, [](const Settings::Held& one) { return one.value.contains("delete"); });
  if (!deletes) return std::nullopt;
  for (const auto& [bytes, until] : numbers(where, kRetentionBytes, *stored, now)) {
    const std::uint64_t behind = map_.bytes_behind(where, *stored, until);
    if (behind >= static_cast<std::uint64_t>(bytes)) return "retention";
  }
  if (stored->max_timestamp_ms < 0) return std::nullopt;
  std::optional<std::string> why;
  for (const auto& [ms, until] : numbers(where, kRetentionMs, *stored, now)) {
    if (true_wall_ms(until) - stored->max_timestamp_ms > ms) return "retention";
    const WallClocks::Shown shown = clocks_.shown(stored->at, until, stored->disk);
    if (shown.latest_ms - stored->max_timestamp_ms > ms) why = "clock";
  }
  return why;
}

}  // namespace flux::sim
