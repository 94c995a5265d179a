// The registry of faults: one row for each thing that the simulator can do to a cluster.
//
// A row says what the fault is, what it strikes, with which parameters, whether swarms draw it, and
// what a correct cluster must do under it. `fluxsim faults` prints this table; a scenario names
// rows; the injector knows each row by its name (effects_begin.cpp, recompute.cpp), and a strike of
// one that it does not know fails a CHECK. A row whose faults need replicas to mean much still
// works on one node. Names are kept for ever: stored seeds and tapes name them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace flux::sim {

// What the target of an item names.
enum class TargetClass : std::uint8_t {
  process,  // "broker1", "client2"
  host,     // "host1", or the host of a process that is named
  rack,     // "rack1"
  link,     // "host1->host2", "host1<->host2", "host1" for all of its links
  network,  // everything: "all"
  disk,     // "host1", or the disk of a process that is named
  file,     // "host1:PATTERN": '*' stands for any run of characters
};
std::string_view name_of(TargetClass target);

// An integer, both ends included. A drawn item takes it from [low, high], a written one `usual`
// unless it says otherwise.
struct FaultParameter {
  std::string_view name;  // empty: the row has no such parameter
  std::int64_t low = 0;
  std::int64_t high = 0;
  std::int64_t usual = 0;
  std::string_view meaning;
};

// How the effect of a fault ends.
enum class FaultSpan : std::uint8_t {
  instant,  // it is done once; what it broke is repaired by the system or by healing
  lasting,  // it lasts for the item's duration
};

struct FaultRow {
  std::string_view name;
  std::string_view group;  // network, process, clock, disk
  TargetClass target = TargetClass::process;
  FaultSpan span = FaultSpan::instant;
  FaultParameter first;
  FaultParameter second;
  // Of a lasting fault, or of the time down after an end: drawn from here, in milliseconds.
  std::int64_t for_ms_low = 0;
  std::int64_t for_ms_high = 0;
  bool swarm = true;            // general swarms may draw it
  bool needs_replicas = false;  // little to see on a single node
  std::string_view meaning;
  std::string_view must;  // what a correct cluster does
};

std::span<const FaultRow> fault_registry();
// Null when no row has this name.
const FaultRow* find_fault(std::string_view name);

}  // namespace flux::sim
