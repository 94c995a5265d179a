// Copies between byte buffers by memcpy. The containers' own ways go byte by byte, since the
// allocator of Bytes has a construct() of its own, and a disk does little else than copy.
#pragma once

#include <algorithm>
#include <cstring>

#include "core/base/bytes.h"

namespace flux::sim {

inline void set_bytes(Bytes& to, ByteView from) {
  to.clear();
  to.resize(from.size());
  if (!from.empty()) std::memcpy(to.data(), from.data(), from.size());
}

inline Bytes copy_bytes(ByteView from) {
  Bytes out;
  set_bytes(out, from);
  return out;
}

// New bytes are unset, as with resize().
inline void grow_bytes(Bytes& bytes, std::size_t size) {
  if (size > bytes.capacity()) {
    Bytes larger;
    larger.reserve(std::max(size, 2 * bytes.capacity()));
    set_bytes(larger, bytes);
    bytes.swap(larger);
  }
  bytes.resize(size);
}

inline void add_bytes(Bytes& to, ByteView from) {
  if (from.empty()) return;
  const std::size_t before = to.size();
  grow_bytes(to, before + from.size());
  std::memcpy(to.data() + before, from.data(), from.size());
}

inline void drop_front(Bytes& bytes, std::size_t count) {
  const std::size_t left = bytes.size() - count;
  if (left != 0) std::memmove(bytes.data(), bytes.data() + count, left);
  bytes.resize(left);
}

}  // namespace flux::sim
