// fluxsim swarm: many seeds of one scenario, a process each.

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "sim/run/commands.h"
#include "sim/run/host.h"
#include "sim/run/report.h"
#include "sim/run/scenario_file.h"

namespace flux::sim {
namespace {

constexpr std::uint64_t kProgressEveryMs = 5000;
constexpr std::size_t kFailuresShown = 20;

class Swarm {
 public:
  Swarm(const SwarmArguments& arguments, host::ScenarioText source, std::uint64_t first)
      : arguments_(arguments), source_(std::move(source)), first_(first) {
    summary_.scenario = source_.name;
    summary_.jobs = std::max(arguments.jobs, 1U);
  }

  int run(const Floors& floors, const Scenario& scenario);

 private:
  int run_seed(std::uint64_t seed) const;
  void take(std::uint64_t seed, const host::Ended& ended);
  void fold(const SeedReport& report);
  void fail_seed(std::uint64_t seed, const std::string& verdict, const std::string& why);
  void progress(bool last);
  int finish(const std::string& expected);

  const SwarmArguments& arguments_;
  host::ScenarioText source_;
  std::uint64_t first_;
  SwarmSummary summary_;
  std::uint64_t began_ms_ = host::wall_ms();
  std::uint64_t shown_ms_ = began_ms_;
  std::map<std::uint64_t, std::string> hashes_;  // verdict and hash by seed
  std::string worst_ = "held";
  std::string expected_;
};

// In the child.
int Swarm::run_seed(std::uint64_t seed) const {
  host::survive_crashes(seed);
  const auto scenario =
      load_scenario(source_.path, source_.name, source_.text, seed, arguments_.settings);
  if (!scenario) {
    host::print(scenario.error().detail() + "\n");
    return kBadUsage;
  }
  RunOptions options;
  options.seed = seed;
  options.on_world = &host::crash_reports;
  const auto result = sim::run(*scenario, std::move(options));
  if (!result) {
    host::print(result.error().detail() + "\n");
    return kBadUsage;
  }
  host::print(json_report(*scenario, *result));
  return exit_code_of(result->verdict);
}

void Swarm::fail_seed(std::uint64_t seed, const std::string& verdict, const std::string& why) {
  const std::string line = fmt::format("seed {} {}: {}", seed, verdict, why);
  summary_.failures.push_back(line);
  if (worst_ == "held" || verdict == "crash") worst_ = verdict;
  if (arguments_.json || summary_.failures.size() > kFailuresShown) return;
  std::string settings;
  for (const std::string& setting : arguments_.settings) settings += " --set " + setting;
  host::print(fmt::format("{}\n  again: fluxsim run {} --seed {}{} --story\n", line, source_.name,
                          seed, settings));
}

void Swarm::fold(const SeedReport& report) {
  summary_.simulated_ms += report.end_ms;
  summary_.events += report.events;
  for (const auto& [name, value] : report.counts) summary_.counts[name] += value;
}

void Swarm::take(std::uint64_t seed, const host::Ended& ended) {
  ++summary_.seeds;
  const Result<SeedReport> report = read_seed_report(ended.output);
  hashes_[seed] = report ? fmt::format("{} {}", report->verdict, report->hash) : "crash none";
  if (!report) {
    ++summary_.verdicts["crash"];
    const std::size_t end = ended.output.find_last_not_of('\n');
    const std::string tail =
        end == std::string::npos ? "no word" : ended.output.substr(0, std::min(end + 1, 2000UL));
    return fail_seed(seed, "crash", fmt::format("exit code {}: {}", ended.exit_code, tail));
  }
  fold(*report);
  ++summary_.verdicts[report->verdict];
  if (report->verdict == expected_) return;
  fail_seed(seed, report->verdict,
            fmt::format("{}\n  {}", report->reasons.empty() ? "" : report->reasons.front(),
                        report->draw));
}

void Swarm::progress(bool last) {
  const std::uint64_t now = host::wall_ms();
  if (arguments_.json || (!last && now - shown_ms_ < kProgressEveryMs)) return;
  shown_ms_ = now;
  const std::uint64_t wall = std::max<std::uint64_t>(now - began_ms_, 1);
  host::print(fmt::format("{} of {} seeds, {} failed, {} seeds a minute, {} s simulated\n",
                          summary_.seeds, arguments_.seeds, summary_.failures.size(),
                          summary_.seeds * 60'000 / wall, summary_.simulated_ms / 1000));
}

int Swarm::run(const Floors& floors, const Scenario& scenario) {
  expected_ = scenario.verdict;
  std::vector<host::Child> children;
  std::vector<std::string> outputs;
  std::vector<std::uint64_t> seeds;
  std::uint64_t next = 0;
  while (next < arguments_.seeds || !children.empty()) {
    while (next < arguments_.seeds && children.size() < summary_.jobs) {
      const std::uint64_t seed = first_ + next++;
      children.push_back(host::start([&] { return run_seed(seed); }, arguments_.wall_limit_s));
      seeds.push_back(seed);
    }
    host::Ended ended;
    const std::size_t place = host::wait_any(children, outputs, ended);
    if (ended.exit_code == kBadUsage) {
      host::print_error(fmt::format("fluxsim: {}", ended.output));
      while (!children.empty()) host::wait_any(children, outputs, ended);
      return kBadUsage;
    }
    take(seeds[place], ended);
    seeds.erase(seeds.begin() + static_cast<std::ptrdiff_t>(place));
    progress(false);
  }
  summary_.below = held_to(floors, scenario.swarm, summary_.seeds, summary_.counts);
  if (!arguments_.hashes_file.empty()) {
    std::string lines;
    for (const auto& [seed, hash] : hashes_) lines += fmt::format("{} {}\n", seed, hash);
    const Result<void> written = host::write_text(arguments_.hashes_file, lines);
    if (!written) {
      host::print_error(fmt::format("fluxsim: --hashes {}\n", written.error().detail()));
      return kBadUsage;
    }
  }
  return finish(expected_);
}

int Swarm::finish(const std::string& expected) {
  summary_.wall_ms = host::wall_ms() - began_ms_;
  Verdict verdict = find_verdict(worst_).value_or(Verdict::crash);
  if (summary_.failures.empty()) {
    verdict = summary_.below.empty() ? Verdict::held : Verdict::vacuous;
  } else if (verdict == Verdict::held) {
    verdict = Verdict::vacuous;  // a seed held that was to fail
  }
  if (arguments_.json) {
    host::print(swarm_json(summary_));
  } else {
    progress(true);
    std::string totals;
    for (const auto& [name, value] : summary_.counts) {
      if (value != 0) totals += fmt::format(" {}={}", name, value);
    }
    host::print(fmt::format("totals{}\n", totals));
    for (const std::string& below : summary_.below) {
      host::print(fmt::format("below the floor {}\n", below));
    }
    std::string verdicts;
    for (const auto& [name, value] : summary_.verdicts) {
      verdicts += fmt::format(" {}={}", name, value);
    }
    host::print(fmt::format("verdicts{}, expected {}, in {} s\n", verdicts, expected,
                            summary_.wall_ms / 1000));
    const std::uint64_t failed = summary_.failures.size();
    host::print(fmt::format("verdict={} seeds={}\n", name_of(verdict), summary_.seeds));
    host::print(fmt::format("{} passed, {} failed\n", summary_.seeds - failed,
                            failed + (summary_.below.empty() ? 0 : 1)));
  }
  return exit_code_of(verdict);
}

}  // namespace

int command_swarm(const SwarmArguments& arguments) {
  const Result<std::uint64_t> first = parse_seed(arguments.first);
  const Result<host::ScenarioText> source = host::find_scenario(arguments.scenario);
  if (!first || !source) {
    host::print_error(
        fmt::format("fluxsim: {}\n", (first ? source.error() : first.error()).detail()));
    return kBadUsage;
  }
  const auto scenario =
      load_scenario(source->path, source->name, source->text, *first, arguments.settings);
  Result<Floors> floors = Floors();
  const std::string floors_path = host::scenario_folder() + "/floors.json";
  if (const auto text = host::read_text(floors_path)) {
    floors = load_floors(floors_path, *text, source->name);
  }
  if (!scenario || !floors) {
    host::print_error(
        fmt::format("fluxsim: {}\n", (scenario ? floors.error() : scenario.error()).detail()));
    return kBadUsage;
  }
  // Before hours are spent on what could not be kept.
  const Result<void> opened =
      arguments.hashes_file.empty() ? Result<void>() : host::write_text(arguments.hashes_file, "");
  if (!opened) {
    host::print_error(fmt::format("fluxsim: --hashes {}\n", opened.error().detail()));
    return kBadUsage;
  }
  return Swarm(arguments, *source, *first).run(*floors, *scenario);
}

}  // namespace flux::sim
