#include "sim/run/report.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/fault/registry.h"
#include "sim/run/fault_json.h"
#include "sim/run/json_reader.h"
#include "sim/workload/workloads.h"

namespace flux::sim {
namespace {

using nlohmann::json;

json parameter_json(const FaultParameter& parameter) {
  return {{"name", parameter.name},
          {"low", parameter.low},
          {"high", parameter.high},
          {"default", parameter.usual},
          {"meaning", parameter.meaning}};
}

json row_json(const FaultRow& row) {
  json parameters = json::array();
  for (const FaultParameter& parameter : {row.first, row.second}) {
    if (!parameter.name.empty()) parameters.push_back(parameter_json(parameter));
  }
  return {{"name", row.name},
          {"group", row.group},
          {"target", name_of(row.target)},
          {"lasts", row.span == FaultSpan::lasting},
          {"for_ms", {row.for_ms_low, row.for_ms_high}},
          {"parameters", parameters},
          {"swarm", row.swarm},
          {"needs_replicas", row.needs_replicas},
          {"meaning", row.meaning},
          {"must", row.must}};
}

std::string counts_line(const RunResult& result, std::string_view prefix) {
  std::string line;
  for (const auto& [name, value] : result.counts) {
    if (value != 0 && name.starts_with(prefix)) {
      line += fmt::format(" {}={}", name.substr(prefix.size()), value);
    }
  }
  return line.empty() ? " none" : line;
}

std::uint64_t count_of(const RunResult& result, std::string_view name) {
  const auto found = result.counts.find(name);
  return found == result.counts.end() ? 0 : found->second;
}

}  // namespace

std::string last_line(Verdict verdict, std::uint64_t seed, std::uint64_t hash) {
  return fmt::format("verdict={} seed={} hash={:016x}", name_of(verdict), seed, hash);
}

std::string human_report(const RunResult& result) {
  std::string out = fmt::format("draw {}\n", result.draw_line);
  for (const std::string& line : result.story) out += line + "\n";
  for (const std::string& reason : result.reasons) out += fmt::format("reason {}\n", reason);
  for (const Pending& pending : result.pending) {
    out += fmt::format("pending {}{}{}\n", pending.what,
                       pending.excuse.empty() ? "" : " excused: ", pending.excuse);
  }
  for (const std::string& error : result.node_errors) out += fmt::format("node ended {}\n", error);
  out += fmt::format("time {}.{:03} s simulated, {} events, {} through the seam\n",
                     result.end.ms() / 1000, result.end.ms() % 1000, result.events,
                     result.seam_events);
  out +=
      fmt::format("clients operations={} acknowledged={} read={}\n", count_of(result, "operations"),
                  count_of(result, "acknowledged"), count_of(result, "read"));
  out += fmt::format("faults{}\n", counts_line(result, "fault."));
  out += fmt::format("marks{}\n", counts_line(result, "mark."));
  std::string checks;
  for (const auto& [name, value] : result.counts) {
    const bool other = name.starts_with("mark.") || name.starts_with("fault.") ||
                       name.starts_with("net.") || name.starts_with("disk.");
    if (!other && name.find('.') != std::string::npos) checks += fmt::format(" {}={}", name, value);
  }
  return out + fmt::format("checks{}\n", checks.empty() ? " none" : checks);
}

std::string json_report(const Scenario& scenario, const RunResult& result) {
  json violations = json::array();
  for (const Violation& violation : result.violations) {
    json operations = json::array();
    for (const OperationId id : violation.operations) operations.push_back(id.value());
    violations.push_back({{"checker", violation.checker},
                          {"at_ms", violation.at.ms()},
                          {"what", violation.what},
                          {"operations", operations}});
  }
  json pending = json::array();
  for (const Pending& entry : result.pending) {
    pending.push_back({{"what", entry.what}, {"excuse", entry.excuse}});
  }
  json plan = json::array();
  for (const FaultItem& item : result.plan) plan.push_back(write_fault(item));
  json draws = json::object();
  for (const auto& [name, value] : scenario.draws) draws[name] = value;
  const json root = {{"scenario", scenario.name},
                     {"verdict", name_of(result.verdict)},
                     {"expected", scenario.verdict},
                     {"seed", result.seed},
                     {"hash", fmt::format("{:016x}", result.hash)},
                     {"end_ms", result.end.ms()},
                     {"events", result.events},
                     {"seam_events", result.seam_events},
                     {"draw", result.draw_line},
                     {"draws", draws},
                     {"plan", plan},
                     {"reasons", result.reasons},
                     {"violations", violations},
                     {"pending", pending},
                     {"node_errors", result.node_errors},
                     {"story", result.story},
                     {"counts", result.counts}};
  // What nodes say may hold any bytes.
  return root.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string plan_lines(const FaultPlan& plan) {
  std::string out;
  for (const FaultItem& item : plan) out += fmt::format("plan {}\n", write_fault(item).dump());
  return out;
}

std::string fault_table(bool as_json) {
  json rows = json::array();
  std::string out;
  for (const FaultRow& row : fault_registry()) {
    if (as_json) {
      rows.push_back(row_json(row));
      continue;
    }
    out += fmt::format("{:<18} {:<8} {}{}\n", row.name, name_of(row.target), row.meaning,
                       row.needs_replicas ? " (needs replicas)" : "");
    for (const FaultParameter& parameter : {row.first, row.second}) {
      if (parameter.name.empty()) continue;
      out += fmt::format("{:27} {}: {} to {}, usually {}: {}\n", "", parameter.name, parameter.low,
                         parameter.high, parameter.usual, parameter.meaning);
    }
    if (row.for_ms_high > 0) {
      out += fmt::format("{:27} for {} to {} ms\n", "", row.for_ms_low, row.for_ms_high);
    }
    out += fmt::format("{:27} must: {}\n", "", row.must);
  }
  return as_json ? rows.dump(1) + "\n" : out;
}

std::string mark_table(bool as_json) {
  std::vector<std::string> names;
  for (const Mark* mark : all_marks()) names.emplace_back(mark->name);
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  if (as_json) return json(names).dump(1) + "\n";
  return fmt::format("{}\n", fmt::join(names, "\n"));
}

std::string workload_table() {
  std::string out;
  for (const WorkloadKind& kind : workload_kinds()) {
    out += fmt::format("{:<18} {}\n", kind.name, kind.meaning);
    if (kind.operations.empty()) continue;
    out += fmt::format("{:<18} operations: {}\n", "", fmt::join(kind.operations, " "));
  }
  return out;
}

std::string scenario_table(const std::vector<ListedScenario>& scenarios, bool as_json) {
  json rows = json::array();
  std::string out;
  for (const ListedScenario& entry : scenarios) {
    if (as_json) {
      json row = {{"name", entry.name}, {"path", entry.path}, {"about", entry.about}};
      if (!entry.error.empty()) row["error"] = entry.error;
      rows.push_back(std::move(row));
    } else {
      out += fmt::format("{:<28} {}\n", entry.name,
                         entry.error.empty() ? entry.about : "does not load: " + entry.error);
    }
  }
  return as_json ? rows.dump(1) + "\n" : out;
}

Result<Floors> load_floors(std::string_view file, std::string_view text,
                           std::string_view scenario) {
  const json root = TRY(parse_json(file, text));
  Floors floors;
  if (!root.is_object()) return fail(ErrorCode::invalid, fmt::format("{}: not an object", file));
  const auto found = root.find(std::string(scenario));
  if (found == root.end()) return floors;
  JsonDocument document{std::string(file), 0};
  std::map<std::string, std::int64_t, std::less<>> per_hundred;
  std::map<std::string, std::int64_t, std::less<>> at_most;
  {
    JsonReader reader(document, *found, std::string(scenario));
    reader.integer("from_seeds", floors.from_seeds, 1, 1'000'000);
    reader.integers("per_hundred", per_hundred);
    reader.integers("at_most_per_hundred", at_most);
    reader.integer("each_fault_per_hundred", floors.each_fault_per_hundred, 0, 1000);
  }
  TRY(document.result());
  for (const auto& [name, floor] : per_hundred) {
    floors.per_hundred[name] = static_cast<std::uint64_t>(std::max<std::int64_t>(floor, 0));
  }
  for (const auto& [name, ceiling] : at_most) {
    floors.at_most_per_hundred[name] =
        static_cast<std::uint64_t>(std::max<std::int64_t>(ceiling, 0));
  }
  return floors;
}

std::vector<std::string> held_to(const Floors& floors, const SwarmFaults& swarm,
                                 std::uint64_t seeds,
                                 const std::map<std::string, std::uint64_t>& counts) {
  std::vector<std::string> out;
  if (seeds < floors.from_seeds) return out;
  std::map<std::string, std::uint64_t> wanted = floors.per_hundred;
  if (floors.each_fault_per_hundred > 0) {
    for (const FaultRow& row : fault_registry()) {
      if (!may_draw(swarm, row)) continue;
      wanted.try_emplace(fmt::format("fault.{}", row.name), floors.each_fault_per_hundred);
    }
  }
  const auto seen = [&](const std::string& name) {
    const auto found = counts.find(name);
    return found == counts.end() ? 0 : found->second;
  };
  for (const auto& [name, floor] : wanted) {
    const std::uint64_t least = floor * seeds / 100;
    if (seen(name) >= least) continue;
    out.push_back(fmt::format("{}: {} of at least {}", name, seen(name), least));
  }
  for (const auto& [name, ceiling] : floors.at_most_per_hundred) {
    const std::uint64_t most = ceiling * seeds / 100;
    if (seen(name) <= most) continue;
    out.push_back(fmt::format("{}: {} of at most {}", name, seen(name), most));
  }
  return out;
}

Result<SeedReport> read_seed_report(std::string_view text) {
  const json root = json::parse(text, nullptr, false);
  if (!root.is_object() || !root.contains("verdict") || !root.contains("counts")) {
    return fail(ErrorCode::invalid, "not a report");
  }
  SeedReport report;
  report.verdict = root.value("verdict", "");
  report.hash = root.value("hash", "");
  report.draw = root.value("draw", "");
  report.end_ms = root.value("end_ms", std::uint64_t{0});
  report.events = root.value("events", std::uint64_t{0});
  report.reasons = root.value("reasons", std::vector<std::string>());
  report.counts = root.value("counts", std::map<std::string, std::uint64_t>());
  return report;
}

std::string swarm_json(const SwarmSummary& summary) {
  const json root = {{"scenario", summary.scenario},
                     {"seeds", summary.seeds},
                     {"jobs", summary.jobs},
                     {"wall_ms", summary.wall_ms},
                     {"simulated_ms", summary.simulated_ms},
                     {"events", summary.events},
                     {"verdicts", summary.verdicts},
                     {"counts", summary.counts},
                     {"failures", summary.failures},
                     {"below_floor", summary.below}};
  return root.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace flux::sim
