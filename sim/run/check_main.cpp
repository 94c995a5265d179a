// fluxsim check: one seed in two fresh processes whose environments differ in all that must not
// matter; and where they part, if they do.

#include <filesystem>

#include <fmt/format.h>

#include "sim/run/commands.h"
#include "sim/run/host.h"
#include "sim/run/report.h"
#include "sim/run/scenario_file.h"
#include "sim/run/seam_file.h"

namespace flux::sim {
namespace {

// How often a pair that differed is run again to see where.
constexpr int kTries = 5;

struct Surroundings {
  std::vector<std::string> variables;
  std::string folder;
};

std::vector<Surroundings> surroundings(const std::string& folder) {
  return {
      {{"LANG=C", "TZ=UTC"}, folder},
      {{"LANG=de_DE.UTF-8", "TZ=Asia/Kolkata", "HOME=/nowhere", "MALLOC_PERTURB_=165",
        "GLIBCXX_TUNABLES=glibc.malloc.tcache_count=0",
        "GLIBC_TUNABLES=glibc.malloc.tcache_count=0", "PADDING=" + std::string(3000, 'x')},
       "/"},
  };
}

std::string hash_in(const std::string& output) {
  const std::size_t at = output.rfind("hash=");
  return at == std::string::npos ? std::string("none") : output.substr(at + 5, 16);
}

std::string last_line_in(const std::string& output) {
  const std::size_t at = output.rfind("verdict=");
  return at == std::string::npos ? std::string() : output.substr(at, output.find('\n', at) - at);
}

struct Pair {
  host::Ended one;
  host::Ended other;
  bool equal() const { return last_line_in(one.output) == last_line_in(other.output); }
};

Pair run_pair(const RunArguments& arguments, const std::string& path, const std::string& folder,
              bool with_seam) {
  Pair pair;
  const std::vector<Surroundings> around = surroundings(folder);
  for (std::size_t i = 0; i < 2; ++i) {
    std::vector<std::string> command = {"run", path, "--seed", arguments.seed};
    for (const std::string& setting : arguments.settings) {
      command.insert(command.end(), {"--set", setting});
    }
    if (with_seam) {
      command.insert(command.end(), {"--seam", fmt::format("{}/seam{}", folder, i)});
    }
    const host::Child child = host::start_program(command, around[i].variables, around[i].folder);
    (i == 0 ? pair.one : pair.other) = host::wait(child);
  }
  return pair;
}

std::vector<std::string> process_names(const RunArguments& arguments, std::uint64_t seed) {
  std::vector<std::string> names{"the world"};
  const Result<host::ScenarioText> source = host::find_scenario(arguments.scenario);
  if (!source) return names;
  const auto scenario =
      load_scenario(source->path, source->name, source->text, seed, arguments.settings);
  if (!scenario) return names;
  RunOptions options;
  options.seed = seed;
  options.until = Time();
  const auto result = run(*scenario, std::move(options));
  if (!result) return names;
  names.clear();
  for (const auto& [name, hash] : result->processes) names.push_back(name);
  return names;
}

Result<std::string> read_seam(const std::string& path) {
  std::string text = TRY(host::read_text(path));
  const Result<void> good = check_seam(text);
  if (!good) return std::unexpected(good.error().in(path));
  return text;
}

}  // namespace

int command_check(const RunArguments& arguments) {
  const Result<std::uint64_t> seed = parse_seed(arguments.seed);
  const Result<host::ScenarioText> source = host::find_scenario(arguments.scenario);
  if (!seed || !source) {
    host::print_error(
        fmt::format("fluxsim: {}\n", (seed ? source.error() : seed.error()).detail()));
    return kBadUsage;
  }
  const std::string path = std::filesystem::absolute(source->path).string();
  const std::string folder = host::make_temporary_folder();
  Pair pair = run_pair(arguments, path, folder, false);
  if (pair.one.exit_code == kBadUsage || pair.equal()) {
    host::remove_folder(folder);
    if (pair.one.exit_code != kBadUsage) {
      host::print(fmt::format("equal: 2 runs of seed {} in different surroundings\n", *seed));
    }
    host::print(pair.one.output);
    return pair.one.exit_code;
  }
  host::print(fmt::format("two runs of seed {} differ: hash {} and {}\n", *seed,
                          hash_in(pair.one.output), hash_in(pair.other.output)));
  for (int i = 0; i < kTries; ++i) {
    run_pair(arguments, path, folder, true);
    const auto left = host::read_text(folder + "/seam0");
    const auto right = host::read_text(folder + "/seam1");
    if (!left || !right || !check_seam(*left) || !check_seam(*right)) break;
    const auto difference = first_difference(*left, *right, process_names(arguments, *seed));
    if (!difference) continue;
    host::print(*difference);
    break;
  }
  host::remove_folder(folder);
  host::print(last_line(Verdict::nondeterminism, *seed, 0) + "\n");
  return exit_code_of(Verdict::nondeterminism);
}

int command_difference(const std::string& left, const std::string& right) {
  const auto one = read_seam(left);
  const auto other = read_seam(right);
  if (!one || !other) {
    host::print_error(fmt::format("fluxsim: {}\n", (one ? other.error() : one.error()).detail()));
    return kBadUsage;
  }
  const auto difference = first_difference(*one, *other, {});
  host::print(difference ? *difference : "no difference\n");
  return difference ? exit_code_of(Verdict::nondeterminism) : 0;
}

}  // namespace flux::sim
