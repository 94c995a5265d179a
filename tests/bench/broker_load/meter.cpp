#include "tests/bench/broker_load/meter.h"

#include <array>
#include <fstream>
#include <sstream>
#include <time.h>
#include <unistd.h>

#include "core/base/check.h"

namespace flux::load {

namespace {

std::string text_of(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

double seconds_of(std::uint64_t ticks) {
  return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double seconds_of_clock(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

}  // namespace

std::uint64_t boot_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

double cpu_seconds(const std::string& stat) {
  // The second field is the program's name, which may hold anything, also a ")".
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return -1;
  std::istringstream fields(stat.substr(name_end + 1));
  constexpr int kBeforeUser = 11;  // fields from "state" up to "cmajflt"
  std::string skipped;
  for (int i = 0; i < kBeforeUser; ++i) fields >> skipped;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  if (!(fields >> user >> system)) return -1;
  return seconds_of(user + system);
}

double stolen_seconds(const std::string& stat) {
  // cpu user nice system idle iowait irq softirq steal
  std::istringstream fields(stat);
  std::string name;
  std::array<std::uint64_t, 8> ticks{};
  fields >> name;
  for (std::uint64_t& tick : ticks) fields >> tick;
  return fields && name == "cpu" ? seconds_of(ticks.back()) : -1;
}

Reading Meter::read() const {
  Reading out;
  if (broker_pid_ != 0) {
    out.broker_cpu = cpu_seconds(text_of("/proc/" + std::to_string(broker_pid_) + "/stat"));
    CHECK(out.broker_cpu >= 0, "the broker is gone");
  }
  out.stolen = stolen_seconds(text_of("/proc/stat"));
  out.client_cpu = seconds_of_clock(CLOCK_PROCESS_CPUTIME_ID);
  out.clock = seconds_of_clock(CLOCK_BOOTTIME);
  return out;
}

nlohmann::ordered_json Meter::report(const Reading& begin, const Reading& end) const {
  nlohmann::ordered_json out;
  const double seconds = end.clock - begin.clock;
  const auto processors = static_cast<double>(::sysconf(_SC_NPROCESSORS_ONLN));
  out["seconds"] = seconds;
  if (broker_pid_ != 0) out["broker_cpu_s"] = end.broker_cpu - begin.broker_cpu;
  out["client_cpu_s"] = end.client_cpu - begin.client_cpu;
  out["stolen_share"] = (end.stolen - begin.stolen) / (seconds * processors);
  return out;
}

}  // namespace flux::load
