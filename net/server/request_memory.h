// RequestMemory: the memory that requests may take, all connections together.
//
// Small, middling and giant frames have a share each, so that none waits behind larger ones. A
// frame has its place in its share before its bytes are read: whoever is let in can be read to the
// end, and frames that are half there never wait for one another.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/sync/semaphore.h"

namespace flux::server {

class RequestMemory {
 public:
  static constexpr std::size_t kSmallMax = std::size_t{64} << 10;
  // A batch as large as producers make them by default (1 MiB), and what stands around it.
  static constexpr std::size_t kMiddlingMax = std::size_t{2} << 20;

  struct Share {
    explicit Share(std::size_t size) : bytes(size), free(size) {}
    std::size_t bytes;
    sync::Semaphore free;
    // What a frame of this size takes: one that is larger than the share has it to itself.
    std::size_t taken_by(std::size_t frame_size) const { return std::min(frame_size, bytes); }
  };

  explicit RequestMemory(std::size_t bytes)
      : small_(bytes / 8), middling_(bytes / 8 * 3), giant_(bytes / 2) {}

  std::uint64_t bytes() const { return small_.bytes + middling_.bytes + giant_.bytes; }
  std::uint64_t taken() const {
    return bytes() - small_.free.free() - middling_.free.free() - giant_.free.free();
  }

  Share& share_of(std::size_t frame_size) {
    if (frame_size <= kSmallMax) return small_;
    return frame_size <= kMiddlingMax ? middling_ : giant_;
  }

 private:
  Share small_;
  Share middling_;
  Share giant_;
};

}  // namespace flux::server
