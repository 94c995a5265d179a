// EventQueue: what will happen, in order of (time, order of scheduling).
//
// A 4-ary heap of small plain entries: half the height of a binary heap and one cache line a level.
// Nothing is ever taken out early; a target that no longer wants its event ignores it.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/world/time.h"

namespace flux::sim {

class EventTarget {
 public:
  virtual void fire(std::uint64_t argument) = 0;

 protected:
  ~EventTarget() = default;
};

struct Event {
  Time at;
  std::uint64_t sequence = 0;
  EventTarget* target = nullptr;
  std::uint64_t argument = 0;
  std::uint64_t cause = 0;  // trace id of what scheduled it
};

class EventQueue {
 public:
  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  const Event& front() const { return heap_.front(); }

  void push(Time at, EventTarget& target, std::uint64_t argument, std::uint64_t cause);
  Event pop();

 private:
  static bool before(const Event& a, const Event& b) {
    return a.at != b.at ? a.at < b.at : a.sequence < b.sequence;
  }

  std::vector<Event> heap_;
  std::uint64_t sequence_ = 0;
};

}  // namespace flux::sim
