// A request's bytes, and the share of the server's memory that they take.
#pragma once

#include <memory>
#include <new>

#include "core/base/bytes.h"
#include "net/server/request_memory.h"

namespace flux::server {

// Gives its share back when it ends. Whoever still needs the bytes (a batch that waits for the
// disk) holds it.
class Frame {
 public:
  Frame(RequestMemory& memory, std::size_t size) : memory_(memory.share_of(size)), size_(size) {}
  ~Frame() {
    if (bytes_) memory_.free.release(memory_.taken_by(size_));
  }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  // Waits until there is room for all of it; then bytes() is as large, and unset: a length alone
  // takes addresses but no memory, which comes with the bytes that arrive.
  Result<void> admit(env::Task& task) {
    TRY(memory_.free.acquire(task, memory_.taken_by(size_)));
    bytes_.reset(new (std::nothrow) std::byte[size_]);
    if (bytes_) return {};
    memory_.free.release(memory_.taken_by(size_));
    return fail(ErrorCode::out_of_memory);
  }
  // Others of its kind wait for room.
  bool crowded() const { return memory_.free.awaited(); }

  // Nothing before it is admitted.
  MutBytes bytes() { return {bytes_.get(), bytes_ ? size_ : 0}; }
  std::size_t size() const { return size_; }
  // The writable form of a view into this frame.
  MutBytes writable(ByteView inside) {
    return bytes().subspan(static_cast<std::size_t>(inside.data() - bytes_.get()), inside.size());
  }

 private:
  RequestMemory::Share& memory_;
  std::size_t size_;
  std::unique_ptr<std::byte[]> bytes_;  // null until it is admitted
};

}  // namespace flux::server
