// Workload: what simulated clients do. A kind of workload is a class with one body that each of its
// client processes runs; what it saw it reports into the History.
//
// Clients differ as real ones do: Habits are drawn for each client from the ranges of the
// spec. A workload must obey the phase: in `safety` it does as it likes; in `liveness` it stops
// making new work, finishes what is under way and says so (Seat::done); in `audit` only auditors
// run. It must bear being killed and started again at any point, and never waits without a bound.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.h"
#include "core/env/env.h"
#include "sim/check/history.h"
#include "sim/world/process.h"

namespace flux::sim {

// A weighted choice: name to weight, e.g. {"all": 8, "1": 1, "0": 1}.
using Weights = std::map<std::string, std::uint32_t>;

struct Span {  // both ends are included
  std::int64_t low = 0;
  std::int64_t high = 0;
};

// The `workload` entries of a scenario, after its draws were made.
struct WorkloadSpec {
  std::string kind = "produce_consume";
  std::uint32_t clients = 1;
  std::vector<std::string> topics;  // empty: all of the scenario
  // "java", "librdkafka", "oldest", "hostile": which versions it speaks, and how retries, time-outs
  // and in-flight requests behave.
  Weights library = {{"java", 1}, {"librdkafka", 1}};
  Weights acks = {{"all", 1}};
  Weights compression = {{"none", 1}};
  // What a client does next. Which names there are is the kind's business.
  Weights operations;
  std::uint32_t idempotent_percent = 100;
  std::uint32_t read_committed_percent = 0;
  Span records_per_batch = {1, 10};
  Span value_bytes = {8, 200};
  Duration timestamp_spread;             // a record's time is off its client's clock by no more
  std::uint32_t keys = 16;               // 0: records have no key
  std::uint32_t hot_key_percent = 20;    // of records: they take the first key
  std::uint32_t operations_max = 0;      // of each client; 0: until the phase ends
  Duration pause_min = milliseconds(1);  // between two operations
  Duration pause_max = milliseconds(20);
  Duration request_timeout = seconds(2);
  Duration delivery_timeout = seconds(10);
  std::uint32_t in_flight_max = 5;
};

// What one client process is given.
class Seat {
 public:
  virtual ~Seat() = default;

  virtual Process& process() = 0;
  virtual History& history() = 0;
  virtual const WorkloadSpec& spec() const = 0;
  virtual const ClusterFacts& facts() const = 0;
  virtual std::uint32_t number() const = 0;  // of this client among those of its workload
  virtual const std::vector<env::Endpoint>& bootstrap() const = 0;
  virtual RunPhase phase() const = 0;
  // This client has nothing left to do in this phase. What it still waits for, otherwise, is shown
  // when the liveness phase runs out of time.
  virtual void done() = 0;
  virtual void waits_for(std::string_view what) = 0;
};

class Workload {
 public:
  virtual ~Workload() = default;

  // In the client's process, on its heap, at each start of it. Returning ends the process in order.
  virtual void run(env::Task& task, env::Env& env, Seat& seat) = 0;
};

}  // namespace flux::sim
