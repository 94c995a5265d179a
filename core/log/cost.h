// What checksums cost, for Scheduler::charge: about a CRC-32C or an XXH3 at eight bytes a
// nanosecond and a fixed part a call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/time.h"

namespace flux::log {

constexpr Duration checksum_cost(std::size_t bytes) {
  return nanoseconds(40 + static_cast<std::int64_t>(bytes / 8));
}

}  // namespace flux::log
