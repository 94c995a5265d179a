// What a power cut leaves of one file's unsynced changes: a pure function of the draws.
//
// The unit is the sector. Since the last sync a sector has had a row of versions, one for each
// change that touched it; after the cut it holds one of them, which one is drawn under the file's
// survival mode. So a write is torn at sectors only, writes to different sectors are reordered
// freely, and no sector ever holds what it never held. The size is a version too, drawn with the
// data or apart from it. What a sector gained beyond the durable size reads as zeros when its data
// is gone, or as bytes of a removed file.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/keyed.h"
#include "sim/env/disk_faults.h"
#include "sim/env/disk_omen.h"
#include "sim/world/decisions.h"

namespace flux::sim {

// One write or truncate, oldest first. A truncate has no data: its range reads as zeros.
struct PendingChange {
  ByteRange range;
  const std::byte* data = nullptr;
  std::uint64_t size_after = 0;
  bool written_back = false;  // no version before this one can come back
};

struct Survivor {
  Bytes content;
  ByteRanges lost;  // of what was written
};

// `stale` is what removed files left on the device; `cut` names the file and the power cut.
Survivor survive(ByteView durable, std::span<const PendingChange> changes,
                 const PowerCutHabits& habits, ByteView stale, Key cut, Decisions& decisions);

}  // namespace flux::sim
