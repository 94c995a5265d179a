// A request's bytes, and the share of the server's memory that they take.
#pragma once

#include <memory>

#include "core/base/bytes.h"
#include "core/sync/semaphore.h"

namespace flux::server {

// Gives its share back when it ends. Whoever still needs the bytes (a batch that waits for the
// disk) holds it.
class Frame {
 public:
  explicit Frame(sync::Semaphore& memory) : memory_(memory) {}
  ~Frame() { memory_.release(share_); }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  // Makes room for `size` bytes in all, waiting for the server to have it.
  Result<void> grow(env::Task& task, std::size_t size) {
    if (size > share_) {
      if (auto got = memory_.acquire(task, size - share_); !got) return got;
      share_ = size;
    }
    bytes_.resize(size);
    return {};
  }

  MutBytes bytes() { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  // The writable form of a view into this frame.
  MutBytes writable(ByteView inside) {
    return MutBytes(bytes_).subspan(static_cast<std::size_t>(inside.data() - bytes_.data()),
                                    inside.size());
  }

 private:
  sync::Semaphore& memory_;
  std::size_t share_ = 0;
  Bytes bytes_;
};

}  // namespace flux::server
