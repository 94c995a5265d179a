// What the process takes of what the kernel shares out, and when it gives it back.
#pragma once

#include <cstdint>

#include "core/base/result.h"

namespace flux::os {

struct FileLimit {
  std::uint64_t before = 0;  // descriptors that the process might have open
  std::uint64_t now = 0;
};

// Raises the soft limit on open descriptors to the hard one. Sockets and files of partitions count
// towards it, and the usual soft limit of 1,024 stands only for the sake of select(), which nothing
// here calls. Nothing is changed on an error.
Result<FileLimit> raise_file_limit();

// Freed memory up to so much is kept for the next request. Given back at once, as is usual, a
// broker under load takes the same pages again a moment later, each with a fault and zeroed anew.
inline constexpr int kKeptMemoryBytes = 32 << 20;
void keep_freed_memory();

}  // namespace flux::os
