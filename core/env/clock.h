// Clock: the two clocks of one node.
//
// The monotonic clock never steps back but may run fast or slow against other nodes; every timeout
// is measured on it. The wall clock may jump either way; it stamps records and judges retention by
// age, and nothing else may depend on it.
#pragma once

#include "core/base/time.h"

namespace flux::env {

class Clock {
 public:
  virtual ~Clock() = default;

  virtual Instant now() = 0;
  virtual WallTime wall_now() = 0;
};

}  // namespace flux::env
