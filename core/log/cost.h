// What checksums and work on records cost, for Scheduler::charge: about a CRC-32C or an XXH3 at
// eight bytes a nanosecond and a fixed part a call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/base/time.h"
#include "core/env/scheduler.h"
#include "core/record/pace.h"

namespace flux::log {

constexpr Duration checksum_cost(std::size_t bytes) {
  return nanoseconds(40 + static_cast<std::int64_t>(bytes / 8));
}

// Of work on records. Packing is between lz4's two nanoseconds a byte and gzip's thirty at their
// default levels, and about half a microsecond at zstd's highest.
constexpr Duration record_cost(record::PaceOf what, std::size_t bytes) {
  const auto work = static_cast<std::int64_t>(bytes);
  switch (what) {
    case record::PaceOf::unpacking:
      return nanoseconds(work);
    case record::PaceOf::reading:
      return nanoseconds(work / 8);
    case record::PaceOf::packing:
      return nanoseconds(work * 8);
    case record::PaceOf::packing_hard:
      return nanoseconds(work * 60);
    case record::PaceOf::packing_hardest:
      return nanoseconds(work * 500);
  }
  UNREACHABLE("a kind of work outside of the enum");
}

// Charges for unpacking, reading and packing records, and lets others run. The task must outlive
// it.
inline record::Pace pace_of(env::Task& task) {
  return [&task](record::PaceOf what, std::size_t bytes) {
    task.scheduler().charge(record_cost(what, bytes));
    env::yield_if_due(task);
  };
}

}  // namespace flux::log
