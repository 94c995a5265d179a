#include "core/sync/wait_list.h"

namespace flux::sync {

void WaitList::join(Waiter& waiter) {
  waiter.previous = last_;
  (last_ ? last_->next : first_) = &waiter;
  last_ = &waiter;
}

void WaitList::leave(Waiter& waiter) {
  (waiter.previous ? waiter.previous->next : first_) = waiter.next;
  (waiter.next ? waiter.next->previous : last_) = waiter.previous;
}

Result<void> WaitList::wait(env::Task& task, Instant until, std::uint64_t amount) {
  Waiter waiter{.scheduler = task.scheduler(), .task = task.handle(), .amount = amount};
  join(waiter);
  for (;;) {
    const env::Wake wake = task.scheduler().park(task, until);
    if (waiter.woken) return {};
    switch (wake) {
      case env::Wake::ready:
        continue;  // spurious
      case env::Wake::timed_out:
        leave(waiter);
        return fail(ErrorCode::timed_out);
      case env::Wake::cancelled:
        leave(waiter);
        return fail(ErrorCode::cancelled);
    }
  }
}

bool WaitList::wake_one() {
  Waiter* waiter = first_;
  if (!waiter) return false;
  leave(*waiter);
  waiter->woken = true;
  waiter->scheduler.unpark(waiter->task);
  return true;
}

void WaitList::wake_all() {
  while (wake_one()) {
  }
}

}  // namespace flux::sync
