#include "real/os/poller.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <poll.h>

#include "core/base/check.h"
#include "real/os/os_error.h"

namespace flux::os {
namespace {

// Rounded up: a wait that ended early would make the loop turn for nothing until the timer.
int timeout_ms(Duration at_most) {
  if (at_most == Duration::max()) return -1;
  const std::int64_t ms = at_most.ns() / 1'000'000 + (at_most.ns() % 1'000'000 != 0 ? 1 : 0);
  return static_cast<int>(std::min<std::int64_t>(ms, std::numeric_limits<int>::max()));
}

}  // namespace

bool readable_within(int fd, Duration at_most) {
  pollfd wait{fd, POLLIN, 0};
  return ::poll(&wait, 1, timeout_ms(at_most)) != 0;
}

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  CHECK(epoll_.open(), "epoll_create1() failed at start");
}

Result<void> Poller::add(int fd, PollTarget& target) {
  return control(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, target);
}

Result<void> Poller::add_level(int fd, PollTarget& target) { return control(fd, EPOLLIN, target); }

Result<void> Poller::control(int fd, std::uint32_t events, PollTarget& target) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &target;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return {};
  // ENOSPC here is the user's limit on watches, not a full disk.
  const int error = errno;
  if (error == ENOSPC) {
    return std::unexpected(os_error(ErrorCode::too_many_files, error, "watching a descriptor"));
  }
  return std::unexpected(os_error(error, "watching a descriptor"));
}

int Poller::wait(Duration at_most) {
  CHECK(at_most >= Duration(), "a wait of negative length");
  const int count = wait_ns(at_most);
  if (count < 0) {
    CHECK_EQ(errno, EINTR);
    return 0;
  }
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_[static_cast<std::size_t>(i)];
    static_cast<PollTarget*>(event.data.ptr)->on_events(event.events);
  }
  return count;
}

int Poller::wait_ns(Duration at_most) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  if (!coarse_ && at_most != Duration()) {
    timespec timeout{};
    timeout.tv_sec = static_cast<time_t>(at_most.ns() / kSecond);
    timeout.tv_nsec = static_cast<long>(at_most.ns() % kSecond);
    const bool forever = at_most == Duration::max();
    const int count = ::epoll_pwait2(epoll_.get(), events_.data(), kEvents,
                                     forever ? nullptr : &timeout, nullptr);
    // Older kernels have no such call, and filters of older container runtimes answer EPERM.
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    coarse_ = true;
  }
  return ::epoll_wait(epoll_.get(), events_.data(), kEvents, timeout_ms(at_most));
}

}  // namespace flux::os
