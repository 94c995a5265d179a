// What a simulated disk can do to the files of a machine: the habits of one disk (chances, limits,
// speed, what a power cut leaves) and the faults that a scenario orders one by one.
//
// Only integers and Ratios. A chance that is zero draws nothing, so that a fault which is off takes
// no part in a run. docs/simulator_disk.md says in plain words what each of them means, what a node
// sees of it and what heals it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/ratio.h"
#include "core/base/time.h"

namespace flux::sim {

// What a power cut leaves of the names that no sync_directory covered.
enum class NameLoss : std::uint8_t {
  ordered,   // as a journal does (ext4): a prefix, and any sync commits every name before it
  anything,  // each operation alone
};

// How much of a file's unsynced data a power cut leaves; drawn per file in these proportions.
struct SurvivalWeights {
  std::uint32_t nothing = 2;
  std::uint32_t everything = 2;
  std::uint32_t prefix = 4;  // the oldest writes, the last of them torn
  std::uint32_t subset = 4;  // each sector alone: this is tearing and reordering
  std::uint32_t suffix = 1;  // only the newest writes
};

struct PowerCutHabits {
  SurvivalWeights survival;
  // The unit that is written whole or not at all: 512, or 4096 for drives with large sectors.
  std::uint32_t sector_bytes = 512;
  // The size survives on its own, apart from the data: a tail that nobody wrote, or one cut off.
  Ratio size_alone = ratio(1, 4);
  // Of a sector that the file had gained and whose data is gone: bytes of a removed file, not
  // zeros.
  Ratio stale_sector;
  NameLoss names = NameLoss::anything;
  // Of each unsynced name operation, with `anything`.
  Ratio name_kept = ratio(1, 2);
  // Unsynced operations that the system wrote back by itself before the cut, and how late at most.
  Ratio write_back = ratio(1, 2);
  Duration write_back_max = seconds(30);
};

// Chances for each operation named.
struct DiskChances {
  Ratio read_error;
  Ratio write_error;        // any part of the write may be there
  Ratio sync_error;         // once: the pages are then clean, and no later sync covers them
  Ratio name_error;         // of creating, renaming, removing, listing, syncing a directory
  Ratio lying_sync;         // answers that all is well and makes nothing durable
  Ratio phantom_write;      // answered, and never stored
  Ratio misdirected_write;  // stored at another place of this disk
  Ratio misdirected_read;   // this read alone gets bytes of another place
  Ratio rot;                // of a write: one bit of it will be wrong
  Ratio latent_error;       // of a write: one sector of it cannot be read until it is rewritten
  // Of a fault in what a node has just written: the page cache hides it until the cache is dropped.
  Ratio hidden_by_cache = ratio(1, 2);
  // A sync also covers writes that were made after it was called.
  Ratio sync_covers_later = ratio(1, 2);
};

struct DiskLimits {
  std::uint64_t capacity_bytes = std::uint64_t{1} << 34;
  // Space that others on the machine take and give back: uniform up to this, anew each period.
  std::uint64_t drift_bytes_max = 0;
  Duration drift_period = seconds(10);
  std::uint32_t open_files_max = 0;  // of one process; 0: no limit
};

struct LatencyRange {
  Duration min;
  Duration max;
};

struct DiskSpeed {
  LatencyRange read_cached = {microseconds(1), microseconds(10)};
  LatencyRange read_device = {microseconds(60), microseconds(400)};
  Ratio cache_miss = ratio(1, 16);
  LatencyRange write = {microseconds(1), microseconds(20)};  // into the page cache
  LatencyRange sync = {microseconds(200), milliseconds(3)};
  LatencyRange name = {microseconds(5), microseconds(100)};
  Ratio tail = ratio(1, 1000);  // of an operation: it takes up to `tail_max` longer
  Duration tail_max = milliseconds(50);
  std::uint32_t operations_per_second = 0;  // of the device; 0: no limit
  std::uint64_t bytes_per_second = 0;
  std::uint32_t slowdown = 1;  // a stall: every latency times this
};

struct DiskHabits {
  PowerCutHabits power_cut;
  DiskChances chances;
  DiskLimits limits;
  DiskSpeed speed;
};

// A fault ordered for the operations to come: of those that match, `skip` pass and the next `count`
// are hit. With `skip` from 0 upwards this sweeps over every operation of a run.
enum class OrderedFault : std::uint8_t {
  read_error,
  write_error,
  sync_error,
  lying_sync,
  phantom_write,
  misdirected_write,
  misdirected_read,
  no_space,
  name_error,
};
std::string_view name_of(OrderedFault fault);

inline constexpr std::uint64_t kNoEnd = ~std::uint64_t{0};

struct FaultOrder {
  OrderedFault fault = OrderedFault::read_error;
  std::string path = "*";   // '*' stands for any run of characters
  std::uint64_t begin = 0;  // operations on bytes: only those that touch [begin, end)
  std::uint64_t end = kNoEnd;
  std::uint64_t skip = 0;
  std::uint64_t count = 1;
};

// Where an injected fault strikes. With several files to choose from, and several places in the
// region, both are drawn.
enum class Region : std::uint8_t {
  anywhere,
  head,              // the first `head_bytes` of the file
  last_synced,       // what the last sync of the file made durable
  last_synced_head,  // the first `head_bytes` of that
};

struct FaultTarget {
  std::string path = "*";
  Region region = Region::anywhere;
  std::uint64_t head_bytes = 61;  // a record batch's header
};

// '*' stands for any run of characters, '/' among them.
bool path_matches(std::string_view pattern, std::string_view path);

}  // namespace flux::sim
