// Gate: lets the holders of tickets 0, 1, 2, ... through, one after another.
//
// A connection has two: requests begin in the order in which they came, and are answered in it.
#pragma once

#include <cstdint>

#include "core/base/check.h"
#include "core/sync/condition.h"

namespace flux::server {

class Gate {
 public:
  // Until all smaller tickets have passed.
  Result<void> wait(env::Task& task, std::uint64_t ticket) {
    while (next_ != ticket) {
      CHECK_LT(next_, ticket);
      if (auto waited = changed_.wait(task); !waited) return waited;
    }
    return {};
  }
  void pass(std::uint64_t ticket) {
    CHECK_EQ(next_, ticket);
    ++next_;
    changed_.notify_all();
  }
  std::uint64_t next() const { return next_; }

 private:
  std::uint64_t next_ = 0;
  sync::Condition changed_;
};

// One request's passage through the gate of beginnings: passed at the latest when this ends.
class Turn {
 public:
  Turn(Gate& gate, std::uint64_t ticket) : gate_(gate), ticket_(ticket) {}
  ~Turn() { CHECK(passed_, "a request ended before its turn was over"); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  Result<void> wait(env::Task& task) {
    if (passed_) return {};
    return gate_.wait(task, ticket_);
  }
  // The connection ends: nobody behind will be let through.
  void abandon() { passed_ = true; }
  // The next request may begin.
  void pass() {
    if (passed_) return;
    passed_ = true;
    gate_.pass(ticket_);
  }

 private:
  Gate& gate_;
  std::uint64_t ticket_;
  bool passed_ = false;
};

}  // namespace flux::server
