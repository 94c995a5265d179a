// Checker: one property of Flux, judged from outside.
//
// A checker is given every observation of a run in order, and the cluster's true disks at the end.
// It must be right on any run: what a fault excuses it computes from the faults that it was told
// of, never from what a node says. It counts what it compared, so that a green run that compared
// nothing can be told from one that held. One file for each checker; checkers.h lists them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "sim/check/observation.h"

namespace flux::sim {

class DiskImage;

// What a checker may know of the cluster before anything happened.
struct ClusterFacts {
  struct Broker {
    std::string name;           // of the process
    std::uint32_t process = 0;  // index
    NodeId node{-1};
    std::uint32_t disk = 0;  // index into hosts
    std::string log_directory;
  };
  struct Host {
    std::string name;
    std::string rack;
    // Null in a replayed history. Good for looking (find, pristine, durable), not for changing.
    const DiskImage* disk = nullptr;
  };
  struct Client {
    std::string name;
    std::uint32_t process = 0;
    std::string workload;
  };
  struct Topic {
    std::string name;
    std::int32_t partitions = 1;
    std::map<std::string, std::string> config;
  };
  std::string node = "broker";  // what runs as a broker: "probe" is the simulator's own test node
  std::vector<Broker> brokers;
  std::vector<Host> hosts;
  std::vector<Client> clients;
  std::vector<Topic> topics;
  std::map<std::string, std::string> broker_config;

  bool is_broker(std::uint32_t process) const {
    return std::ranges::find(brokers, process, &Broker::process) != brokers.end();
  }
};

struct Violation {
  std::string checker;
  Time at;
  std::string what;                     // for a person: names partition, offset, both values
  std::vector<OperationId> operations;  // those involved, oldest first
};

// What checkers say about a run. Counts are named "compared", "owed", "excused.power_cut", ...
class Findings {
 public:
  void violation(std::string_view checker, Time at, std::string what,
                 std::vector<OperationId> operations = {});
  void count(std::string_view checker, std::string_view what, std::uint64_t by = 1);

  const std::vector<Violation>& violations() const { return violations_; }
  // "checker.what" to its count, in order of name.
  const std::map<std::string, std::uint64_t, std::less<>>& counts() const { return counts_; }
  std::uint64_t dropped() const { return dropped_; }

 private:
  static constexpr std::size_t kViolationsMax = 100;  // the rest is only counted

  std::vector<Violation> violations_;
  std::map<std::string, std::uint64_t, std::less<>> counts_;
  std::uint64_t dropped_ = 0;
};

// Something that has not converged, in the liveness phase.
struct Pending {
  std::string what;
  std::string excuse;  // computed: why it cannot; empty when it ought to converge
};

class Checker {
 public:
  explicit Checker(Findings& findings) : findings_(findings) {}
  virtual ~Checker() = default;
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

  // The name of its file, and of its floors: "acknowledged", "offset_discipline".
  virtual std::string_view name() const = 0;
  virtual void observe(const Observation& observation) = 0;
  // What still has to happen before the run may end; asked again and again in the liveness phase.
  virtual std::vector<Pending> pending(Time) { return {}; }
  // What happened to the disks may keep every broker from serving, for good.
  virtual bool outage() const { return false; }
  // The run is over and the disks are at rest.
  virtual void finish(Time) {}

 protected:
  void violation(Time at, std::string what, std::vector<OperationId> operations = {}) {
    findings_.violation(name(), at, std::move(what), std::move(operations));
  }
  void count(std::string_view what, std::uint64_t by = 1) { findings_.count(name(), what, by); }

 private:
  Findings& findings_;
};

using Checkers = std::vector<std::unique_ptr<Checker>>;

// Gives a recorded row of observations to fresh checkers: what the tamper test does.
void judge(const std::vector<Observation>& observations, Checkers& checkers, Time end);

}  // namespace flux::sim
