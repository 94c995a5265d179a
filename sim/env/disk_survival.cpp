#include "sim/env/disk_survival.h"

#include <algorithm>
#include <cstring>

#include "core/base/check.h"

namespace flux::sim {
namespace {

enum class Mode : std::uint8_t { nothing, everything, prefix, subset, suffix };

// One change in one sector. Ranks count touches from the oldest change on.
struct Touch {
  std::uint64_t sector = 0;
  std::uint64_t rank = 0;
  std::size_t change = 0;
};

Mode draw_mode(const SurvivalWeights& w, Key cut, Decisions& decisions) {
  const std::uint64_t sum =
      std::uint64_t{w.nothing} + w.everything + w.prefix + w.subset + w.suffix;
  CHECK(sum != 0, "every survival mode has weight zero");
  std::uint64_t at = decisions.draw(cut.with("mode"), sum, "disk.cut.mode");
  if (at < w.nothing) return Mode::nothing;
  at -= w.nothing;
  if (at < w.everything) return Mode::everything;
  at -= w.everything;
  if (at < w.prefix) return Mode::prefix;
  return at - w.prefix < w.subset ? Mode::subset : Mode::suffix;
}

class Cut {
 public:
  Cut(ByteView durable, std::span<const PendingChange> changes, const PowerCutHabits& habits,
      ByteView stale, Key key, Decisions& decisions)
      : durable_(durable),
        changes_(changes),
        habits_(habits),
        stale_(stale),
        key_(key),
        decisions_(decisions),
        mode_(draw_mode(habits.survival, key, decisions)) {
    collect_touches();
    for (std::size_t i = 0; i < changes_.size(); ++i) {
      if (changes_[i].written_back) floor_ = i + 1;
    }
    if (mode_ == Mode::prefix || mode_ == Mode::suffix) {
      edge_ = decisions_.draw(key_.with("edge"), touches_.size() + 1, "disk.cut.edge");
    }
  }

  Survivor run() {
    const std::uint64_t size = draw_size();
    out_.content.resize(size);
    const std::uint64_t old = std::min<std::uint64_t>(size, durable_.size());
    if (old != 0) std::memcpy(out_.content.data(), durable_.data(), old);
    if (size > old) std::memset(out_.content.data() + old, 0, size - old);
    std::sort(touches_.begin(), touches_.end(), [](const Touch& a, const Touch& b) {
      return a.sector != b.sector ? a.sector < b.sector : a.rank < b.rank;
    });
    for (std::size_t i = 0; i < touches_.size();) {
      std::size_t end = i;
      while (end < touches_.size() && touches_[end].sector == touches_[i].sector) ++end;
      settle_sector({touches_.data() + i, end - i});
      i = end;
    }
    return std::move(out_);
  }

 private:
  ByteRange sector_range(std::uint64_t sector) const {
    return {sector * habits_.sector_bytes, (sector + 1) * habits_.sector_bytes};
  }
  static ByteRange overlap(ByteRange a, ByteRange b) {
    return {std::max(a.begin, b.begin), std::min(a.end, b.end)};
  }

  // A truncate touches the rest of the sector that it ends in and what later changes made part of
  // the file again: anything else that it cut off comes back or not with the size alone.
  void collect_touches() {
    std::vector<std::uint64_t> largest_later(changes_.size() + 1, 0);
    for (std::size_t i = changes_.size(); i-- > 0;) {
      largest_later[i] = std::max(largest_later[i + 1], changes_[i].size_after);
    }
    first_rank_.reserve(changes_.size() + 1);
    for (std::size_t i = 0; i < changes_.size(); ++i) {
      first_rank_.push_back(touches_.size());
      ByteRange range = changes_[i].range;
      if (!changes_[i].data) {
        const std::uint64_t sector_end = sector_range(range.begin / habits_.sector_bytes).end;
        range.end = std::min(range.end, std::max(largest_later[i], sector_end));
      }
      if (range.empty()) continue;
      const std::uint64_t last = (range.end - 1) / habits_.sector_bytes;
      for (std::uint64_t s = range.begin / habits_.sector_bytes; s <= last; ++s) {
        touches_.push_back({s, touches_.size(), i});
      }
    }
    first_rank_.push_back(touches_.size());
  }

  // Size as the file had it after the first `n` changes.
  std::uint64_t size_after(std::size_t n) const {
    return n == 0 ? durable_.size() : changes_[n - 1].size_after;
  }

  std::uint64_t draw_any_size() {
    const std::uint64_t above =
        decisions_.draw(key_.with("size"), changes_.size() - floor_ + 1, "disk.cut.size");
    return size_after(floor_ + above);
  }

  // A write that the edge of a prefix runs through has extended the file by what is kept of it.
  std::uint64_t prefix_size() const {
    std::size_t whole = 0;
    while (whole < changes_.size() && first_rank_[whole + 1] <= edge_) ++whole;
    if (whole < floor_) return size_after(floor_);
    if (whole == changes_.size() || !changes_[whole].data || first_rank_[whole] >= edge_) {
      return size_after(whole);
    }
    const ByteRange kept = sector_range(touches_[edge_ - 1].sector);
    return std::max(size_after(whole), std::min(changes_[whole].range.end, kept.end));
  }

  std::uint64_t draw_size() {
    // Before the touches are sorted: prefix_size() finds them by rank.
    if (decisions_.chance(key_.with("size_alone"), habits_.size_alone, "disk.cut.size_alone")) {
      return draw_any_size();
    }
    switch (mode_) {
      case Mode::nothing:
        return size_after(floor_);
      case Mode::everything:
      case Mode::suffix:
        return size_after(changes_.size());
      case Mode::prefix:
        return prefix_size();
      case Mode::subset:
        return draw_any_size();
    }
    UNREACHABLE("a survival mode");
  }

  // How many of the sector's touches, oldest first, the sector has seen.
  std::size_t draw_version(std::span<const Touch> touches) {
    std::size_t least = 0;
    for (std::size_t i = 0; i < touches.size(); ++i) {
      if (changes_[touches[i].change].written_back) least = i + 1;
    }
    const std::size_t all = touches.size();
    switch (mode_) {
      case Mode::nothing:
        return least;
      case Mode::everything:
        return all;
      case Mode::prefix: {
        std::size_t kept = 0;
        while (kept < all && touches[kept].rank < edge_) ++kept;
        return std::max(kept, least);
      }
      case Mode::suffix:
        return touches.back().rank >= edge_ ? all : least;
      case Mode::subset:
        return least + decisions_.draw(key_.with("sector").with(touches[0].sector), all - least + 1,
                                       "disk.cut.sector");
    }
    UNREACHABLE("a survival mode");
  }

  void settle_sector(std::span<const Touch> touches) {
    const std::size_t version = draw_version(touches);
    const ByteRange file{0, out_.content.size()};
    const ByteRange sector = overlap(sector_range(touches[0].sector), file);
    if (version == 0) leave_old(touches[0].sector, sector);
    for (std::size_t i = 0; i < touches.size(); ++i) {
      const PendingChange& change = changes_[touches[i].change];
      const ByteRange whole = overlap(change.range, sector_range(touches[0].sector));
      const ByteRange kept =
          i < version ? overlap(whole, file) : ByteRange{whole.begin, whole.begin};
      if (!kept.empty()) {
        std::byte* to = out_.content.data() + kept.begin;
        if (change.data) {
          std::memcpy(to, change.data + (kept.begin - change.range.begin), kept.size());
        } else {
          std::memset(to, 0, kept.size());
        }
      }
      if (!change.data) continue;
      add_range(out_.lost, {kept.empty() ? whole.begin : kept.end, whole.end});
    }
  }

  void leave_old(std::uint64_t sector, ByteRange inside) {
    const ByteRange gained{std::max<std::uint64_t>(inside.begin, durable_.size()), inside.end};
    if (gained.empty() || stale_.empty()) return;
    const Key key = key_.with("stale").with(sector);
    if (!decisions_.chance(key, habits_.stale_sector, "disk.cut.stale")) return;
    std::uint64_t from = decisions_.draw(key.with("from"), stale_.size(), "disk.cut.stale_from");
    for (std::uint64_t at = gained.begin; at < gained.end; ++at) {
      out_.content[at] = stale_[from];
      if (++from == stale_.size()) from = 0;
    }
  }

  ByteView durable_;
  std::span<const PendingChange> changes_;
  const PowerCutHabits& habits_;
  ByteView stale_;
  Key key_;
  Decisions& decisions_;
  Mode mode_;
  std::size_t floor_ = 0;   // changes that are part of every version left
  std::uint64_t edge_ = 0;  // rank at which a prefix ends or a suffix begins
  std::vector<Touch> touches_;
  std::vector<std::uint64_t> first_rank_;
  Survivor out_;
};

}  // namespace

Survivor survive(ByteView durable, std::span<const PendingChange> changes,
                 const PowerCutHabits& habits, ByteView stale, Key cut, Decisions& decisions) {
  CHECK(habits.sector_bytes != 0);
  return Cut(durable, changes, habits, stale, cut, decisions).run();
}

}  // namespace flux::sim
