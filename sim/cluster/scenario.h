// Scenario: what a run is made of, after every draw was made. Plain data.
//
// sim/run reads it from a file of scenarios/; the fields are documented where people look for them,
// in scenarios/README.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "core/fiber/run_loop.h"
#include "sim/check/checker.h"
#include "sim/env/disk_faults.h"
#include "sim/env/network_faults.h"
#include "sim/fault/plan.h"
#include "sim/workload/workload.h"
#include "sim/world/process.h"

namespace flux::sim {

struct Topology {
  std::uint32_t brokers = 1;
  std::uint32_t brokers_per_host = 1;
  std::uint32_t racks = 1;  // hosts are spread over them in turn
};

// Started again by whoever supervises the process, when no fault keeps it down.
struct RestartPolicy {
  bool brokers = true;
  bool clients = true;
  Duration after = milliseconds(200);
};

struct Phases {
  Duration safety = seconds(10);
  Duration liveness_bound = seconds(60);
  Duration audit_bound = seconds(60);
  Duration stop_bound = seconds(30);
};

// A run that does not meet these is vacuous: green, and empty.
struct Expectation {
  std::string what;  // a mark, a count of a checker, "fault.NAME", "acknowledged", "read"
  std::uint64_t minimum = 1;
};

struct Scenario {
  std::string name;
  std::string about;
  std::string node = "broker";  // what runs as a broker: program.h
  Topology topology;
  std::vector<ClusterFacts::Topic> topics;
  std::map<std::string, std::string> broker_config;
  std::vector<WorkloadSpec> workloads;
  FaultPlan faults;
  SwarmFaults swarm;
  Phases phases;
  RestartPolicy restart;
  LinkRule link;
  NetworkHabits network;
  DiskHabits disk;
  CpuCost cpu;
  fiber::ReadyOrder order = fiber::ReadyOrder::fifo;
  std::vector<Expectation> expect;
  std::string verdict = "held";  // what this scenario is there to show
  // Name and value of everything that was drawn, in the order of the file.
  std::vector<std::pair<std::string, std::string>> draws;
};

}  // namespace flux::sim
