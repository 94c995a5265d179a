// EventQueue: what will happen, in order of (time, order of scheduling).
//
// A 4-ary heap of small plain entries (half the height of a binary heap, one cache line a level)
// and before it the deck: the next few events in their order. Who is on deck is known some events
// ahead, so that its memory can be on the way when its turn comes: a large simulation touches other
// lines at each event and would otherwise wait for every one of them.
//
// Nothing is ever taken out early; a target that no longer wants its event ignores it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "sim/world/time.h"

namespace flux::sim {

// How near the turn of a target is.
enum class Nearness : std::uint8_t { soon, sooner, next };

class EventTarget {
 public:
  virtual void fire(std::uint64_t argument) = 0;
  // Its turn is near: it may begin to load (never to change) what it will touch. The steps are two
  // events apart, which is about what memory takes, so each may read what the one before loaded.
  virtual void approach(Nearness nearness) { static_cast<void>(nearness); }

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
  bool empty() const { return deck_count_ == 0; }
  std::size_t size() const { return deck_count_ + heap_.size(); }
  const Event& front() const { return deck_[deck_first_]; }

  void push(Time at, EventTarget& target, std::uint64_t argument, std::uint64_t cause);
  Event pop();
  // Tells those on deck how near they are.
  void approach() const;

 private:
  static constexpr std::size_t kDeck = 8;
  static constexpr std::size_t kTargetLines = 3;  // loaded unasked, of whoever is last on deck

  static bool before(const Event& a, const Event& b) {
    return a.at != b.at ? a.at < b.at : a.sequence < b.sequence;
  }
  Event& on_deck(std::size_t i) { return deck_[(deck_first_ + i) % kDeck]; }
  const Event& on_deck(std::size_t i) const { return deck_[(deck_first_ + i) % kDeck]; }
  void push_heap(const Event& event);
  Event pop_heap();

  // No event of the heap comes before one on deck, and the deck is short only if the heap is empty.
  std::array<Event, kDeck> deck_;
  std::size_t deck_first_ = 0;
  std::size_t deck_count_ = 0;
  std::vector<Event> heap_;
  std::uint64_t sequence_ = 0;
};

}  // namespace flux::sim
