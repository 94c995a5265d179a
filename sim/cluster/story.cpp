#include "sim/cluster/story.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "sim/cluster/run.h"
#include "sim/fault/registry.h"

namespace flux::sim {
namespace {

constexpr std::size_t kLinesMax = 400;

std::string_view end_in_words(Exit exit) {
  switch (exit) {
    case Exit::clean:
      return "ended in order";
    case Exit::killed:
      return "was killed; what it had written stays in the page cache";
    case Exit::power_cut:
      return "lost power";
  }
  return "";
}

std::string_view phase_in_words(RunPhase phase) {
  switch (phase) {
    case RunPhase::safety:
      return "The safety phase begins: clients work, and faults may strike.";
    case RunPhase::liveness:
      return "The liveness phase begins: all is healed, and everything must come to rest.";
    case RunPhase::audit:
      return "The audit begins: everything is read back.";
  }
  return "";
}

class Teller {
 public:
  explicit Teller(const ClusterFacts& facts) : facts_(facts) {
    for (const auto& broker : facts.brokers) names_[broker.process] = broker.name;
    for (const auto& client : facts.clients) names_[client.process] = client.name;
  }

  void operator()(const Completed& event) {
    const Operation& op = event.operation;
    if (op.outcome == Outcome::ok && op.kind == OperationKind::produce) {
      acknowledged_ += op.records.size();
    } else if (op.outcome == Outcome::ok) {
      read_ += op.records.size();
    } else if (op.outcome == Outcome::unknown) {
      ++unknown_;
    } else {
      ++refused_;
    }
  }
  // Of the rest a story says nothing.
  template <class Event>
  void operator()(const Event&) {}
  void operator()(const NodeEvent& event) {
    const std::string& who = name(event.process);
    if (event.change == NodeChange::started) {
      const std::string_view how = event.incarnation == 1 ? "starts" : "starts again";
      say(event.at, fmt::format("{} {}.", who, how));
    } else if (event.change == NodeChange::ended) {
      say(event.at, fmt::format("{} {}.", who, end_in_words(event.exit)));
    }
  }
  void operator()(const DiskEvent& event) {
    if (event.kind == OmenKind::lost) {
      if (lost_bytes_ == 0) lost_file_ = event.path;
      lost_host_ = host(event.disk);
      lost_at_ = event.at;
      lost_bytes_ += event.range.size();
      ++lost_ranges_;
    } else if (event.kind == OmenKind::name_lost) {
      say(event.at, fmt::format("The disk of {} lost the name {}.", host(event.disk), event.path));
    }
  }
  void operator()(const FaultEvent& event) {
    const FaultRow* row = find_fault(event.fault);
    if (event.phase == FaultPhase::struck) {
      say(event.at, fmt::format("Fault {} strikes {}{}{}: {}.", event.item, event.target,
                                event.detail.empty() ? "" : ", ", event.detail,
                                row ? row->meaning : std::string_view()));
    } else if (event.phase == FaultPhase::healed) {
      say(event.at, fmt::format("Fault {} on {} is over.", event.item, event.target));
    }
  }
  void operator()(const TraceEvent& event) {
    std::string fields;
    for (const TraceEvent::Value& field : event.fields) {
      fields += fields.empty() ? ": " : ", ";
      fields += field.is_text ? fmt::format("{} {}", field.name, field.text)
                              : fmt::format("{} {}", field.name, field.number);
    }
    say(event.at, fmt::format("{} says {}{}.", name(event.process), event.event, fields));
  }
  void operator()(const PhaseBegan& event) {
    say(event.at, std::string(phase_in_words(event.phase)));
  }

  void say(Time at, std::string what) {
    flush(at);
    put(at, std::move(what));
  }
  std::vector<std::string> finish(Time end) {
    flush(end);
    if (left_out_ != 0) lines_.push_back(fmt::format("({} lines more)", left_out_));
    return std::move(lines_);
  }

 private:
  // What clients did since the last line, in one.
  void flush(Time at) {
    if (lost_bytes_ != 0) {
      put(lost_at_,
          fmt::format("The disk of {} lost {} bytes that no sync had covered, in {} places;"
                      " the first in {}.",
                      lost_host_, lost_bytes_, lost_ranges_, lost_file_));
      lost_bytes_ = lost_ranges_ = 0;
    }
    if (acknowledged_ + read_ + unknown_ + refused_ != 0) {
      put(at, fmt::format("Meanwhile clients had {} records acknowledged and read {}; {} requests"
                          " were refused, of {} the outcome is unknown.",
                          acknowledged_, read_, refused_, unknown_));
    }
    acknowledged_ = read_ = unknown_ = refused_ = 0;
  }
  void put(Time at, std::string what) {
    if (lines_.size() >= kLinesMax) {
      ++left_out_;
      return;
    }
    lines_.push_back(fmt::format("{:>5}.{:03} s  {}", at.ms() / 1000, at.ms() % 1000, what));
  }
  const std::string& name(std::uint32_t process) {
    std::string& name = names_[process];
    if (name.empty()) name = fmt::format("process {}", process);
    return name;
  }
  std::string host(std::uint32_t disk) const {
    return disk < facts_.hosts.size() ? facts_.hosts[disk].name : fmt::format("disk {}", disk);
  }

  const ClusterFacts& facts_;
  std::map<std::uint32_t, std::string> names_;
  std::vector<std::string> lines_;
  std::string lost_host_;
  std::string lost_file_;
  Time lost_at_;
  std::uint64_t lost_bytes_ = 0;
  std::uint64_t lost_ranges_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t read_ = 0;
  std::uint64_t unknown_ = 0;
  std::uint64_t refused_ = 0;
  std::size_t left_out_ = 0;
};

std::string ending(const RunResult& result) {
  switch (result.verdict) {
    case Verdict::held:
      return "Everything that was promised held.";
    case Verdict::safety:
      return "A promise was broken: " +
             (result.violations.empty() ? std::string() : result.violations.front().what);
    case Verdict::liveness:
      return "The cluster did not come to rest: " +
             (result.pending.empty() ? std::string() : result.pending.front().what);
    default:
      return fmt::format("The verdict is {}.", name_of(result.verdict));
  }
}

}  // namespace

std::vector<std::string> tell_story(const std::vector<Observation>& observations,
                                    const ClusterFacts& facts, const RunResult& result) {
  Teller teller(facts);
  for (const Observation& observation : observations) std::visit(teller, observation);
  std::uint64_t compared = 0;
  for (const auto& [name, value] : result.counts) {
    if (name.find(".compared") != std::string::npos) compared += value;
  }
  teller.say(result.end, fmt::format("{} comparisons were made. {}", compared, ending(result)));
  return teller.finish(result.end);
}

}  // namespace flux::sim
