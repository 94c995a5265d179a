#include "sim/world/event_queue.h"

namespace flux::sim {

void EventQueue::push(Time at, EventTarget& target, std::uint64_t argument, std::uint64_t cause) {
  const Event event{at, sequence_++, &target, argument, cause};
  if (deck_count_ == kDeck) {
    const Event& last = on_deck(kDeck - 1);
    if (!before(event, last)) return push_heap(event);
    push_heap(last);
    --deck_count_;
  }
  // Where it belongs among the few on deck, most often at the end.
  std::size_t place = deck_count_++;
  for (; place > 0 && before(event, on_deck(place - 1)); --place) {
    on_deck(place) = on_deck(place - 1);
  }
  on_deck(place) = event;
}

Event EventQueue::pop() {
  const Event next = on_deck(0);
  deck_first_ = (deck_first_ + 1) % kDeck;
  --deck_count_;
  if (!heap_.empty()) on_deck(deck_count_++) = pop_heap();
  return next;
}

void EventQueue::approach() const {
  if (deck_count_ < kDeck) return;  // so few that everything is near anyway
  on_deck(1).target->approach(Nearness::next);
  on_deck(3).target->approach(Nearness::sooner);
  on_deck(5).target->approach(Nearness::soon);
  const auto* target = reinterpret_cast<const std::byte*>(on_deck(kDeck - 1).target);
  for (std::size_t line = 0; line < kTargetLines; ++line) {
    __builtin_prefetch(target + line * 64, 1);
  }
}

void EventQueue::push_heap(const Event& event) {
  std::size_t hole = heap_.size();
  heap_.push_back(event);
  while (hole > 0) {
    const std::size_t parent = (hole - 1) / 4;
    if (!before(event, heap_[parent])) break;
    heap_[hole] = heap_[parent];
    hole = parent;
  }
  heap_[hole] = event;
}

Event EventQueue::pop_heap() {
  const Event top = heap_.front();
  const Event last = heap_.back();
  heap_.pop_back();
  const std::size_t size = heap_.size();
  std::size_t hole = 0;
  for (;;) {
    const std::size_t first = hole * 4 + 1;
    if (first >= size) break;
    std::size_t least = first;
    const std::size_t end = first + 4 < size ? first + 4 : size;
    for (std::size_t child = first + 1; child < end; ++child) {
      if (before(heap_[child], heap_[least])) least = child;
    }
    if (!before(heap_[least], last)) break;
    heap_[hole] = heap_[least];
    hole = least;
  }
  if (size > 0) heap_[hole] = last;
  return top;
}

}  // namespace flux::sim
