#include "sim/fault/plan.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "core/base/mark.h"
#include "sim/fault/registry.h"
#include "sim/world/decisions.h"

namespace flux::sim {
namespace {

constexpr Key kSwarm = key("fault.swarm");
constexpr std::uint64_t kFirstDrawnOrdinal = 1001;

bool listed(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::int64_t draw_between(Decisions& decisions, Key key, std::int64_t low, std::int64_t high,
                          const char* label) {
  if (high <= low) return low;
  const auto width = static_cast<std::uint64_t>(high - low) + 1;
  return low + static_cast<std::int64_t>(decisions.draw(key, width, label));
}

// Every mark has a number of its own for this item and the highest wins, so that a mark that is
// added to the code changes only the items that it wins.
std::string draw_mark(Key item, std::uint64_t seed) {
  std::string_view best;
  std::uint64_t best_number = 0;
  for (const Mark* mark : all_marks()) {
    const std::uint64_t number = keyed_u64(seed, item.with("mark").with(mark->name));
    if (best.empty() || number > best_number) {
      best = mark->name;
      best_number = number;
    }
  }
  return std::string(best);
}

FaultTrigger draw_trigger(Key item, const SwarmFaults& swarm, Decisions& decisions) {
  FaultTrigger trigger;
  const auto until_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(swarm.until.ms(), 1));
  const auto at_ms = decisions.draw(item.with("at"), until_ms, "fault.at_ms");
  trigger.at = milliseconds(static_cast<std::int64_t>(at_ms));
  const std::uint64_t kind = decisions.draw(item.with("trigger"), 10, "fault.trigger");
  if (kind < 3) {
    trigger.mark = draw_mark(item, decisions.seed());
    // Half of the hits are early ones: first things are as rare as late ones are many.
    const std::uint64_t reach =
        decisions.chance(item.with("early"), ratio(1, 2), "fault.early") ? 5 : 500;
    trigger.hit = 1 + decisions.draw(item.with("hit"), reach, "fault.hit");
    if (!trigger.mark.empty()) trigger.kind = FaultTrigger::Kind::mark;
  } else if (kind == 3) {
    trigger.kind = FaultTrigger::Kind::every;
    trigger.period =
        milliseconds(draw_between(decisions, item.with("period"), 200, 5000, "fault.period_ms"));
    trigger.chance = ratio(1, 1 + decisions.draw(item.with("chance"), 8, "fault.chance"));
    trigger.count_max = 4;
  }
  return trigger;
}

FaultItem draw_item(const FaultRow& row, std::uint64_t ordinal, const SwarmFaults& swarm,
                    Decisions& decisions) {
  FaultItem item;
  item.fault = row.name;
  item.ordinal = ordinal;
  const Key key = item.key();
  item.trigger = draw_trigger(key, swarm, decisions);
  item.duration = milliseconds(
      draw_between(decisions, key.with("for"), row.for_ms_low, row.for_ms_high, "fault.for_ms"));
  for (const FaultParameter& parameter : {row.first, row.second}) {
    if (parameter.name.empty()) continue;
    item.parameters.emplace(parameter.name,
                            draw_between(decisions, key.with(parameter.name), parameter.low,
                                         parameter.high, "fault.parameter"));
  }
  return item;
}

}  // namespace

std::string FaultItem::name() const { return fmt::format("{}#{}", fault, ordinal); }

Key FaultItem::key() const { return flux::key("fault.item").with(fault).with(ordinal); }

bool may_draw(const SwarmFaults& swarm, const FaultRow& row) {
  const bool may = swarm.only.empty() ? row.swarm : listed(swarm.only, row.name);
  return swarm.on && may && !listed(swarm.except, row.name);
}

FaultPlan draw_plan(const SwarmFaults& swarm, Decisions& decisions) {
  FaultPlan plan;
  for (const FaultRow& row : fault_registry()) {
    if (!may_draw(swarm, row)) continue;
    const Key kind = kSwarm.with(row.name);
    if (!decisions.chance(kind, ratio(swarm.kind_percent, 100), "fault.kind")) continue;
    const std::uint64_t items =
        1 + decisions.draw(kind.with("items"), std::max(swarm.items_max, 1U), "fault.items");
    for (std::uint64_t i = 0; i < items; ++i) {
      plan.push_back(draw_item(row, kFirstDrawnOrdinal + i, swarm, decisions));
    }
  }
  return plan;
}

}  // namespace flux::sim
