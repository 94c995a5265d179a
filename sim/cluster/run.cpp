#include "sim/cluster/run.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/base/check.h"
#include "sim/check/checkers.h"
#include "sim/cluster/cluster.h"
#include "sim/cluster/story.h"
#include "sim/fault/injector.h"

namespace flux::sim {
namespace {

// How often the liveness phase looks whether it may end.
constexpr Duration kLook = milliseconds(100);

struct VerdictRow {
  Verdict verdict;
  std::string_view name;
  int exit_code;
};
constexpr VerdictRow kVerdicts[] = {
    {Verdict::held, "held", 0},
    {Verdict::crash, "crash", 10},
    {Verdict::safety, "safety", 11},
    {Verdict::liveness, "liveness", 12},
    {Verdict::nondeterminism, "nondeterminism", 13},
    {Verdict::vacuous, "vacuous", 14},
};

// Time must pass also when nothing is left to happen.
class Alarm final : public EventTarget {
 public:
  void fire(std::uint64_t) override {}
};

class Run final : private FaultObserver {
 public:
  Run(const Scenario& scenario, RunOptions& options)
      : scenario_(scenario),
        options_(options),
        world_({.seed = options.seed, .stacks = {}}),
        history_(world_) {}

  Result<void> prepare();
  RunResult finish();
  void phases();

 private:
  void fault_happened(const FaultEvent& event) override { history_.add(event); }
  void clock_changed(const ClockChange& change) override { history_.add(change); }
  void watch_trace();
  bool pass(Duration by);
  bool settle(Duration bound, std::string_view phase);
  std::vector<Pending> owing();
  bool nobody_can_serve() const;
  void judge_end();
  void judge_expectations();
  void collect_counts();
  std::uint64_t counted(const std::string& what) const;

  const Scenario& scenario_;
  RunOptions& options_;
  World world_;
  Alarm alarm_;
  History history_;
  Findings findings_;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<Injector> injector_;
  Checkers checkers_;
  RunResult result_;
  bool cut_short_ = false;  // by --until
};

Result<void> Run::prepare() {
  if (!options_.played.empty()) world_.decisions().play(options_.played);
  if (options_.trace) world_.trace().open(std::move(options_.trace), options_.trace_least);
  if (options_.watcher) {
    world_.seam().watch(options_.watch_first, options_.watch_last, std::move(options_.watcher));
  }
  cluster_ = std::make_unique<Cluster>(world_, scenario_, history_);
  TRY(cluster_->check());
  if (!options_.record_node.empty() && !cluster_->record(options_.record_node)) {
    return fail(ErrorCode::not_found, fmt::format("no broker \"{}\"", options_.record_node));
  }
  checkers_ = make_checkers(cluster_->facts(), findings_);
  for (const auto& checker : checkers_) history_.subscribe(*checker);
  watch_trace();
  if (options_.plan) {
    result_.plan = *options_.plan;
  } else {
    result_.plan = scenario_.faults;
    for (FaultItem& item : draw_plan(scenario_.swarm, world_.decisions())) {
      result_.plan.push_back(std::move(item));
    }
  }
  // A tape holds the plan itself, so the draws behind it are no part of it.
  if (options_.record_tape) world_.decisions().record();
  FaultObserver& observer = *this;
  injector_ = std::make_unique<Injector>(*cluster_, observer);
  TRY(injector_->arm(result_.plan));
  if (options_.on_world) options_.on_world(world_);
  return {};
}

void Run::watch_trace() {
  world_.trace().watch([this](const TraceHead& head, env::Severity severity, std::string_view event,
                              std::initializer_list<env::Field> fields) {
    // What the world traces of processes and faults is told by observations of their own.
    const Process* process = world_.current();
    if (!process || head.node != process->name() || event.starts_with("process.")) return;
    TraceEvent kept;
    kept.at = head.at;
    kept.id = head.id;
    kept.cause = head.cause;
    kept.process = process->index();
    kept.severity = severity;
    kept.event = event;
    for (const env::Field& field : fields) {
      const bool is_signed = field.kind == env::Field::Kind::signed_number;
      kept.fields.push_back(
          {std::string(field.name), field.kind == env::Field::Kind::text,
           is_signed ? field.signed_number : static_cast<std::int64_t>(field.unsigned_number),
           std::string(field.text)});
    }
    history_.add(std::move(kept));
  });
}

// False when the run is over: a violation, or the end that was asked for.
bool Run::pass(Duration by) {
  Time end = world_.now() + by;
  if (end > options_.until) {
    end = options_.until;
    cut_short_ = true;
  }
  world_.at(end, alarm_, 0);
  world_.run_until(end);
  return !cut_short_ && findings_.violations().empty();
}

std::vector<Pending> Run::owing() {
  std::vector<Pending> list = cluster_->pending(injector_->outside());
  for (const auto& checker : checkers_) {
    for (Pending& pending : checker->pending(world_.now())) list.push_back(std::move(pending));
  }
  return list;
}

// Asked only when a phase runs out of time: a broker may well serve without what its disk lost.
bool Run::nobody_can_serve() const {
  return std::ranges::any_of(checkers_, [](const auto& checker) { return checker->outage(); });
}

// Until nothing is pending; false when the run is over, or when the bound has passed.
bool Run::settle(Duration bound, std::string_view phase) {
  const Time end = world_.now() + bound;
  for (;;) {
    if (!pass(kLook)) return false;
    std::vector<Pending> list = owing();
    const bool all_excused =
        std::ranges::all_of(list, [](const Pending& pending) { return !pending.excuse.empty(); });
    if (all_excused) return true;
    if (world_.now() < end) continue;
    if (nobody_can_serve()) {
      ++result_.counts["excused.outage"];
      return true;
    }
    result_.verdict = Verdict::liveness;
    result_.reasons.push_back(fmt::format("the {} phase did not end within {} ms; {} pending",
                                          phase, bound.ms(), list.size()));
    result_.pending = std::move(list);
    return false;
  }
}

void Run::phases() {
  cluster_->start();
  cluster_->begin_phase(RunPhase::safety);
  // In slices, so that a violation ends the run soon after it was found.
  const Time end = world_.now() + scenario_.phases.safety;
  while (world_.now() < end) {
    if (!pass(std::min(kLook, end - world_.now()))) return;
  }
  injector_->heal();
  cluster_->begin_phase(RunPhase::liveness);
  if (!settle(scenario_.phases.liveness_bound, "liveness")) return;
  cluster_->begin_phase(RunPhase::audit);
  if (!settle(scenario_.phases.audit_bound, "audit")) return;
  cluster_->stop_brokers();
  const Time stop_end = world_.now() + scenario_.phases.stop_bound;
  while (!cluster_->still_running().empty()) {
    if (!pass(kLook)) return;
    if (world_.now() < stop_end) continue;
    result_.verdict = Verdict::liveness;
    result_.reasons.push_back("brokers did not end in order within their bound");
    for (std::string& name : cluster_->still_running()) result_.pending.push_back({name, {}});
    return;
  }
}

void Run::judge_end() {
  for (const auto& checker : checkers_) checker->finish(world_.now());
  result_.violations = findings_.violations();
  if (!result_.violations.empty()) {
    result_.verdict = Verdict::safety;
    for (const Violation& violation : result_.violations) {
      result_.reasons.push_back(
          fmt::format("{} at {} ms: {}", violation.checker, violation.at.ms(), violation.what));
    }
  }
}

void Run::collect_counts() {
  auto& counts = result_.counts;
  for (const auto& [name, value] : findings_.counts()) counts[name] = value;
  for (const Mark* mark : all_marks()) counts[fmt::format("mark.{}", mark->name)] += mark->hits;
  for (const auto& [name, value] : injector_->fired())
    counts[fmt::format("fault.{}", name)] = value;
  for (std::size_t i = 0; i < static_cast<std::size_t>(NetworkCounter::count_); ++i) {
    const auto counter = static_cast<NetworkCounter>(i);
    counts[fmt::format("net.{}", name_of(counter))] = cluster_->network().counted(counter);
  }
  for (const GroundHost& host : cluster_->hosts()) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(DiskCounter::count_); ++i) {
      const auto counter = static_cast<DiskCounter>(i);
      counts[fmt::format("disk.{}", name_of(counter))] += host.disk->image().counted(counter);
    }
  }
  counts["acknowledged"] = history_.acknowledged();
  counts["read"] = history_.records_read();
  counts["operations"] = history_.operations();
}

std::uint64_t Run::counted(const std::string& what) const {
  const auto found = result_.counts.find(what);
  return found == result_.counts.end() ? 0 : found->second;
}

void Run::judge_expectations() {
  if (result_.verdict != Verdict::held || cut_short_) return;
  for (const Expectation& expectation : scenario_.expect) {
    const std::uint64_t seen = counted(expectation.what);
    if (seen >= expectation.minimum) continue;
    result_.verdict = Verdict::vacuous;
    result_.reasons.push_back(fmt::format("{} was expected {} times at least and came {} times",
                                          expectation.what, expectation.minimum, seen));
  }
}

std::string draw_line(const Scenario& scenario, const FaultPlan& plan) {
  std::string line = fmt::format("scenario={}", scenario.name);
  for (const auto& [name, value] : scenario.draws) line += fmt::format(" {}={}", name, value);
  std::map<std::string, std::uint32_t> kinds;
  for (const FaultItem& item : plan) ++kinds[item.fault];
  line += " faults=";
  bool first = true;
  for (const auto& [fault, count] : kinds) {
    line += fmt::format("{}{}*{}", first ? "" : ",", fault, count);
    first = false;
  }
  return first ? line + "none" : line;
}

RunResult Run::finish() {
  judge_end();
  collect_counts();
  judge_expectations();
  result_.seed = options_.seed;
  result_.hash = world_.seam().hash();
  result_.end = world_.now();
  result_.events = world_.events();
  result_.seam_events = world_.seam().count();
  result_.checkpoints = world_.seam().checkpoints();
  result_.node_errors = cluster_->node_errors();
  result_.node_record = cluster_->take_record();
  result_.processes.emplace_back("world", "");
  for (const auto& process : world_.processes()) {
    result_.processes.emplace_back(process->name(), fmt::format("{:016x}", process->hash()));
  }
  result_.draw_line = draw_line(scenario_, result_.plan);
  result_.tape = world_.decisions().recorded();
  result_.tape_use = world_.decisions().tape_use();
  if (options_.tell_story) {
    result_.story = sim::tell_story(history_.observations(), cluster_->facts(), result_);
  }
  if (options_.keep_observations) result_.observations = history_.observations();
  return std::move(result_);
}

}  // namespace

std::string_view name_of(Verdict verdict) {
  for (const VerdictRow& row : kVerdicts) {
    if (row.verdict == verdict) return row.name;
  }
  UNREACHABLE("a verdict without a name");
}

int exit_code_of(Verdict verdict) {
  for (const VerdictRow& row : kVerdicts) {
    if (row.verdict == verdict) return row.exit_code;
  }
  UNREACHABLE("a verdict without an exit code");
}

std::optional<Verdict> find_verdict(std::string_view name) {
  for (const VerdictRow& row : kVerdicts) {
    if (row.name == name) return row.verdict;
  }
  return std::nullopt;
}

Result<RunResult> run(const Scenario& scenario, RunOptions options) {
  Run run(scenario, options);
  TRY(run.prepare());
  run.phases();
  return run.finish();
}

}  // namespace flux::sim
