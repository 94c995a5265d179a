// ClockModel: how one node's clocks relate to the world's time.
//
// The monotonic clock runs at a rate near 1 (drift in parts per billion) and never steps back. The
// wall clock is the monotonic clock plus an offset that may jump. Changing the rate re-bases the
// model, so that local time is continuous. Not thread safe; integers only.
#pragma once

#include "core/base/time.h"
#include "sim/world/time.h"

namespace flux::sim {

class ClockModel {
 public:
  // Local monotonic time starts at `start`, an arbitrary number, as after a boot.
  ClockModel(Time now, Instant start, WallTime wall);

  Instant local(Time now) const;
  // The first world time at which local() has reached `local`; now or later.
  Time world(Instant local, Time now) const;
  WallTime wall(Time now) const;

  std::int64_t drift_ppb() const { return drift_ppb_; }
  // Within +-500,000,000: at least half and at most one and a half times the true speed.
  void set_drift(std::int64_t ppb, Time now);
  void jump_wall(Duration by) { wall_base_ = wall_base_ + by; }
  WallTime true_wall(Time now) const { return true_wall_base_ + Duration(now.ns()); }

 private:
  Time base_;
  Instant local_base_;
  WallTime wall_base_;       // wall time when local monotonic time was 0
  WallTime true_wall_base_;  // wall time of a perfect clock at world time 0
  std::int64_t drift_ppb_ = 0;
};

}  // namespace flux::sim
