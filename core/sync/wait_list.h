// WaitList: a line of waiting tasks, woken first come, first served.
//
// A waiter that was woken has been woken for good: if its deadline passed or it was cancelled
// before it ran, its wait still succeeds, so that what the waker granted is never lost. The list
// must outlive its waiters.
#pragma once

#include <cstdint>

#include "core/base/check.h"
#include "core/base/result.h"
#include "core/env/scheduler.h"

namespace flux::sync {

class WaitList {
 public:
  WaitList() = default;
  ~WaitList() { CHECK(first_ == nullptr, "a wait list ended with tasks in line"); }
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;

  // Joins the end of the line and waits to be woken: timed_out at the earlier of `until` and the
  // task's deadline, cancelled when told to stop. `amount` is for the waker to read.
  Result<void> wait(env::Task& task, Instant until = Instant::max(), std::uint64_t amount = 1);

  bool empty() const { return first_ == nullptr; }
  // What the first in line waits for; the list is not empty.
  std::uint64_t first_amount() const { return first_->amount; }
  // False when nobody was in line.
  bool wake_one();
  void wake_all();

 private:
  // Lives on the waiter's stack while it waits.
  struct Waiter {
    env::Scheduler& scheduler;
    env::TaskHandle task;
    std::uint64_t amount;
    bool woken = false;
    Waiter* previous = nullptr;
    Waiter* next = nullptr;
  };

  void join(Waiter& waiter);
  void leave(Waiter& waiter);

  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

}  // namespace flux::sync
