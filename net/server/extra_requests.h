// ExtraRequests: the requests that connections work on beyond the one that each may always have.
//
// A request is a fiber with a stack, and there are only so many. Every connection has a place of
// its own, so that nobody starves by what others pipeline or let wait; whatever it has beyond that
// comes from here, and a connection that finds nothing is not read until a place is free. First
// come, first served.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>

#include "core/base/check.h"
#include "core/sync/condition.h"

namespace flux::server {

class ExtraRequests {
 public:
  explicit ExtraRequests(std::size_t max) : max_(max) {}
  ~ExtraRequests() { CHECK(line_.empty() && taken_ == 0, "a connection outlived its server"); }
  ExtraRequests(const ExtraRequests&) = delete;
  ExtraRequests& operator=(const ExtraRequests&) = delete;

  // False: `woken` stands in line, and is notified when its turn has come.
  bool try_take(sync::Condition& woken) {
    if (taken_ < max_ && (line_.empty() || line_.front() == &woken)) {
      ++taken_;
      leave(woken);
      return true;
    }
    if (std::ranges::find(line_, &woken) == line_.end()) line_.push_back(&woken);
    return false;
  }
  void give_back() {
    CHECK(taken_ > 0);
    --taken_;
    pass_on();
  }
  // Wants none any more.
  void leave(sync::Condition& woken) {
    std::erase(line_, &woken);
    pass_on();
  }
  std::size_t taken() const { return taken_; }

 private:
  void pass_on() {
    if (taken_ < max_ && !line_.empty()) line_.front()->notify_all();
  }

  std::size_t max_;
  std::size_t taken_ = 0;
  std::deque<sync::Condition*> line_;
};

}  // namespace flux::server
