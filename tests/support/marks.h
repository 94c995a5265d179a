// What a test has reached: a green run that never came to its state is no proof.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/mark.h"

namespace flux::test {

// In this program, since it began: of all places with this mark.
inline std::uint64_t mark_hits(std::string_view name) {
  std::uint64_t sum = 0;
  for (const Mark* mark : all_marks()) {
    if (name == mark->name) sum += mark->hits;
  }
  return sum;
}

}  // namespace flux::test
