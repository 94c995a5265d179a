// A run: a scenario, a seed and some wishes in; a verdict and everything to understand it out.
//
// Phases: safety (faults strike, clients work), liveness (everything outside of permanent faults is
// healed; it must converge within a bound of simulated time), audit (everything is read back), stop
// (brokers end in order). A violation ends the run where it is found.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/check/checker.h"
#include "sim/cluster/scenario.h"
#include "sim/replay/node_record.h"
#include "sim/world/world.h"

namespace flux::sim {

// In order of weight: a run is called the first that applies. Nondeterminism is found by comparing
// runs, crash by whoever survives them.
enum class Verdict : std::uint8_t { held, crash, safety, liveness, nondeterminism, vacuous };
std::string_view name_of(Verdict verdict);
int exit_code_of(Verdict verdict);
std::optional<Verdict> find_verdict(std::string_view name);

struct RunOptions {
  std::uint64_t seed = 1;
  Time until = Time::max();  // ends the run early, without a judgement of what is unfinished
  bool record_tape = false;
  std::vector<Decision> played;
  std::optional<FaultPlan> plan;  // of a tape: in place of what is written and drawn
  std::string record_node;        // a broker whose record is wanted
  bool keep_observations = false;
  bool tell_story = false;
  // The trace, a line for each event of at least this severity.
  TraceLog::Sink trace;
  env::Severity trace_least = env::Severity::debug;
  // Seam events [first, last).
  Seam::Watcher watcher;
  std::uint64_t watch_first = 0;
  std::uint64_t watch_last = 0;
  // Called once, when the world stands: whoever handles a crash asks it for time and fiber.
  std::function<void(const World&)> on_world;
};

struct RunResult {
  Verdict verdict = Verdict::held;
  std::uint64_t seed = 0;
  std::uint64_t hash = 0;
  Time end;
  std::uint64_t events = 0;
  std::uint64_t seam_events = 0;
  std::vector<std::uint64_t> checkpoints;
  std::vector<std::string> reasons;  // for a person, of a verdict that is not held
  std::vector<Violation> violations;
  std::vector<Pending> pending;
  std::vector<std::string> node_errors;
  // One flat table of all that was counted: "ack.records", "fault.kill", "mark.log.roll",
  // "checker.compared", "net.loss", "disk.sync".
  std::map<std::string, std::uint64_t, std::less<>> counts;
  std::vector<std::pair<std::string, std::string>> processes;  // name, for the seam's numbers
  FaultPlan plan;                                              // as carried out: written and drawn
  std::string draw_line;
  std::vector<Decision> tape;
  TapeUse tape_use;
  std::optional<NodeRecord> node_record;
  std::vector<Observation> observations;
  std::vector<std::string> story;
};

// The scenario must have been validated (validate.h). An error is a bad plan: a target or mark that
// does not exist.
Result<RunResult> run(const Scenario& scenario, RunOptions options);

}  // namespace flux::sim
