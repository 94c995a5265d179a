// Journal: the probe's file, and what it holds.
//
// An entry is a length (4 bytes, of value), a CRC-32C (4) of all that follows, client and number of
// the value (8 each), the value. An append is answered after a sync. On opening, everything behind
// the first entry that does not verify is cut off as a torn tail: right for power cuts, and wrong
// for rot, which the probe does not claim to bear. One journal belongs to one node.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/env/disk.h"
#include "core/sync/mutex.h"
#include "sim/probe/wire.h"

namespace flux::sim::probe {

// Planted bugs, by the scenario's broker_config.
struct Bugs {
  bool no_sync = false;      // answers without a sync
  bool no_crc = false;       // takes a torn tail for entries
  bool no_dedup = false;     // a retry is appended twice
  bool no_dir_sync = false;  // the file's name is not made durable
};

class Journal {
 public:
  explicit Journal(const Bugs& bugs) : bugs_(bugs) {}

  Result<void> open(env::Task& task, env::Disk& disk, const std::string& path);
  // The index of the entry; the same as before for a value that is there already.
  Result<std::uint64_t> append(env::Task& task, const Frame& request);
  Result<Frame> read(env::Task& task, std::uint64_t index);
  std::uint64_t entries() const { return entries_.size(); }
  std::uint64_t cut_bytes() const { return cut_bytes_; }

 private:
  struct Entry {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
  };
  Result<void> recover(env::Task& task);
  void take(ByteView entry, std::uint64_t offset);

  Bugs bugs_;
  std::unique_ptr<env::File> file_;
  sync::Mutex writing_;
  std::vector<Entry> entries_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> index_;
  std::uint64_t end_ = 0;
  std::uint64_t cut_bytes_ = 0;
  bool broken_ = false;  // a sync failed: nothing is appended until the next start
};

}  // namespace flux::sim::probe
