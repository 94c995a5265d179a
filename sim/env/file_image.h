// FileImage: the bytes of one file of a simulated disk, twice: what the page cache shows and what
// would be there after a power cut, with the changes between the two in order.
//
// Invariant: applying the pending changes, oldest first, to the durable bytes gives the cached
// ones, but for what is stranded: a sync failed and left its pages clean. That is saved by being
// written and synced again, and by nothing else.
//
// A file that was only appended to since its last sync keeps its durable bytes as a prefix of the
// cached ones, so that append and sync cost one copy; the first change below the durable size makes
// a copy of its own. Knows nothing of faults in the medium (disk_overlay.h) or of names.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/keyed.h"
#include "sim/env/disk_faults.h"
#include "sim/env/disk_omen.h"
#include "sim/env/disk_survival.h"
#include "sim/world/decisions.h"
#include "sim/world/time.h"

namespace flux::sim {

class FileImage {
 public:
  std::uint64_t size() const { return cache_.size(); }
  std::uint64_t durable_size() const { return split_ ? durable_.size() : durable_size_; }
  ByteView cached() const { return cache_; }
  ByteView durable() const { return split_ ? ByteView(durable_) : cached().first(durable_size_); }
  // Counts changes; 0 before the first. A sync covers the changes up to the one it saw.
  std::uint64_t newest() const { return sequence_; }
  std::uint64_t dirty_bytes() const { return dirty_bytes_; }
  std::size_t pending_changes() const { return pending_.size(); }
  // The newest change that is pending since `at` or longer; 0 for none.
  std::uint64_t last_before(Time at) const;

  // Up to into.size() bytes of the page cache; returns how many there are.
  std::size_t read(std::uint64_t offset, MutBytes into) const;
  void write(std::uint64_t offset, ByteView from, Time at);
  // Up or down.
  void truncate(std::uint64_t size, Time at);

  // Makes changes up to `through` durable; adds the ranges written by them to `settled`.
  void settle(std::uint64_t through, ByteRanges& settled);
  // The ranges that a sync of the changes up to `through` would make durable.
  void pending(std::uint64_t through, ByteRanges& ranges) const;
  // Makes their pages clean without storing them: they are stranded from then on.
  void strand(std::uint64_t through, ByteRanges& stranded);
  // Everything that the cache shows becomes durable.
  void settle_all();

  struct PowerCut {
    Key key;  // of this file and this cut
    Time at;
    const PowerCutHabits& habits;
    ByteView stale;
  };
  struct Outcome {
    ByteRanges written_back;
    ByteRanges lost;
    bool resized = false;
  };
  void power_cut(const PowerCut& cut, Decisions& decisions, Outcome& outcome);

  // As after a boot from an image with these bytes.
  void become(ByteView content);

 private:
  static constexpr std::size_t kNoData = ~std::size_t{0};
  struct Change {
    ByteRange range;
    std::uint64_t sequence = 0;
    std::uint64_t size_after = 0;
    std::size_t data = kNoData;  // where in data_; a truncate has none
    Time at;
  };

  void split();
  void push(const Change& change);
  void apply(const Change& change);
  std::size_t count_through(std::uint64_t sequence) const;
  void forget(std::size_t count);
  bool written_back(const Change& change, const PowerCut& cut, Decisions& decisions) const;

  Bytes cache_;
  bool split_ = false;
  std::uint64_t durable_size_ = 0;  // while not split
  Bytes durable_;                   // while split
  std::vector<Change> pending_;
  ByteRanges stranded_;  // all of it older than what is pending
  Bytes data_;           // of the pending writes, in their order
  std::uint64_t sequence_ = 0;
  std::uint64_t dirty_bytes_ = 0;
};

}  // namespace flux::sim
