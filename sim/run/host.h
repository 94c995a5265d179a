// What fluxsim needs of the operating system: files, processes, and to survive a crash of what it
// runs. Defined in host_main.cpp; everything else of sim is pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "sim/cluster/run.h"
#include "sim/run/report.h"

namespace flux::sim::host {

Result<std::string> read_text(const std::string& path);
Result<void> write_text(const std::string& path, std::string_view text);
void print(std::string_view text);        // to standard output, at once
void print_error(std::string_view text);  // to standard error

// The folder of scenarios: ./scenarios, or the one beside the program's build folder.
std::string scenario_folder();
// Every scenario of the folder, by name, without floors and schema.
std::vector<ListedScenario> list_scenarios();
struct ScenarioText {
  std::string name;
  std::string path;
  std::string text;
};
// By name, or by path when it ends with .json.
Result<ScenarioText> find_scenario(const std::string& name_or_path);

// From now on a failed CHECK or a signal prints where the run was and ends the process with the
// verdict crash. The seed is for the last line.
void survive_crashes(std::uint64_t seed);
// The run whose time and fiber a crash report names.
void crash_reports(const World& world);

std::uint64_t wall_ms();

// A child process in which `body` runs after a fork; what it prints is kept.
struct Child {
  int pid = -1;
  int output = -1;
};
struct Ended {
  int exit_code = 0;  // 128 and the number for a signal
  std::string output;
};
Child start(const std::function<int()>& body, std::uint32_t wall_limit_s);
// This program again, with `arguments`, an environment of `variables` alone and another folder.
Child start_program(const std::vector<std::string>& arguments,
                    const std::vector<std::string>& variables, const std::string& folder);
// Reads what any of them prints until one ends; returns its place. All must be alive.
std::size_t wait_any(std::vector<Child>& children, std::vector<std::string>& outputs, Ended& ended);
Ended wait(Child child);

std::string make_temporary_folder();
void remove_folder(const std::string& path);

}  // namespace flux::sim::host
