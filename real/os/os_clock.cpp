#include "real/os/os_clock.h"

#include <time.h>

#include "core/base/check.h"

namespace flux::os {
namespace {

std::int64_t read_clock(clockid_t id) {
  timespec at{};
  CHECK(::clock_gettime(id, &at) == 0, "the kernel has no such clock");
  return static_cast<std::int64_t>(at.tv_sec) * 1'000'000'000 + at.tv_nsec;
}

}  // namespace

Instant OsClock::now() { return Instant(read_clock(CLOCK_MONOTONIC)); }
WallTime OsClock::wall_now() { return WallTime(read_clock(CLOCK_REALTIME)); }

}  // namespace flux::os
