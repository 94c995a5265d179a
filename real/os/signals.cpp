#include "real/os/signals.h"

#include <atomic>
#include <cerrno>
#include <utility>

#include <sys/eventfd.h>

#include "core/base/check.h"

namespace flux::os {
namespace {

// What a handler may use: lock-free, and set before the handler is.
std::atomic<int> stop_event{-1};
std::atomic<int> stop_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

void on_signal(int number) {
  const int error_before = errno;
  stop_signal.store(number);
  const std::uint64_t one = 1;
  static_cast<void>(!::write(stop_event.load(), &one, sizeof one));
  errno = error_before;
}

struct sigaction install(int number, int flags) {
  struct sigaction action{};
  struct sigaction before{};
  action.sa_handler = on_signal;
  action.sa_flags = flags;
  CHECK(::sigaction(number, &action, &before) == 0);
  return before;
}

}  // namespace

Signals::Signals(Poller& poller, std::move_only_function<void(int)> on_stop)
    : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), on_stop_(std::move(on_stop)) {
  CHECK(event_.open(), "eventfd() failed at start");
  CHECK(stop_event.exchange(event_.get()) == -1, "two Signals at a time");
  CHECK(poller.add_level(event_.get(), *this).has_value());
  term_before_ = install(SIGTERM, SA_RESTART);
  int_before_ = install(SIGINT, SA_RESTART | static_cast<int>(SA_RESETHAND));
  hup_before_ = install(SIGHUP, SA_RESTART);
  if (hup_before_.sa_handler == SIG_IGN) ::sigaction(SIGHUP, &hup_before_, nullptr);
}

Signals::~Signals() {
  ::sigaction(SIGTERM, &term_before_, nullptr);
  ::sigaction(SIGINT, &int_before_, nullptr);
  ::sigaction(SIGHUP, &hup_before_, nullptr);
  stop_event.store(-1);
}

void Signals::on_events(std::uint32_t) {
  std::uint64_t count = 0;
  static_cast<void>(!::read(event_.get(), &count, sizeof count));
  on_stop_(stop_signal.load());
}

void ignore_sigpipe() {
  struct sigaction action{};
  action.sa_handler = SIG_IGN;
  CHECK(::sigaction(SIGPIPE, &action, nullptr) == 0);
}

}  // namespace flux::os
