#include "real/os/os_random.h"

#include <cerrno>

#include <sys/random.h>

#include "core/base/check.h"

namespace flux::os {
namespace {

std::uint64_t seed_from_kernel() {
  std::uint64_t seed = 0;
  ssize_t got = 0;
  // At most 256 bytes come whole, once the kernel has seeded itself; only a signal while it has not
  // interrupts the wait for that.
  do {
    got = ::getrandom(&seed, sizeof seed, 0);
  } while (got < 0 && errno == EINTR);
  CHECK(got == sizeof seed, "getrandom() failed: the kernel gives no randomness");
  return seed;
}

}  // namespace

OsRandom::OsRandom() : seed_(seed_from_kernel()) {}

std::uint64_t OsRandom::draw(Key key, std::uint64_t bound) {
  CHECK_GE(bound, 1U);
  return keyed_below(seed_, key, bound);
}

std::uint64_t OsRandom::draw_u64(Key key) { return keyed_u64(seed_, key); }

}  // namespace flux::os
