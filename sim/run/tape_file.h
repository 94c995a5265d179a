// Tapes: a run written out, so that it can be played again, edited and shrunk.
//
// A tape holds the scenario's text, the seed, the settings, every fault item and every decision. It
// names no build: another one plays it as well. A decision that is not on it falls back to the
// seed, so an edit leaves all others as they were. docs/simulator.md documents the members.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "sim/fault/plan.h"
#include "sim/world/decisions.h"

namespace flux::sim {

struct Tape {
  std::string name;  // of the scenario
  std::string scenario;
  std::uint64_t seed = 0;
  std::vector<std::string> settings;
  FaultPlan plan;
  std::vector<Decision> decisions;
  // What the run came to, for whoever reads the file.
  std::string verdict;
  std::string hash;
};

std::string write_tape(const Tape& tape);
Result<Tape> read_tape(std::string_view file, std::string_view text);

// "drop=rot#2" takes a fault item out; "KEY=VALUE" (16 hexadecimal digits, a number) changes one
// decision; "seed=N" changes what decisions off the tape come from.
Result<void> edit_tape(Tape& tape, std::string_view edit);

}  // namespace flux::sim
