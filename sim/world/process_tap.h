// ProcessTap: is shown all that one process is told by the world and does to it, in order, so that
// it can be written down and played alone (sim/replay). A tap may not change anything; the one that
// plays a record ends the process when it departs from it.
#pragma once

#include <cstdint>

#include "core/env/task.h"
#include "sim/world/seam.h"

namespace flux::sim {

class ProcessTap {
 public:
  enum class Told : std::uint8_t {
    end,   // from outside; value: Exit
    stop,  // in order
    pause,
    unpause,
    clock,  // value: the drift from now on, in parts per billion
    timer,  // the earliest timer goes off early
  };

  // A turn begins: its fibers have not run yet.
  virtual void turn(std::uint32_t slowdown) = 0;
  virtual void resumed(const env::Task& task) = 0;
  // It suspended or ended. False ends the turn.
  virtual bool suspended(const env::Task& task) = 0;
  virtual void charged(std::size_t bytes) = 0;
  virtual void passed(SeamKind kind, std::uint64_t a, std::uint64_t b, std::uint64_t digest) = 0;
  virtual void woken(env::TaskHandle task) = 0;
  virtual void told(Told what, std::int64_t value) = 0;

 protected:
  ~ProcessTap() = default;
};

}  // namespace flux::sim
