#include "sim/env/disk_overlay.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/check.h"

namespace flux::sim {

void DiskOverlay::flip(std::uint64_t offset, std::byte mask, bool hidden) {
  CHECK(mask != std::byte{});
  blemishes_.push_back({Kind::flip, hidden, mask, {offset, offset + 1}, {}});
}

void DiskOverlay::make_unreadable(ByteRange range, bool hidden) {
  CHECK(!range.empty());
  blemishes_.push_back({Kind::unreadable, hidden, {}, range, {}});
}

void DiskOverlay::replace(std::uint64_t offset, ByteView bytes, bool hidden) {
  CHECK(!bytes.empty());
  blemishes_.push_back(
      {Kind::replaced, hidden, {}, {offset, offset + bytes.size()}, to_bytes(bytes)});
}

bool DiskOverlay::show(std::uint64_t offset, MutBytes bytes) const {
  const ByteRange asked{offset, offset + bytes.size()};
  bool readable = true;
  for (const Blemish& blemish : blemishes_) {
    if (blemish.hidden || !blemish.range.touches(asked)) continue;
    const std::uint64_t begin = std::max(blemish.range.begin, asked.begin);
    const std::uint64_t end = std::min(blemish.range.end, asked.end);
    switch (blemish.kind) {
      case Kind::flip:
        bytes[begin - offset] ^= blemish.mask;
        break;
      case Kind::unreadable:
        readable = false;
        break;
      case Kind::replaced:
        std::memcpy(bytes.data() + (begin - offset),
                    blemish.bytes.data() + (begin - blemish.range.begin), end - begin);
        break;
    }
  }
  return readable;
}

void DiskOverlay::mend(ByteRange range, std::vector<ByteRange>& mended) {
  if (blemishes_.empty() || range.empty()) return;
  std::vector<Blemish> left;
  for (Blemish& blemish : blemishes_) {
    if (!blemish.range.touches(range)) {
      left.push_back(std::move(blemish));
      continue;
    }
    const ByteRange whole = blemish.range;
    mended.push_back({std::max(whole.begin, range.begin), std::min(whole.end, range.end)});
    const auto keep = [&](std::uint64_t begin, std::uint64_t end) {
      if (begin >= end) return;
      Blemish part{blemish.kind, blemish.hidden, blemish.mask, {begin, end}, {}};
      if (blemish.kind == Kind::replaced) {
        const ByteView all(blemish.bytes);
        part.bytes = to_bytes(all.subspan(begin - whole.begin, end - begin));
      }
      left.push_back(std::move(part));
    };
    keep(whole.begin, range.begin);
    keep(range.end, whole.end);
  }
  blemishes_ = std::move(left);
}

void DiskOverlay::reveal() {
  for (Blemish& blemish : blemishes_) blemish.hidden = false;
}

}  // namespace flux::sim
