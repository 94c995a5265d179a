#include "sim/check/entitled.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "sim/world/process.h"

namespace flux::sim {
namespace {

constexpr std::int64_t kBillion = 1'000'000'000;

std::int64_t true_wall_ms(Time now) {
  return (ProcessConfig().wall_start + Duration(now.ns())).ms();
}

// What the clock showed at `now`, by its last change.
std::int64_t wall_ms(const ClockChange& change, Time now) {
  __extension__ using Wide = __int128;
  const std::int64_t passed = (now - change.at).ns();
  const auto gained = static_cast<std::int64_t>(Wide{passed} * change.drift_ppb / kBillion);
  return (ProcessConfig().wall_start + Duration(now.ns()) + change.ahead + Duration(gained)).ms();
}

}  // namespace

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
  } else if (const auto* change = std::get_if<ClockChange>(&observation)) {
    clocks_[change->process].push_back(*change);
  }
}

bool Entitled::deleted(const TopicPartitionName& where, Offset offset, const Stored* stored) const {
  const auto found = deletions_.find(where);
  if (found == deletions_.end()) return false;
  return std::ranges::any_of(found->second, [&](const Deletion& deletion) {
    return offset < deletion.before && (!stored || deletion.over >= stored->at);
  });
}

// On any broker of its disk while the record lay there. A clock that is not set runs forward, so it
// shows the most just before it is set, or now.
std::int64_t Entitled::latest_wall_ms(const Stored& stored, Time now) const {
  std::int64_t latest = true_wall_ms(now);
  for (const ClusterFacts::Broker& broker : facts_.brokers) {
    const auto changes = clocks_.find(broker.process);
    if (broker.disk != stored.disk || changes == clocks_.end()) continue;
    for (auto at = changes->second.begin(); at != changes->second.end(); ++at) {
      const auto next = std::next(at);
      const Time end = next == changes->second.end() ? now : std::min(now, next->at);
      if (at->at <= now && end >= stored.at) latest = std::max(latest, wall_ms(*at, end));
    }
  }
  return latest;
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
    if (latest_wall_ms(*stored, until) - stored->max_timestamp_ms > ms) why = "clock";
  }
  return why;
}

}  // namespace flux::sim
