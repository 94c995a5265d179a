// Condition: "something changed, look again". Whoever waits does so in a loop over the thing
// itself:
//
//   while (!ready()) TRY(changed.wait(task));
#pragma once

#include "core/sync/wait_list.h"

namespace flux::sync {

class Condition {
 public:
  Result<void> wait(env::Task& task, Instant until = Instant::max()) {
    return waiters_.wait(task, until);
  }
  void notify_one() { waiters_.wake_one(); }
  void notify_all() { waiters_.wake_all(); }
  bool awaited() const { return !waiters_.empty(); }

 private:
  WaitList waiters_;
};

}  // namespace flux::sync
