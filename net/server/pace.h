// How a request's work lets others in, however much its client asks for.
#pragma once

#include <cstddef>

#include "core/env/scheduler.h"
#include "net/server/claim.h"
#include "net/wire/pace.h"

namespace flux::server {

// A loop over what a client listed calls step() for each element.
class Steps {
 public:
  explicit Steps(env::Task& task) : task_(task) {}

  void step() {
    if (++steps_ % kTold == 0) {
      task_.scheduler().charge(kCost * static_cast<std::int64_t>(kTold));
      env::yield_if_due(task_);
    }
  }

 private:
  static constexpr std::size_t kTold = 32;
  // About a look-up by name, and what becomes of it.
  static constexpr Duration kCost = nanoseconds(500);

  env::Task& task_;
  std::size_t steps_ = 0;
};

// Lets a list go, or a set. One of a million strings takes milliseconds.
template <class List>
void forget(env::Task& task, List& list) {
  Steps steps(task);
  for (; !list.empty(); steps.step()) {
    if constexpr (requires { list.pop_back(); }) {
      list.pop_back();
    } else {
      list.erase(list.begin());
    }
  }
}

// Of decoding and encoding.
class MessagePace final : public wire::Pace {
 public:
  // `memory`: to be claimed once what is read takes more than may be unasked.
  MessagePace(env::Task& task, Claim& claim, std::size_t memory)
      : task_(task), claim_(claim), memory_(memory) {}

  void worked(std::size_t work) override {
    task_.scheduler().charge(nanoseconds(2 * static_cast<std::int64_t>(work)));
    env::yield_if_due(task_);
  }
  Result<void> outgrown(std::size_t) override { return claim_.take(task_, memory_); }

 private:
  env::Task& task_;
  Claim& claim_;
  std::size_t memory_;
};

}  // namespace flux::server
