// The commands of fluxsim, one function each; each returns the exit code. Their arguments are read
// in fluxsim_main.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/base/time.h"

namespace flux::sim {

inline constexpr int kBadUsage = 2;

struct RunArguments {
  std::string scenario;
  std::string seed = "1";
  std::vector<std::string> settings;
  std::string until;
  std::string trace_file;
  std::string tape_file;
  std::string seam_file;
  std::string record_node;  // NAME=FILE
  bool json = false;
  bool story = false;
};
int command_run(const RunArguments& arguments);

struct ReplayArguments {
  std::string tape;
  std::vector<std::string> edits;
  RunArguments run;
};
int command_replay(const ReplayArguments& arguments);

int command_replay_node(const std::string& file);

int command_check(const RunArguments& arguments);

// Where two seam files part.
int command_difference(const std::string& left, const std::string& right);

struct SwarmArguments {
  std::string scenario = "swarm";
  std::string first = "1";
  std::uint64_t seeds = 100;
  std::uint32_t jobs = 1;
  std::uint32_t wall_limit_s = 300;  // of one seed
  std::vector<std::string> settings;
  std::string hashes_file;  // "seed verdict hash" lines, in order of seed
  bool json = false;
};
int command_swarm(const SwarmArguments& arguments);

// Decimal, 0x and hexadecimal digits, or the 40 hexadecimal digits of a commit, of which the first
// 16 are the seed.
Result<std::uint64_t> parse_seed(const std::string& text);

}  // namespace flux::sim
