// Reports: what a run came to, as lines for people and as JSON for programs.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "sim/cluster/run.h"

namespace flux::sim {

// "verdict=held seed=1 hash=0123456789abcdef": the last line of every run, whatever else it prints.
std::string last_line(Verdict verdict, std::uint64_t seed, std::uint64_t hash);
// The draw, the story if there is one, reasons, counts; each line ends with a newline.
std::string human_report(const RunResult& result);
// One line of JSON.
std::string json_report(const Scenario& scenario, const RunResult& result);

// One line for each item, as it stands on a tape.
std::string plan_lines(const FaultPlan& plan);

// The lists that fluxsim prints.
std::string fault_table(bool json);
std::string mark_table(bool json);
std::string workload_table();
struct ListedScenario {
  std::string name;
  std::string path;
  std::string about;
  std::string error;  // of one that does not load
};
std::string scenario_table(const std::vector<ListedScenario>& scenarios, bool json);

// scenarios/floors.json: counts that a swarm must reach, or must not exceed, per hundred seeds.
struct Floors {
  std::uint64_t from_seeds = 100;  // smaller swarms are not judged
  std::map<std::string, std::uint64_t> per_hundred;
  std::map<std::string, std::uint64_t> at_most_per_hundred;
  std::uint64_t each_fault_per_hundred = 0;  // of every kind that the swarm may draw
};
Result<Floors> load_floors(std::string_view file, std::string_view text, std::string_view scenario);
// What is below its floor or above its ceiling, a line each.
std::vector<std::string> held_to(const Floors& floors, const SwarmFaults& swarm,
                                 std::uint64_t seeds,
                                 const std::map<std::string, std::uint64_t>& counts);

// What one seed of a swarm said, as read from its json_report.
struct SeedReport {
  std::string verdict;
  std::string hash;
  std::string draw;
  std::vector<std::string> reasons;
  std::map<std::string, std::uint64_t> counts;
  std::uint64_t end_ms = 0;
  std::uint64_t events = 0;
};
Result<SeedReport> read_seed_report(std::string_view text);
struct SwarmSummary {
  std::string scenario;
  std::uint64_t seeds = 0;
  std::uint64_t jobs = 0;
  std::uint64_t wall_ms = 0;
  std::uint64_t simulated_ms = 0;
  std::uint64_t events = 0;
  std::map<std::string, std::uint64_t> verdicts;
  std::map<std::string, std::uint64_t> counts;
  std::vector<std::string> failures;  // one line each
  std::vector<std::string> below;     // floors that were not reached
};
std::string swarm_json(const SwarmSummary& summary);

}  // namespace flux::sim
