// Channel: a bounded queue between tasks. Values come out in the order they went in; waiting
// senders and receivers are each served first come, first served.
//
// After close() sends fail with `closed`, and receives first take what is left.
#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include "core/base/check.h"
#include "core/sync/wait_list.h"

namespace flux::sync {

template <class T>
class Channel {
 public:
  explicit Channel(std::size_t capacity) : capacity_(capacity) { CHECK_GE(capacity, 1u); }

  Result<void> send(env::Task& task, T value) {
    if (closed_) return fail(ErrorCode::closed);
    if (!room()) {
      TRY(senders_.wait(task));
      if (closed_) return fail(ErrorCode::closed);
      --promised_room_;
    }
    put(std::move(value));
    return {};
  }
  // False when full, closed, or when others wait to send.
  bool try_send(T value) {
    if (closed_ || !room()) return false;
    put(std::move(value));
    return true;
  }

  Result<T> receive(env::Task& task) {
    if (!closed_ && values_.size() <= promised_values_) {
      TRY(receivers_.wait(task));
      if (!closed_) --promised_values_;
    }
    if (values_.empty()) {
      CHECK(closed_);
      return fail(ErrorCode::closed);
    }
    T value = std::move(values_.front());
    values_.pop_front();
    if (!closed_ && senders_.wake_one()) ++promised_room_;
    return value;
  }

  void close() {
    closed_ = true;
    senders_.wake_all();
    receivers_.wake_all();
  }
  bool closed() const { return closed_; }
  std::size_t size() const { return values_.size(); }

 private:
  // Room and values promised to a woken waiter that has not run yet are not for others.
  bool room() const { return values_.size() + promised_room_ < capacity_; }
  void put(T value) {
    values_.push_back(std::move(value));
    if (receivers_.wake_one()) ++promised_values_;
  }

  std::size_t capacity_;
  std::deque<T> values_;
  std::size_t promised_room_ = 0;
  std::size_t promised_values_ = 0;
  bool closed_ = false;
  WaitList senders_;
  WaitList receivers_;
};

}  // namespace flux::sync
