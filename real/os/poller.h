// Poller: the one place where the loop's thread waits for the kernel (epoll).
//
// A target is registered once, edge-triggered, for reading and writing at the same time: whoever
// uses a descriptor tries the system call first and waits only after EAGAIN, so no registration
// ever changes and a busy connection costs no epoll_ctl. Targets are told of events and must not
// run tasks or destroy targets from there: they only make tasks ready.
#pragma once

#include <array>
#include <cstdint>

#include <sys/epoll.h>

#include "core/base/result.h"
#include "core/base/time.h"
#include "real/os/fd.h"

namespace flux::os {

class PollTarget {
 public:
  virtual ~PollTarget() = default;
  // `events` as epoll gives them.
  virtual void on_events(std::uint32_t events) = 0;
};

inline bool says_readable(std::uint32_t events) {
  return (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
}
inline bool says_writable(std::uint32_t events) {
  return (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
}

// Blocks the thread until the descriptor can be read or a signal comes; false after `at_most`
// without either. For the end of the program only.
bool readable_within(int fd, Duration at_most);

class Poller {
 public:
  Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // Edge-triggered. The registration ends when the descriptor is closed.
  Result<void> add(int fd, PollTarget& target);
  // Level-triggered, for reading only: for descriptors that their owner drains at each event.
  Result<void> add_level(int fd, PollTarget& target);

  // Waits until something happens, but no longer than `at_most`, and never shorter when nothing
  // does; Duration::max() waits for ever. Returns how many events were told. A signal ends the
  // wait.
  int wait(Duration at_most);

 private:
  static constexpr int kEvents = 256;

  Result<void> control(int fd, std::uint32_t events, PollTarget& target);
  int wait_ns(Duration at_most);

  Fd epoll_;
  bool coarse_ = false;  // the kernel, or its filter, has no epoll_pwait2
  std::array<epoll_event, kEvents> events_{};
};

}  // namespace flux::os
