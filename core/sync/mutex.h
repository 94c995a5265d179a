// Mutex: one holder at a time, across suspensions. Handed over in the order of asking.
//
// Only for state that must stay whole while its holder waits for the world; what changes without a
// suspension needs no mutex. Not recursive.
#pragma once

#include <utility>

#include "core/base/check.h"
#include "core/sync/wait_list.h"

namespace flux::sync {

class Mutex;

// Holds a mutex until it ends. Movable; a moved-from guard holds nothing.
class [[nodiscard]] MutexGuard {
 public:
  MutexGuard(MutexGuard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
  MutexGuard& operator=(MutexGuard&&) = delete;
  inline ~MutexGuard();

 private:
  friend class Mutex;
  explicit MutexGuard(Mutex& mutex) : mutex_(&mutex) {}
  Mutex* mutex_;
};

class Mutex {
 public:
  // auto guard = TRY(mutex.lock(task));
  Result<MutexGuard> lock(env::Task& task) {
    if (held_) {
      TRY(waiters_.wait(task));
      CHECK(held_);  // passed on by unlock()
    }
    held_ = true;
    return MutexGuard(*this);
  }
  bool held() const { return held_; }

 private:
  friend class MutexGuard;
  void unlock() {
    CHECK(held_);
    held_ = waiters_.wake_one();
  }

  bool held_ = false;
  WaitList waiters_;
};

inline MutexGuard::~MutexGuard() {
  if (mutex_) mutex_->unlock();
}

}  // namespace flux::sync
