#include "sim/check/entitled.h"

#include <algorithm>
#include <charconv>

#include "sim/world/process.h"

namespace flux::sim {
namespace {

constexpr std::int64_t kRetentionMs = 604'800'000;  // the default
// No fault puts a clock further wrong (sim/fault/registry.cpp), and two may add up.
constexpr std::int64_t kClockErrorMsMax = 2 * 86'400'000LL;

std::int64_t true_wall_ms(Time now) {
  return (ProcessConfig().wall_start + Duration(now.ns())).ms();
}

std::string_view text_of(const ClusterFacts& facts, std::string_view topic, std::string_view name,
                         std::string_view broker_key) {
  for (const ClusterFacts::Topic& one : facts.topics) {
    if (one.name != topic) continue;
    const auto own = one.config.find(std::string(name));
    if (own != one.config.end()) return own->second;
  }
  const auto set = facts.broker_config.find(std::string(broker_key));
  return set == facts.broker_config.end() ? std::string_view() : set->second;
}

}  // namespace

void Entitled::observe(const Observation& observation) {
  if (const auto* invoked = std::get_if<Invoked>(&observation)) {
    const Operation& op = invoked->operation;
    if (op.kind != OperationKind::delete_records) return;
    // From the moment it is asked for, a deletion may take effect.
    Offset& before = deleted_before_[{op.topic, op.partition}];
    before = std::max(before, op.offset);
  } else if (const auto* fault = std::get_if<FaultEvent>(&observation)) {
    clocks_wrong_ = clocks_wrong_ || fault->fault.starts_with("clock_");
  }
}

std::optional<std::int64_t> Entitled::setting(std::string_view topic, std::string_view name,
                                              std::string_view broker_key) const {
  const std::string_view text = text_of(facts_, topic, name, broker_key);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc()) return std::nullopt;
  return value;
}

bool Entitled::deletes(std::string_view topic) const {
  const std::string_view policy = text_of(facts_, topic, "cleanup.policy", "log.cleanup.policy");
  return policy.empty() || policy.contains("delete");
}

std::optional<std::string> Entitled::why_gone(const TopicPartitionName& where, Offset offset,
                                              const Stored* stored, Time now) const {
  const auto before = deleted_before_.find(where);
  if (before != deleted_before_.end() && offset < before->second) return "deleted";
  if (!stored || !deletes(where.topic)) return std::nullopt;
  const std::int64_t bytes =
      setting(where.topic, "retention.bytes", "log.retention.bytes").value_or(-1);
  if (bytes >= 0 && map_.bytes_behind(where, *stored) >= static_cast<std::uint64_t>(bytes)) {
    return "retention";
  }
  const std::int64_t ms =
      setting(where.topic, "retention.ms", "log.retention.ms").value_or(kRetentionMs);
  if (ms < 0 || stored->max_timestamp_ms < 0) return std::nullopt;
  const std::int64_t age = true_wall_ms(now) - stored->max_timestamp_ms;
  if (age > ms) return "retention";
  if (clocks_wrong_ && age + kClockErrorMsMax > ms) return "clock";
  return std::nullopt;
}

}  // namespace flux::sim
