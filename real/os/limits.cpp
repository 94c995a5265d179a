#include "real/os/limits.h"

#include <cerrno>
#include <malloc.h>

#include <sys/resource.h>

#include "real/os/os_error.h"

namespace flux::os {

Result<FileLimit> raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return std::unexpected(os_error(errno, "reading the limit on open files"));
  }
  FileLimit out{.before = limit.rlim_cur, .now = limit.rlim_max};
  if (out.before == out.now) return out;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return std::unexpected(os_error(errno, "raising the limit on open files"));
  }
  return out;
}

void keep_freed_memory() {
  // What is larger than this is mapped by itself and given back when it is freed.
  constexpr int kMappedFrom = 8 << 20;
  ::mallopt(M_MMAP_THRESHOLD, kMappedFrom);
  ::mallopt(M_TRIM_THRESHOLD, kKeptMemoryBytes);
}

}  // namespace flux::os
