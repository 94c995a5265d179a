#include "sim/run/fault_json.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/fault/registry.h"
#include "sim/run/json_reader.h"

namespace flux::sim {
namespace {

constexpr Duration kMillisecond = milliseconds(1);

void read_trigger(JsonReader& json, FaultTrigger& trigger) {
  const bool by_mark = json.has("mark");
  const bool by_chance = json.has("every_ms");
  json.duration("at_ms", trigger.at, kMillisecond);
  json.text("mark", trigger.mark);
  json.integer("hit", trigger.hit, 1, std::int64_t{1} << 40);
  json.text("process", trigger.process);
  json.duration("delay_us", trigger.delay, microseconds(1));
  json.duration("every_ms", trigger.period, kMillisecond);
  json.ratio("chance", trigger.chance);
  json.integer("count_max", trigger.count_max, 0, 1'000'000);
  constexpr const char* kOne = "an item has one trigger: at_ms, mark, or every_ms with chance";
  if (by_mark && (by_chance || json.has("at_ms"))) json.fail("mark", kOne);
  if (!by_mark && !by_chance && !json.has("at_ms")) {
    json.fail("fault", fmt::format("{}; this one has none", kOne));
  }
  for (const char* name : {"hit", "process", "delay_us"}) {
    if (!by_mark && json.has(name)) json.fail(name, "belongs to a mark, and there is none");
  }
  for (const char* name : {"chance", "count_max"}) {
    if (!by_chance && json.has(name)) json.fail(name, "belongs to every_ms, and there is none");
  }
  if (by_mark) trigger.kind = FaultTrigger::Kind::mark;
  if (by_chance) {
    trigger.kind = FaultTrigger::Kind::every;
    if (trigger.period.ns() == 0) json.fail("every_ms", "0: a period is at least 1");
  }
}

}  // namespace

void read_fault(JsonReader& json, FaultItem& item) {
  json.text("fault", item.fault);
  if (!find_fault(item.fault)) {
    return json.fail("fault",
                     fmt::format("no fault \"{}\"; `fluxsim faults` lists them", item.fault));
  }
  json.integer("ordinal", item.ordinal, 1, 1'000'000);
  json.text("target", item.target);
  read_trigger(json, item.trigger);
  json.duration("for_ms", item.duration, kMillisecond);
  json.boolean("permanent", item.permanent);
  json.integers("with", item.parameters);
}

nlohmann::json write_fault(const FaultItem& item) {
  nlohmann::json out = {{"fault", item.fault}, {"ordinal", item.ordinal}, {"target", item.target}};
  const FaultTrigger& trigger = item.trigger;
  switch (trigger.kind) {
    case FaultTrigger::Kind::at:
      out["at_ms"] = trigger.at.ms();
      break;
    case FaultTrigger::Kind::mark:
      out["mark"] = trigger.mark;
      out["hit"] = trigger.hit;
      if (!trigger.process.empty()) out["process"] = trigger.process;
      if (trigger.delay.ns() != 0) out["delay_us"] = trigger.delay.us();
      break;
    case FaultTrigger::Kind::every:
      out["at_ms"] = trigger.at.ms();
      out["every_ms"] = trigger.period.ms();
      out["chance"] = fmt::format("{}/{}", trigger.chance.numerator, trigger.chance.denominator);
      out["count_max"] = trigger.count_max;
      break;
  }
  if (item.duration.ns() != 0) out["for_ms"] = item.duration.ms();
  if (item.permanent) out["permanent"] = true;
  if (!item.parameters.empty()) out["with"] = item.parameters;
  return out;
}

}  // namespace flux::sim
