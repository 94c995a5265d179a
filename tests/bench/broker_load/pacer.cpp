#include "tests/bench/broker_load/pacer.h"

#include <cerrno>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/timerfd.h>

#include "core/base/check.h"
#include "tests/bench/broker_load/meter.h"

namespace flux::load {

void sleep_exactly() { CHECK_EQ(::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL), 0); }

Pacer::Pacer(std::uint64_t per_second)
    : per_second_(per_second),
      first_ns_(boot_ns() + 1'000'000),
      timer_(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC)) {
  CHECK_GE(per_second, 1u);
  CHECK_GE(timer_, 0);
}

Pacer::~Pacer() { ::close(timer_); }

std::uint64_t Pacer::wait() {
  // Set anew for each wait: an interval in whole nanoseconds would drift away from moment().
  const std::uint64_t next = moment(given_);
  itimerspec when{};
  when.it_value.tv_sec = static_cast<time_t>(next / 1'000'000'000);
  when.it_value.tv_nsec = static_cast<long>(next % 1'000'000'000);
  CHECK_EQ(::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr), 0);
  std::uint64_t expirations = 0;
  while (::read(timer_, &expirations, sizeof expirations) < 0) CHECK_EQ(errno, EINTR);
  std::uint64_t come = 1;
  for (const std::uint64_t now = boot_ns(); moment(given_ + come) <= now;) ++come;
  given_ += come;
  return come;
}

}  // namespace flux::load
