#include "core/log/ranges.h"

#include <algorithm>

namespace flux::log {

void Ranges::add(Range range) {
  if (range.from >= range.to) return;
  // The first range that touches the new one, and the first after it that does not.
  const auto first = std::lower_bound(ranges_.begin(), ranges_.end(), range.from,
                                      [](const Range& r, std::uint32_t at) { return r.to < at; });
  auto last = first;
  while (last != ranges_.end() && last->from <= range.to) {
    range.from = std::min(range.from, last->from);
    range.to = std::max(range.to, last->to);
    ++last;
  }
  if (first == last) {
    ranges_.insert(first, range);
  } else {
    *first = range;
    ranges_.erase(first + 1, last);
  }
}

bool Ranges::contains(Range range) const {
  if (range.from >= range.to) return true;
  const auto at = std::lower_bound(ranges_.begin(), ranges_.end(), range.to,
                                   [](const Range& r, std::uint32_t to) { return r.to < to; });
  return at != ranges_.end() && at->from <= range.from;
}

}  // namespace flux::log
