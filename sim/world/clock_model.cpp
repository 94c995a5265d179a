#include "sim/world/clock_model.h"

#include "core/base/check.h"

namespace flux::sim {
namespace {
__extension__ using Wide = __int128;
constexpr std::int64_t kBillion = 1'000'000'000;
}  // namespace

ClockModel::ClockModel(Time now, Instant start, WallTime wall)
    : base_(now),
      local_base_(start),
      wall_base_(wall - Duration(start.ns())),
      true_wall_base_(wall - Duration(now.ns())) {}

Instant ClockModel::local(Time now) const {
  const std::int64_t passed = (now - base_).ns();
  if (drift_ppb_ == 0) [[likely]]
    return local_base_ + Duration(passed);
  const Wide scaled = static_cast<Wide>(passed) * (kBillion + drift_ppb_) / kBillion;
  return local_base_ + Duration(static_cast<std::int64_t>(scaled));
}

Time ClockModel::world(Instant local, Time now) const {
  if (local == Instant::max()) return Time::max();
  const std::int64_t ahead = (local - local_base_).ns();
  Time at = base_ + Duration(ahead);
  if (drift_ppb_ != 0) {
    const Wide rate = kBillion + drift_ppb_;
    const Wide scaled = (static_cast<Wide>(ahead) * kBillion + rate - 1) / rate;
    at = base_ + Duration(static_cast<std::int64_t>(scaled));
  }
  return at < now ? now : at;
}

WallTime ClockModel::wall(Time now) const { return wall_base_ + Duration(local(now).ns()); }

void ClockModel::set_drift(std::int64_t ppb, Time now) {
  CHECK(ppb >= -kBillion / 2 && ppb <= kBillion / 2);
  local_base_ = local(now);
  base_ = now;
  drift_ppb_ = ppb;
}

}  // namespace flux::sim
