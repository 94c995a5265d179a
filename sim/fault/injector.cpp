#include "sim/fault/injector.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/base/check.h"

namespace flux::sim {
namespace {

// An event's argument: item, turn of activity, act.
constexpr unsigned kActBits = 2;
constexpr unsigned kTurnBits = 30;

std::uint64_t pack(std::uint32_t index, std::uint64_t turn, std::uint64_t act) {
  return (static_cast<std::uint64_t>(index) << (kTurnBits + kActBits)) |
         ((turn & ((1ULL << kTurnBits) - 1)) << kActBits) | act;
}

bool ends_process(const FaultRow& row) {
  return row.name == "kill" || row.name.starts_with("power_cut") ||
         row.name == "restart_elsewhere" || row.name == "disk_lost";
}

std::string parameters_of(const FaultRow& row) {
  if (row.first.name.empty()) return "none";
  if (row.second.name.empty()) return fmt::format("\"{}\"", row.first.name);
  return fmt::format("\"{}\" and \"{}\"", row.first.name, row.second.name);
}

bool known_mark(std::string_view name) {
  return std::ranges::any_of(all_marks(), [&](const Mark* mark) { return mark->name == name; });
}

std::string no_carrier(const FaultRow& row) {
  const bool lasting_file = row.target == TargetClass::file && row.span == FaultSpan::lasting;
  return fmt::format("{}: {}", row.name,
                     lasting_file ? "what lasts is carried by a disk, never by a file alone"
                                  : "neither effects_begin.cpp nor recompute.cpp knows this row");
}

}  // namespace

Injector::Injector(Ground& ground, FaultObserver& observer) : ground_(ground), observer_(observer) {
  base_rule_ = ground.network().default_rule();
  base_habits_ = ground.network().habits();
}

Result<void> Injector::check(const FaultItem& item, const FaultRow& row) const {
  for (const auto& [name, value] : item.parameters) {
    const bool first = name == row.first.name;
    if (!first && name != row.second.name) {
      return fail(ErrorCode::invalid, fmt::format("{} has no parameter \"{}\": it has {}",
                                                  item.name(), name, parameters_of(row)));
    }
    const FaultParameter& range = first ? row.first : row.second;
    if (value < range.low || value > range.high) {
      return fail(ErrorCode::out_of_range,
                  fmt::format("{} {} {}: allowed are {} to {}", item.name(), name, value, range.low,
                              range.high));
    }
  }
  if (item.trigger.kind == FaultTrigger::Kind::mark && !known_mark(item.trigger.mark)) {
    return fail(ErrorCode::not_found,
                fmt::format("{}: no mark \"{}\" in this program; `fluxsim marks` lists them",
                            item.name(), item.trigger.mark));
  }
  const Result<Struck> target = resolve(item, row, 0, ground_);
  if (!target) return std::unexpected(target.error().in(item.name()));
  return {};
}

Result<void> Injector::arm(const FaultPlan& plan) {
  CHECK(items_.empty(), "armed twice");
  for (const GroundHost& host : ground_.hosts()) base_disks_.push_back(host.disk->habits());
  for (const FaultItem& item : plan) {
    const FaultRow* row = find_fault(item.fault);
    if (!row) {
      return fail(ErrorCode::not_found,
                  fmt::format("no fault \"{}\"; `fluxsim faults` lists them", item.fault));
    }
    TRY(check(item, *row));
    Armed armed;
    armed.item = item;
    armed.row = row;
    items_.push_back(std::move(armed));
  }
  for (std::uint32_t i = 0; i < items_.size(); ++i) {
    const FaultTrigger& trigger = items_[i].item.trigger;
    if (trigger.kind == FaultTrigger::Kind::mark) {
      by_mark_.push_back(i);
    } else {
      schedule(i, Act::strike, trigger.at);
    }
  }
  if (!by_mark_.empty()) ground_.world().watch_marks(*this);
  return {};
}

void Injector::schedule(std::uint32_t index, Act act, Duration in) {
  World& world = ground_.world();
  const std::uint64_t turn = act == Act::strike ? 0 : items_[index].turn;
  world.at(world.now() + in, *this, pack(index, turn, static_cast<std::uint64_t>(act)));
}

void Injector::fire(std::uint64_t argument) {
  const WorldScope scope;
  const auto act = static_cast<Act>(argument & ((1U << kActBits) - 1));
  const std::uint64_t turn = (argument >> kActBits) & ((1ULL << kTurnBits) - 1);
  const auto index = static_cast<std::uint32_t>(argument >> (kTurnBits + kActBits));
  if (act == Act::strike) return occasion(index);
  const Armed& armed = items_[index];
  if (!armed.active || armed.turn != turn) return;
  if (act == Act::heal) return heal_one(index);
  tick(index);
}

// A time at which an item may strike has come.
void Injector::occasion(std::uint32_t index) {
  if (healed_) return;
  Armed& armed = items_[index];
  const FaultTrigger& trigger = armed.item.trigger;
  if (trigger.kind == FaultTrigger::Kind::every) {
    schedule(index, Act::strike, std::max(trigger.period, milliseconds(1)));
    const Key decision = armed.item.key().with("every").with(armed.occasions++);
    if (!ground_.world().decisions().chance(decision, trigger.chance, "fault.every")) return;
    if (trigger.count_max != 0 && armed.strikes >= trigger.count_max) return;
  }
  strike(index);
}

void Injector::reached(const Mark& mark, Process* process) {
  if (healed_) return;
  for (const std::uint32_t index : by_mark_) {
    Armed& armed = items_[index];
    const FaultTrigger& trigger = armed.item.trigger;
    if (armed.spent || trigger.mark != mark.name) continue;
    if (!trigger.process.empty() && (!process || process->name() != trigger.process)) continue;
    if (++armed.hits != trigger.hit) continue;
    armed.spent = true;
    // What is wrong with a disk must be wrong before the running node goes on; all else may come as
    // an event of its own at the same time.
    if (trigger.delay.ns() == 0 && armed.row->group == "disk" && !ends_process(*armed.row)) {
      strike(index);
      continue;
    }
    schedule(index, Act::strike, trigger.delay);
    if (!process || trigger.delay.ns() != 0 || !ends_process(*armed.row)) continue;
    // Does not return: the node is gone in the midst of what it did, so nothing here may own
    // memory.
    if (will_strike(armed, *process)) {
      process->end(armed.row->name == "kill" ? Exit::killed : Exit::power_cut);
    }
  }
}

bool Injector::will_strike(const Armed& armed, const Process& process) const {
  const Result<Struck> target = resolve(armed.item, *armed.row, armed.strikes, ground_);
  return target && std::ranges::any_of(target->processes, [&](std::uint32_t struck) {
           return ground_.processes()[struck].process == &process;
         });
}

void Injector::strike(std::uint32_t index) {
  Armed& armed = items_[index];
  if (armed.active) return tell(armed, FaultPhase::missed, "still active");
  Result<Struck> struck = resolve(armed.item, *armed.row, armed.strikes, ground_);
  ++armed.strikes;
  if (!struck) return tell(armed, FaultPhase::missed, struck.error().detail());
  armed.struck = std::move(*struck);
  ++armed.turn;
  const bool lasts = armed.row->span == FaultSpan::lasting || holds(armed);
  armed.active = lasts;
  // What a power cut takes is told after the power cut itself.
  const bool first = holds(armed);
  if (first) tell(armed, FaultPhase::struck, {});
  const Outcome outcome = begin(armed);
  if (!outcome.struck) {
    armed.active = false;
    return tell(armed, FaultPhase::missed, outcome.detail);
  }
  CHECK(outcome.known || lasts_somewhere(armed), no_carrier(*armed.row));
  ++fired_[armed.item.fault];
  if (!first) tell(armed, FaultPhase::struck, outcome.detail);
  if (!lasts) return;
  recompute();
  Duration until_heal = armed.item.duration;
  // The old image comes back only when it is old; from then on the duration counts.
  if (!armed.images.empty()) until_heal += tick_period(armed);
  if (armed.item.duration.ns() > 0) schedule(index, Act::heal, until_heal);
  if (tick_period(armed).ns() > 0) schedule(index, Act::tick, tick_period(armed));
}

void Injector::heal_one(std::uint32_t index) {
  Armed& armed = items_[index];
  armed.active = false;
  finish(armed);
  recompute();
  tell(armed, FaultPhase::healed, {});
}

void Injector::heal() {
  const WorldScope scope;
  healed_ = true;
  for (std::uint32_t i = 0; i < items_.size(); ++i) {
    if (items_[i].active && !items_[i].item.permanent) heal_one(i);
  }
  const std::vector<std::uint32_t> out = outside();
  for (std::uint32_t h = 0; h < ground_.hosts().size(); ++h) {
    const bool core = std::ranges::none_of(
        out, [&](std::uint32_t p) { return ground_.processes()[p].host == h; });
    if (core) ground_.hosts()[h].disk->heal();
  }
  recompute();
}

std::vector<std::uint32_t> Injector::outside() const {
  std::vector<std::uint32_t> list;
  for (const Armed& armed : items_) {
    if (!armed.active || !armed.item.permanent) continue;
    list.insert(list.end(), armed.struck.processes.begin(), armed.struck.processes.end());
  }
  std::ranges::sort(list);
  list.erase(std::ranges::unique(list).begin(), list.end());
  return list;
}

std::vector<std::string> Injector::active() const {
  std::vector<std::string> list;
  for (const Armed& armed : items_) {
    if (armed.active) list.push_back(fmt::format("{} on {}", armed.item.name(), armed.struck.name));
  }
  return list;
}

void Injector::tell(const Armed& armed, FaultPhase phase, std::string detail) {
  World& world = ground_.world();
  const FaultItem& item = armed.item;
  const std::string& target = armed.struck.name.empty() ? item.target : armed.struck.name;
  if (phase != FaultPhase::missed) {
    std::uint64_t unowned = 0;
    world.seam().fold(unowned, 0, world.now(), SeamKind::mark_fault,
                      hash_name(item.fault) + item.ordinal, hash_name(target),
                      static_cast<std::uint64_t>(phase));
  }
  constexpr std::string_view kEvents[] = {"fault.struck", "fault.healed", "fault.missed"};
  world.note(
      nullptr, env::Severity::info, kEvents[static_cast<std::size_t>(phase)],
      {{"fault", item.fault}, {"item", item.ordinal}, {"target", target}, {"detail", detail}});
  observer_.fault_happened(
      {world.now(), phase, item.fault, item.name(), target, std::move(detail)});
}

std::int64_t Injector::parameter(const Armed& armed, const FaultParameter& of) const {
  const auto found = armed.item.parameters.find(of.name);
  return found == armed.item.parameters.end() ? of.usual : found->second;
}

}  // namespace flux::sim
