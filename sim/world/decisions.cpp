#include "sim/world/decisions.h"

#include "core/base/check.h"
#include "sim/world/node_heap.h"

namespace flux::sim {

void Decisions::record() { special_ = recording_ = true; }

void Decisions::play(const std::vector<Decision>& tape) {
  special_ = true;
  for (const Decision& d : tape) tape_[d.key] = {d.value, false};
}

TapeUse Decisions::tape_use() const { return {tape_.size(), used_, off_tape_}; }

std::uint64_t Decisions::draw_special(Key key, std::uint64_t bound, const char* label) {
  const WorldScope scope;
  std::uint64_t value = keyed_below(seed_, key, bound);
  if (const auto played = tape_.find(key.value); played != tape_.end()) {
    // An edited scenario may narrow what is possible: the nearest legal value stands for the entry.
    value = played->second.value < bound ? played->second.value : bound - 1;
    if (!played->second.used) ++used_;
    played->second.used = true;
  } else if (!tape_.empty()) {
    ++off_tape_;
  }
  if (recording_) recorded_.push_back({key.value, label, bound, value});
  return value;
}

}  // namespace flux::sim
