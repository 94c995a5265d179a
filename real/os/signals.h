// Signals: SIGTERM, SIGHUP and SIGINT become a call inside the loop; SIGPIPE is ignored for the
// process.
//
// The handler only writes to an eventfd that stands in the poller. A second SIGINT ends the process
// at once, for a person whose patience is over; SIGTERM may come any number of times. SIGHUP stays
// ignored where it was, as under nohup. At most one of these exists at a time; the earlier handlers
// are back when it ends.
#pragma once

#include <functional>
#include <signal.h>

#include "real/os/poller.h"

namespace flux::os {

class Signals final : public PollTarget {
 public:
  // `on_stop` runs on the loop's thread, outside of any task, with the signal's number.
  Signals(Poller& poller, std::move_only_function<void(int)> on_stop);
  ~Signals() override;
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  void on_events(std::uint32_t) override;

 private:
  Fd event_;
  std::move_only_function<void(int)> on_stop_;
  struct sigaction term_before_{};
  struct sigaction int_before_{};
  struct sigaction hup_before_{};
};

// Writing to a connection that the peer has closed is an error to handle, not a reason to die.
// sendfile() has no flag for that, so it is the whole process that ignores the signal.
void ignore_sigpipe();

}  // namespace flux::os
