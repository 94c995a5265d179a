// Event: a flag to wait for. Stays set until cleared.
#pragma once

#include "core/sync/wait_list.h"

namespace flux::sync {

class Event {
 public:
  bool is_set() const { return set_; }
  void set() {
    set_ = true;
    waiters_.wake_all();
  }
  void clear() { set_ = false; }

  // Returns once the flag was set, even if it has been cleared again since.
  Result<void> wait(env::Task& task, Instant until = Instant::max()) {
    if (set_) return {};
    return waiters_.wait(task, until);
  }

 private:
  bool set_ = false;
  WaitList waiters_;
};

}  // namespace flux::sync
