// Pace: how whoever has messages read or written learns of the work, bit by bit.
//
// A frame may hold a million elements: the task that takes it apart, or puts its answer together,
// has to let others run meanwhile, and to ask for the memory before it is taken. net/wire knows no
// tasks; it calls a Pace, which may suspend.
#pragma once

#include <cstddef>

#include "core/base/result.h"

namespace flux::wire {

// What an element of an array counts as, beside the bytes of its strings.
inline constexpr std::size_t kElementWork = 64;
// About what is done between two calls: messages of less work never call.
inline constexpr std::size_t kPaceWork = std::size_t{16} << 10;

class Pace {
 public:
  virtual ~Pace() = default;
  // So much was done since the last call, in bytes.
  virtual void worked(std::size_t work) = 0;
  // What is read takes `memory` by now, more than Reader was told to take unasked. Called once,
  // before the memory is taken. An error fails the message.
  virtual Result<void> outgrown(std::size_t memory) = 0;
};

}  // namespace flux::wire
