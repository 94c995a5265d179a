// What checksums cost, for Scheduler::charge: about a CRC-32C or an XXH3 at eight bytes a
// nanosecond and a fixed part a call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/time.h"
#include "core/env/scheduler.h"
#include "core/record/pace.h"

namespace flux::log {

constexpr Duration checksum_cost(std::size_t bytes) {
  return nanoseconds(40 + static_cast<std::int64_t>(bytes / 8));
}

// Charges for unpacking and reading records, and lets others run. The task must outlive it.
inline record::Pace pace_of(env::Task& task) {
  return [&task](record::PaceOf what, std::size_t bytes) {
    const auto work = static_cast<std::int64_t>(bytes);
    task.scheduler().charge(nanoseconds(what == record::PaceOf::unpacking ? work : work / 8));
    env::yield_if_due(task);
  };
}

}  // namespace flux::log
