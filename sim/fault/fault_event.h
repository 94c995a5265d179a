// FaultEvent: one thing that the injector did to the world, for histories and stories.
//
// What it excuses is not seen from it, since it may have hit nothing that matters: that is computed
// from what a disk tells of its bytes (sim/env/disk_omen.h) and, of clocks, from ClockChange.
// `fault` is a row's name in the registry (registry.h); `target` is spelt as in a scenario
// ("broker1", "disk:host1", "link:host1->host2").
#pragma once

#include <cstdint>
#include <string>

#include "sim/world/time.h"

namespace flux::sim {

enum class FaultPhase : std::uint8_t {
  struck,  // it took effect
  healed,  // its effect ended: by its own duration, or because the liveness phase began
  missed,  // it was due and found nothing to strike (no such file yet, the process was down)
};

struct FaultEvent {
  Time at;
  FaultPhase phase = FaultPhase::struck;
  std::string fault;
  std::string item;    // the plan's name for it: "rot#2"
  std::string target;  // after any drawing: one thing, or "all"
  std::string detail;  // where it struck: a file and a range; empty when the target says it all
};

// From `at` on the wall clock of a process is ahead of true time by this much and more.
struct ClockChange {
  Time at;
  std::uint32_t process = 0;  // index
  Duration ahead;             // negative: behind
  std::int64_t drift_ppb = 0;
};

class FaultObserver {
 public:
  virtual void fault_happened(const FaultEvent& event) = 0;
  virtual void clock_changed(const ClockChange& change) = 0;

 protected:
  ~FaultObserver() = default;
};

}  // namespace flux::sim
