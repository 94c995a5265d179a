// RequestMemory: the memory that requests and their answers may take, all connections together.
//
// Tiny, small, middling and giant frames have a share each, so that none waits behind larger ones.
// A frame has its place in its share before its bytes are read: whoever is let in can be read to
// the end, and frames that are half there never wait for one another.
//
// What requests unfold to has another share (claim.h). Small answers wait for nothing, but when
// they are many, no connection begins a request before its clients took what it was answered.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/sync/semaphore.h"

namespace flux::server {

class RequestMemory {
 public:
  // What asks for little, as a client does that has just come.
  static constexpr std::size_t kTinyMax = std::size_t{4} << 10;
  static constexpr std::size_t kSmallMax = std::size_t{64} << 10;
  // A batch as large as producers make them by default (1 MiB), and what stands around it.
  static constexpr std::size_t kMiddlingMax = std::size_t{2} << 20;

  struct Share {
    explicit Share(std::size_t size) : bytes(size), free(size) {}
    std::size_t bytes;
    sync::Semaphore free;
    // What a frame of this size takes: one that is larger than the share has it to itself.
    std::size_t taken_by(std::size_t frame_size) const { return std::min(frame_size, bytes); }
    std::uint64_t taken() const { return bytes - free.free(); }
  };

  explicit RequestMemory(std::size_t bytes)
      : tiny_(bytes / 16),
        small_(bytes / 16),
        middling_(bytes / 4),
        giant_(bytes / 4),
        unfolded_(bytes / 4),
        answers_max_(bytes / 8) {}

  std::uint64_t bytes() const {
    return tiny_.bytes + small_.bytes + middling_.bytes + giant_.bytes + unfolded_.bytes +
           answers_max_;
  }
  std::uint64_t taken() const {
    return tiny_.taken() + small_.taken() + middling_.taken() + giant_.taken() + unfolded_.taken() +
           answers_;
  }

  Share& share_of(std::size_t frame_size) {
    if (frame_size <= kTinyMax) return tiny_;
    if (frame_size <= kSmallMax) return small_;
    return frame_size <= kMiddlingMax ? middling_ : giant_;
  }
  Share& unfolded() { return unfolded_; }

  // Small answers that wait to be taken.
  void hold_answer(std::size_t bytes) { answers_ += bytes; }
  void let_go_answer(std::size_t bytes) {
    CHECK_GE(answers_, bytes);
    answers_ -= bytes;
  }
  // Others wait for what frames take.
  bool frames_crowded() const {
    return tiny_.free.awaited() || small_.free.awaited() || middling_.free.awaited() ||
           giant_.free.awaited();
  }
  // Others wait for what answers take.
  bool answers_crowded() const { return unfolded_.free.awaited() || answers_ >= answers_max_; }

 private:
  Share tiny_;
  Share small_;
  Share middling_;
  Share giant_;
  Share unfolded_;
  std::size_t answers_max_;
  std::size_t answers_ = 0;
};

}  // namespace flux::server
