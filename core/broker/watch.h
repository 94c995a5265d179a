// Watches: one task waiting for something to happen on any of many partitions.
//
//   Signal signal;
//   std::deque<Watch> watches;  // one on each partition's WatchList
//   while (!enough()) TRY(signal.wait(task, until));
//
// Nothing is polled and nothing is allocated per wake: a watch is a link in the partition's list,
// and the lists wake whoever stands in them.
#pragma once

#include "core/base/check.h"
#include "core/sync/event.h"

namespace flux::broker {

// What the waiter waits on. Remembers a wake that came before the wait.
class Signal {
 public:
  // Returns at once if anything happened since the last wait.
  Result<void> wait(env::Task& task, Instant until) {
    Result<void> waited = event_.wait(task, until);
    if (waited) event_.clear();
    return waited;
  }
  void raise() { event_.set(); }

 private:
  sync::Event event_;
};

class WatchList;

// Stands in a list for as long as it lives.
class Watch {
 public:
  inline Watch(WatchList& list, Signal& signal);
  inline ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  friend class WatchList;
  WatchList* list_;
  Signal& signal_;
  Watch* previous_ = nullptr;
  Watch* next_ = nullptr;
};

class WatchList {
 public:
  WatchList() = default;
  ~WatchList() { CHECK(first_ == nullptr, "a watched thing ended before its watchers"); }
  WatchList(const WatchList&) = delete;
  WatchList& operator=(const WatchList&) = delete;

  bool empty() const { return first_ == nullptr; }
  // In the order in which they came.
  void raise() {
    for (Watch* watch = first_; watch != nullptr; watch = watch->next_) watch->signal_.raise();
  }

 private:
  friend class Watch;
  Watch* first_ = nullptr;
  Watch* last_ = nullptr;
};

Watch::Watch(WatchList& list, Signal& signal) : list_(&list), signal_(signal) {
  previous_ = list.last_;
  (previous_ != nullptr ? previous_->next_ : list.first_) = this;
  list.last_ = this;
}

Watch::~Watch() {
  (previous_ != nullptr ? previous_->next_ : list_->first_) = next_;
  (next_ != nullptr ? next_->previous_ : list_->last_) = previous_;
}

}  // namespace flux::broker
