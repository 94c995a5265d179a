// Omens: what a simulated disk did to the bytes of its files, told as it happens.
//
// From these the contract oracle knows which disk still holds what: `synced` gives a holder,
// `lost`, `rotted`, `phantom` and their like take one away, `mended` gives it back. An omen tells
// of the truth, never of what a node was told. Ranges are in bytes of the file; a path is the
// file's name as its last user knows it.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/keyed.h"
#include "core/base/strong.h"
#include "sim/env/byte_ranges.h"

namespace flux::sim {

// A file or directory of one disk image. Never used twice in one image.
using Inode = Strong<struct InodeTag, std::uint32_t>;
inline constexpr Inode kNoInode{0};

enum class OmenKind : std::uint8_t {
  // Of a file's bytes.
  written,       // in the page cache
  truncated,     // cut to begin; [begin, end) is gone from the cache
  synced,        // durable by a sync
  written_back,  // durable without one, found at a power cut
  write_failed,  // of this range, of which a part at the front may have been written before
  lied,          // a sync said so, and it is not durable
  dropped,       // a failed sync made it clean: no later sync covers it
  lost,          // was in the cache, and a power cut took it
  rotted,        // one bit is wrong
  unreadable,    // cannot be read until rewritten
  phantom,       // written, and never stored: what was there before is
  displaced,     // bytes of another write are there in place of the file's own
  misread,       // one read got other bytes; the file is as it was
  mended,        // a fault over this range is gone, by a rewrite or by healing
  // Of a file or directory as a whole.
  created,
  renamed,      // path is the new name
  removed,      // this name
  name_synced,  // its name is durable
  name_lost,    // a power cut took its name
  name_back,    // a power cut brought its name back
  resized,      // a power cut left it with size end
  // Of the whole disk; no file.
  power_cut,  // begins; what it took follows
  cache_dropped,
  wiped,
  rolled_back,  // an older image is there now
  healed,
};
std::string_view name_of(OmenKind kind);

struct Omen {
  OmenKind kind = OmenKind::written;
  Inode inode;
  std::string_view path;  // good for the length of the call
  ByteRange range;
};

class DiskObserver {
 public:
  virtual void foresee(const Omen& omen) = 0;

 protected:
  ~DiskObserver() = default;
};

}  // namespace flux::sim
