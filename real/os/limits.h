// Limits of the process: what the kernel grants it of what it shares out.
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

}  // namespace flux::os
