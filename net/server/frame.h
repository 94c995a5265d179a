// A request's bytes, and the share of the server's memory that they take.
#pragma once

#include <memory>

#include "core/base/bytes.h"
#include "net/server/request_memory.h"

namespace flux::server {

// Gives its share back when it ends. Whoever still needs the bytes (a batch that waits for the
// disk) holds it.
class Frame {
 public:
  Frame(RequestMemory& memory, std::size_t size) : memory_(memory.share_of(size)), whole_(size) {}
  ~Frame() {
    if (admitted_) memory_.free.release(memory_.taken_by(whole_));
  }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  // Until there is room for all of it.
  Result<void> admit(env::Task& task) {
    auto got = memory_.free.acquire(task, memory_.taken_by(whole_));
    admitted_ = got.has_value();
    return got;
  }
  // Others of its kind wait for room.
  bool crowded() const { return memory_.free.awaited(); }
  // Memory for `size` bytes of it, so that a length alone takes none.
  void grow(std::size_t size) {
    CHECK(admitted_);
    CHECK_LE(size, whole_);
    bytes_.resize(size);
  }

  MutBytes bytes() { return bytes_; }
  std::size_t whole() const { return whole_; }
  std::size_t size() const { return bytes_.size(); }
  // The writable form of a view into this frame.
  MutBytes writable(ByteView inside) {
    return MutBytes(bytes_).subspan(static_cast<std::size_t>(inside.data() - bytes_.data()),
                                    inside.size());
  }

 private:
  RequestMemory::Share& memory_;
  std::size_t whole_;
  bool admitted_ = false;
  Bytes bytes_;
};

}  // namespace flux::server
