// fluxsim: runs scenarios in the simulated world. docs/simulator.md explains what it prints.

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "core/base/mutant.h"
#include "sim/run/commands.h"
#include "sim/run/host.h"
#include "sim/run/report.h"

namespace {

using flux::sim::ReplayArguments;
using flux::sim::RunArguments;
using flux::sim::SwarmArguments;

constexpr std::uint64_t kSeedsMax = 1'000'000'000;
constexpr std::uint32_t kJobsMax = 1024;

void add_run_options(CLI::App& command, RunArguments& arguments) {
  command.add_flag("--json", arguments.json, "print the report as one line of JSON");
  command.add_flag("--story", arguments.story, "tell in plain words what happened");
  command.add_option("--trace", arguments.trace_file, "write the causal trace to this file");
  command.add_option("--until", arguments.until, "end at this simulated time: 3s, 2500ms");
  command.add_option("--tape", arguments.tape_file, "write the run out to this file");
  command.add_option("--record-node", arguments.record_node,
                     "BROKER=FILE: write down all that one broker was told");
  command.add_option("--seam", arguments.seam_file, "write every event of the seam to this file");
}

void add_scenario(CLI::App& command, RunArguments& arguments) {
  command.add_option("SCENARIO", arguments.scenario, "a name from `fluxsim list`, or a path")
      ->required();
  command.add_option("--seed", arguments.seed, "a number, or a commit of 40 digits")
      ->capture_default_str();
  command.add_option("--set", arguments.settings, "PATH=VALUE: change a member of the scenario")
      ->allow_extra_args(false);
}

void add_swarm(CLI::App& command, SwarmArguments& arguments) {
  command.add_option("SCENARIO", arguments.scenario, "the scenario that is drawn from each seed")
      ->capture_default_str();
  command.add_option("--first", arguments.first, "the first seed")->capture_default_str();
  command.add_option("--seeds", arguments.seeds, "how many")
      ->check(CLI::Range(std::uint64_t{1}, kSeedsMax))
      ->capture_default_str();
  command.add_option("--jobs", arguments.jobs, "how many at once")
      ->check(CLI::Range(1U, kJobsMax))
      ->capture_default_str();
  command.add_option("--wall-limit", arguments.wall_limit_s, "seconds that one seed may take")
      ->capture_default_str();
  command.add_option("--set", arguments.settings, "PATH=VALUE: change a member of the scenario")
      ->allow_extra_args(false);
  command.add_option("--hashes", arguments.hashes_file, "write each seed's hash to this file");
  command.add_flag("--json", arguments.json, "print the summary as one line of JSON");
}

// A word that is no command: the library only says that a command is missing.
bool complain_of_word(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> words = app.remaining(true);
  if (error.get_name() != "RequiredError" || words.empty()) return false;
  flux::sim::host::print_error(
      fmt::format("fluxsim: \"{}\" is no command: `fluxsim --help` lists them\n", words.front()));
  return true;
}

// A bug planted on purpose, for this run of the program.
void add_mutant(CLI::App& command) {
  command
      .add_option_function<std::string>(
          "--mutant",
          [](const std::string& name) {
            if (!flux::set_mutant(name)) {
              throw CLI::ValidationError("--mutant",
                                         name + ": `fluxsim mutants` lists what there is");
            }
          },
          "turn on a planted bug (builds with FLUX_MUTANTS)")
      ->type_name("NAME");
}

int print_mutants() {
  if (flux::all_mutants().empty()) {
    flux::sim::host::print("this build has no planted bugs: the presets dev and asan have them\n");
  }
  std::set<std::string> names;
  for (const flux::Mutant* mutant : flux::all_mutants()) names.insert(mutant->name);
  for (const std::string& name : names) flux::sim::host::print(name + "\n");
  return 0;
}

int print(const std::string& text) {
  flux::sim::host::print(text);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("fluxsim: a whole cluster in one process, from one seed");
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  app.set_version_flag("--version", std::string("fluxsim ") + FLUX_VERSION);
  app.footer(
      "Exit codes: 0 held (or equal), 2 bad usage, 10 crash, 11 safety, 12 liveness,\n"
      "13 nondeterminism, 14 vacuous. `fluxsim COMMAND --help` says more.");
  RunArguments run;
  ReplayArguments replay;
  RunArguments check;
  SwarmArguments swarm;
  bool json = false;

  CLI::App* run_command = app.add_subcommand("run", "run a scenario from a seed");
  add_scenario(*run_command, run);
  add_mutant(*run_command);
  add_run_options(*run_command, run);
  CLI::App* replay_command = app.add_subcommand("replay", "play a tape again");
  replay_command->add_option("TAPE", replay.tape, "what `fluxsim run --tape` wrote")->required();
  add_mutant(*replay_command);
  replay_command
      ->add_option("--edit", replay.edits, "drop=ITEM, KEY=VALUE or seed=N, before it is played")
      ->allow_extra_args(false);
  add_run_options(*replay_command, replay.run);
  CLI::App* check_command =
      app.add_subcommand("check", "run a seed in two fresh processes and compare");
  add_scenario(*check_command, check);
  CLI::App* swarm_command = app.add_subcommand("swarm", "run many seeds");
  add_swarm(*swarm_command, swarm);
  add_mutant(*swarm_command);
  std::string node_record;
  CLI::App* replay_node_command =
      app.add_subcommand("replay-node", "play a recorded broker alone and compare");
  replay_node_command->add_option("FILE", node_record, "what `fluxsim run --record-node` wrote")
      ->required();
  std::pair<std::string, std::string> seams;
  CLI::App* difference_command = app.add_subcommand("difference", "where two seam files part");
  difference_command->add_option("ONE", seams.first, "what `fluxsim run --seam` wrote")->required();
  difference_command->add_option("OTHER", seams.second, "the same of another run")->required();
  CLI::App* list_command = app.add_subcommand("list", "the scenarios there are");
  CLI::App* faults_command = app.add_subcommand("faults", "everything that can go wrong");
  CLI::App* mutants_command = app.add_subcommand("mutants", "the bugs planted in this build");
  CLI::App* marks_command = app.add_subcommand("marks", "every mark of the program");
  CLI::App* workloads_command = app.add_subcommand("workloads", "what clients can do");
  for (CLI::App* command : {list_command, faults_command, marks_command}) {
    command->add_flag("--json", json, "as JSON");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (complain_of_word(app, error)) return flux::sim::kBadUsage;
    return app.exit(error) == 0 ? 0 : flux::sim::kBadUsage;
  }
  if (*run_command) return flux::sim::command_run(run);
  if (*replay_command) return flux::sim::command_replay(replay);
  if (*check_command) return flux::sim::command_check(check);
  if (*replay_node_command) return flux::sim::command_replay_node(node_record);
  if (*difference_command) return flux::sim::command_difference(seams.first, seams.second);
  if (*swarm_command) return flux::sim::command_swarm(swarm);
  if (*faults_command) return print(flux::sim::fault_table(json));
  if (*mutants_command) return print_mutants();
  if (*marks_command) return print(flux::sim::mark_table(json));
  if (*workloads_command) return print(flux::sim::workload_table());
  return print(flux::sim::scenario_table(flux::sim::host::list_scenarios(), json));
}
