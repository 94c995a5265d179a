// Semaphore: a count of permits (bytes in flight, open files). Strictly first come, first served: a
// large request is not overtaken by small ones behind it.
#pragma once

#include <cstdint>

#include "core/sync/wait_list.h"

namespace flux::sync {

class Semaphore {
 public:
  explicit Semaphore(std::uint64_t permits) : free_(permits) {}

  Result<void> acquire(env::Task& task, std::uint64_t amount = 1) {
    if (try_acquire(amount)) return {};
    Result<void> waited = waiters_.wait(task, Instant::max(), amount);
    // The one who left may have been what those behind it waited for.
    if (!waited) grant();
    return waited;
  }
  bool try_acquire(std::uint64_t amount = 1) {
    if (!waiters_.empty() || free_ < amount) return false;
    free_ -= amount;
    return true;
  }
  void release(std::uint64_t amount = 1) {
    free_ += amount;
    grant();
  }
  std::uint64_t free() const { return free_; }
  bool awaited() const { return !waiters_.empty(); }

 private:
  void grant() {
    while (!waiters_.empty() && waiters_.first_amount() <= free_) {
      free_ -= waiters_.first_amount();
      waiters_.wake_one();
    }
  }

  std::uint64_t free_;
  WaitList waiters_;
};

}  // namespace flux::sync
