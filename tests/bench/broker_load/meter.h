// Meter: what a stretch of a measurement took, of the clock and of the machine: the broker's
// processor time, this program's, and what the host of a virtual machine took away.
//
// Also the clock that all parts of the benchmark share: nanoseconds since the machine's boot, which
// a Python script reads as CLOCK_BOOTTIME and /proc/PID/stat counts a process's start in.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

namespace flux::load {

std::uint64_t boot_ns();

// What /proc says at one moment; times in seconds.
struct Reading {
  double clock = 0;
  double broker_cpu = 0;
  double client_cpu = 0;
  double stolen = 0;  // over all processors
};

class Meter {
 public:
  // 0 for a broker that runs inside of this program.
  explicit Meter(int broker_pid) : broker_pid_(broker_pid) {}

  Reading read() const;
  // Members "seconds", "client_cpu_s", "stolen_share" (of all processors) and, of a broker that is
  // its own process, "broker_cpu_s".
  nlohmann::ordered_json report(const Reading& begin, const Reading& end) const;

 private:
  int broker_pid_;
};

// Processor time of a process in seconds, from the text of its /proc/PID/stat; negative when that
// is not what the kernel writes.
double cpu_seconds(const std::string& stat);
// Stolen time of all processors in seconds, from the text of /proc/stat.
double stolen_seconds(const std::string& stat);

}  // namespace flux::load
