// DiskOverlay: what is wrong with the medium under one file, kept apart from the file's true bytes,
// so that healing is forgetting.
//
// A blemish covers a range: a flipped bit, a range that cannot be read, or other bytes in place of
// the file's own (a write that was lost on its way or landed here by mistake). Hidden ones are
// masked by the page cache until it is dropped. Writing over a range mends it: the medium then
// holds what was written.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/bytes.h"
#include "sim/env/disk_omen.h"

namespace flux::sim {

class DiskOverlay {
 public:
  bool empty() const { return blemishes_.empty(); }

  void flip(std::uint64_t offset, std::byte mask, bool hidden);
  void make_unreadable(ByteRange range, bool hidden);
  void replace(std::uint64_t offset, ByteView bytes, bool hidden);

  // Makes `bytes`, read at `offset`, what the medium gives; false when part of it is unreadable.
  bool show(std::uint64_t offset, MutBytes bytes) const;

  // A write or a cut over `range`: adds what is no longer wrong to `mended`.
  void mend(ByteRange range, std::vector<ByteRange>& mended);
  // The page cache is gone.
  void reveal();

 private:
  enum class Kind : std::uint8_t { flip, unreadable, replaced };
  struct Blemish {
    Kind kind = Kind::flip;
    bool hidden = false;
    std::byte mask{};
    ByteRange range;
    Bytes bytes;  // replaced: as long as the range
  };

  std::vector<Blemish> blemishes_;  // later ones lie over earlier ones
};

}  // namespace flux::sim
