#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "sim/cluster/replay_node.h"
#include "sim/run/commands.h"
#include "sim/run/host.h"
#include "sim/run/report.h"
#include "sim/run/scenario_file.h"
#include "sim/run/seam_file.h"
#include "sim/run/tape_file.h"

namespace flux::sim {
namespace {

int bad_usage(const Error& error) {
  host::print_error(fmt::format("fluxsim: {}\n", error.detail()));
  return kBadUsage;
}

// "2500ms", "3s", "800us".
Result<Time> parse_time(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (error == std::errc() && number >= 0) {
    if (unit == "s") return Time() + seconds(number);
    if (unit == "ms") return Time() + milliseconds(number);
    if (unit == "us") return Time() + microseconds(number);
  }
  return fail(ErrorCode::invalid,
              fmt::format("\"{}\": a time is written 3s, 2500ms or 800us", text));
}

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using OpenFile = std::unique_ptr<std::FILE, FileCloser>;

Result<OpenFile> create(const std::string& path) {
  OpenFile file(std::fopen(path.c_str(), "wb"));
  if (!file) return fail(ErrorCode::io_error, path + ": cannot be written");
  return file;
}

struct Job {
  host::ScenarioText source;
  std::uint64_t seed = 0;
  std::vector<std::string> settings;
  std::optional<Tape> tape;
};

// Runs it and writes what was asked for.
Result<Verdict> perform(const Job& job, const RunArguments& arguments) {
  Scenario scenario =
      TRY(load_scenario(job.source.path, job.source.name, job.source.text, job.seed, job.settings));
  RunOptions options;
  options.seed = job.seed;
  options.tell_story = arguments.story;
  options.record_tape = !arguments.tape_file.empty();
  if (!arguments.until.empty()) options.until = TRY(parse_time(arguments.until));
  if (job.tape) {
    options.plan = job.tape->plan;
    // The plan is the tape's: what the seed would have drawn for it did not run.
    std::erase_if(scenario.draws, [](const auto& draw) {
      return draw.first.starts_with("faults.") || draw.first.starts_with("swarm.");
    });
    options.played = job.tape->decisions;
  }
  OpenFile trace;
  if (!arguments.trace_file.empty()) {
    trace = TRY(create(arguments.trace_file));
    options.trace = [file = trace.get()](std::string_view line) {
      std::fwrite(line.data(), 1, line.size(), file);
      std::fputc('\n', file);
    };
  }
  OpenFile seam;
  if (!arguments.seam_file.empty()) {
    seam = TRY(create(arguments.seam_file));
    std::fwrite(kSeamMagic.data(), 1, kSeamMagic.size(), seam.get());
    options.watch_last = UINT64_MAX;
    options.watcher = [file = seam.get()](const SeamEvent& event) {
      const SeamRecord record = pack(event);
      std::fwrite(record.data(), 1, record.size(), file);
    };
  }
  const std::size_t equals = arguments.record_node.find('=');
  options.record_node = arguments.record_node.substr(0, equals);
  if (!arguments.record_node.empty() && equals == std::string::npos) {
    return fail(ErrorCode::invalid, "--record-node takes NAME=FILE");
  }
  options.on_world = &host::crash_reports;
  const RunResult result = TRY(run(scenario, std::move(options)));
  if (!arguments.tape_file.empty()) {
    const Tape tape{job.source.name,
                    job.source.text,
                    job.seed,
                    job.settings,
                    result.plan,
                    result.tape,
                    std::string(name_of(result.verdict)),
                    fmt::format("{:016x}", result.hash)};
    TRY(host::write_text(arguments.tape_file, write_tape(tape)));
  }
  if (result.node_record) {
    TRY(host::write_text(arguments.record_node.substr(equals + 1),
                         write_record(*result.node_record)));
  }
  if (arguments.json) {
    host::print(json_report(scenario, result));
  } else {
    host::print(human_report(result));
    if (job.tape) {
      host::print(plan_lines(result.plan));
      host::print(fmt::format("tape entries={} used={} off_tape={}\n", result.tape_use.entries,
                              result.tape_use.used, result.tape_use.off_tape));
    }
  }
  host::print(last_line(result.verdict, result.seed, result.hash) + "\n");
  return result.verdict;
}

int finish(const Result<Verdict>& verdict) {
  return verdict ? exit_code_of(*verdict) : bad_usage(verdict.error());
}

}  // namespace

Result<std::uint64_t> parse_seed(const std::string& text) {
  std::string_view digits = text;
  int base = 10;
  const bool commit =
      text.size() == 40 && text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (commit) {
    digits = digits.substr(0, 16);
    base = 16;
  } else if (digits.starts_with("0x")) {
    digits.remove_prefix(2);
    base = 16;
  }
  std::uint64_t seed = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), seed, base);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return fail(
        ErrorCode::invalid,
        fmt::format("seed \"{}\": a decimal number, 0x and hexadecimal digits, or a commit of"
                    " 40 hexadecimal digits",
                    text));
  }
  return seed;
}

int command_run(const RunArguments& arguments) {
  const Result<std::uint64_t> seed = parse_seed(arguments.seed);
  if (!seed) return bad_usage(seed.error());
  const Result<host::ScenarioText> source = host::find_scenario(arguments.scenario);
  if (!source) return bad_usage(source.error());
  host::survive_crashes(*seed);
  return finish(perform({*source, *seed, arguments.settings, std::nullopt}, arguments));
}

int command_replay(const ReplayArguments& arguments) {
  const Result<std::string> text = host::read_text(arguments.tape);
  if (!text) return bad_usage(text.error());
  Result<Tape> tape = read_tape(arguments.tape, *text);
  if (!tape) return bad_usage(tape.error());
  for (const std::string& edit : arguments.edits) {
    const Result<void> edited = edit_tape(*tape, edit);
    if (!edited) return bad_usage(edited.error());
  }
  host::survive_crashes(tape->seed);
  const host::ScenarioText source{tape->name, arguments.tape + ": scenario", tape->scenario};
  return finish(perform({source, tape->seed, tape->settings, *tape}, arguments.run));
}

int command_replay_node(const std::string& file) {
  const Result<std::string> text = host::read_text(file);
  if (!text) return bad_usage(text.error());
  const Result<NodeRecord> record = read_record(*text);
  if (!record) return bad_usage(record.error().in(file));
  host::survive_crashes(record->seed);
  const Result<NodeReplay> replay = replay_node(*record);
  if (!replay) return bad_usage(replay.error());
  host::print(fmt::format("node {} tokens={} of {} recorded={:016x} played={:016x}\n",
                          record->process, replay->tokens, record->tokens.size(), record->hash,
                          replay->hash));
  if (!replay->difference.empty()) host::print(fmt::format("difference {}\n", replay->difference));
  const Verdict verdict = replay->difference.empty() ? Verdict::held : Verdict::nondeterminism;
  host::print(last_line(verdict, record->seed, replay->hash) + "\n");
  return exit_code_of(verdict);
}

}  // namespace flux::sim
