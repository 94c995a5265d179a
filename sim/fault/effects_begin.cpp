// What faults do at the moment they strike and heal, and at every tick between, beyond what
// recompute.cpp computes.

#include <algorithm>

#include <fmt/format.h>

#include "core/base/check.h"
#include "sim/fault/injector.h"

namespace flux::sim {
namespace {

constexpr Duration kMemoryLook = milliseconds(5);
// A disk without any room would not even hold its directories.
constexpr std::uint64_t kCapacityMin = 4096;

Region region_of(std::int64_t number) {
  switch (number) {
    case 1:
      return Region::head;
    case 2:
      return Region::last_synced;
    case 3:
      return Region::last_synced_head;
    default:
      return Region::anywhere;
  }
}

}  // namespace

// Faults that keep processes down until they heal.
bool Injector::holds(const Armed& armed) const {
  const std::string_view name = armed.row->name;
  return name == "kill" || name == "stop" || name.starts_with("power_cut") ||
         name == "restart_elsewhere" || name == "disk_lost" || name == "disk_old_image";
}

Injector::Outcome Injector::begin(Armed& armed) {
  const std::string_view group = armed.row->group;
  if (group == "network") return begin_network(armed);
  if (group == "process") return begin_process(armed);
  if (group == "clock") return begin_clock(armed);
  return begin_disk(armed);
}

Injector::Outcome Injector::begin_network(Armed& armed) {
  const std::string_view name = armed.row->name;
  if (name != "net_reset" && name != "net_half_open") return {.known = false};
  const Ratio share = ratio(static_cast<std::uint64_t>(parameter(armed, armed.row->first)), 1000);
  const Key what = armed.item.key().with(armed.strikes);
  std::vector<std::uint32_t> hosts;
  for (const auto& [from, to] : armed.struck.directions) hosts.push_back(from);
  std::ranges::sort(hosts);
  hosts.erase(std::ranges::unique(hosts).begin(), hosts.end());
  std::size_t hit = 0;
  for (const std::uint32_t host : hosts) {
    const std::string& address = ground_.hosts()[host].address;
    hit += name == "net_reset" ? ground_.network().reset_connections(address, 0, share, what)
                               : ground_.network().half_open(address, 0, share, what);
  }
  return {hit != 0, fmt::format("{} connections", hit)};
}

Injector::Outcome Injector::begin_process(Armed& armed) {
  const std::string_view name = armed.row->name;
  const Struck& struck = armed.struck;
  if (name == "stop") {
    for (const std::uint32_t p : struck.processes) ground_.hold_in_order(p);
  } else if (name == "kill") {
    for (const std::uint32_t p : struck.processes) ground_.hold(p, Exit::killed);
  } else if (name.starts_with("power_cut") || name == "restart_elsewhere") {
    for (const std::uint32_t host : struck.hosts) ground_.power_cut(host);
    if (name != "restart_elsewhere") return {};
    for (const std::uint32_t host : struck.hosts) ground_.move(host);
  } else if (name == "twin") {
    for (const std::uint32_t p : struck.processes) armed.twins.push_back(ground_.start_twin(p));
  } else if (name == "memory_limit") {
    begin_memory_limit(armed);
  } else {
    return {.known = false};
  }
  return {};
}

void Injector::begin_memory_limit(Armed& armed) {
  const auto room = static_cast<std::size_t>(parameter(armed, armed.row->first)) * 1024;
  armed.limits.clear();
  for (const std::uint32_t p : armed.struck.processes) {
    armed.limits.push_back(ground_.processes()[p].process->heap_bytes() + room);
  }
}

Injector::Outcome Injector::begin_clock(Armed& armed) {
  const std::string_view name = armed.row->name;
  const std::int64_t amount = parameter(armed, armed.row->first);
  armed.stepped = {};
  if (name == "clock_skew") step_clock(armed, milliseconds(amount));
  if (name == "clock_jump") step_clock(armed, seconds(amount));
  return {.known = name == "clock_skew" || name == "clock_jump"};
}

void Injector::step_clock(Armed& armed, Duration by) {
  armed.stepped += by;
  for (const std::uint32_t p : armed.struck.processes) {
    Process& process = *ground_.processes()[p].process;
    process.clock().jump_wall(by);
    tell_clock(process);
  }
}

// What it still does in the turn that it is in was done by the clock of before.
void Injector::tell_clock(const Process& process) {
  const Time at = process.busy_until();
  const ClockModel& clock = process.clock();
  observer_.clock_changed({.at = at,
                           .process = process.index(),
                           .ahead = clock.wall(at) - clock.true_wall(at),
                           .drift_ppb = clock.drift_ppb()});
}

Injector::Outcome Injector::begin_disk(Armed& armed) {
  const std::string_view name = armed.row->name;
  if (name == "rot" || name == "latent_error") return spoil(armed);
  if (name == "disk_lost") {
    for (const std::uint32_t host : armed.struck.hosts) {
      ground_.power_cut(host);
      ground_.hosts()[host].disk->wipe();
    }
  } else if (name == "disk_full") {
    begin_disk_full(armed);
  } else if (name == "disk_old_image") {
    armed.images.clear();
    for (const std::uint32_t host : armed.struck.hosts) {
      armed.images.push_back(ground_.hosts()[host].disk->image().snapshot());
    }
  } else {
    return {.known = false};
  }
  return {};
}

void Injector::begin_disk_full(Armed& armed) {
  const auto left = static_cast<std::uint64_t>(parameter(armed, armed.row->first)) * 1024;
  armed.limits.assign(ground_.hosts().size(), 0);
  for (const std::uint32_t host : armed.struck.hosts) {
    DiskImage& image = ground_.hosts()[host].disk->image();
    const env::Space space = image.space(ground_.world().now());
    const std::uint64_t used = space.total_bytes - std::min(space.free_bytes, space.total_bytes);
    armed.limits[host] = std::max(used + left, kCapacityMin);
  }
}

// The image was taken `age` ago; now the machine goes down and wakes up with it.
void Injector::bring_back(Armed& armed) {
  for (std::size_t i = 0; i < armed.struck.hosts.size(); ++i) {
    ground_.power_cut(armed.struck.hosts[i]);
    if (i < armed.images.size()) {
      ground_.hosts()[armed.struck.hosts[i]].disk->restore(armed.images[i]);
    }
  }
  armed.images.clear();
}

Injector::Outcome Injector::spoil(Armed& armed) {
  FaultTarget target;
  target.path = armed.struck.pattern;
  target.region = region_of(parameter(armed, armed.row->first));
  const Key occasion = armed.item.key().with(armed.strikes);
  std::string where;
  for (const std::uint32_t host : armed.struck.hosts) {
    DiskImage& image = ground_.hosts()[host].disk->image();
    const std::optional<FaultHit> hit = armed.row->name == "rot"
                                            ? image.rot(target, occasion)
                                            : image.make_unreadable(target, occasion);
    if (!hit) continue;
    where += fmt::format("{}{} bytes {} to {}", where.empty() ? "" : ", ", hit->path,
                         hit->range.begin, hit->range.end);
  }
  if (where.empty()) return {false, fmt::format("no file like {}", target.path)};
  return {true, where};
}

void Injector::finish(Armed& armed) {
  const std::string_view name = armed.row->name;
  const Struck& struck = armed.struck;
  if (name == "kill" || name == "stop") {
    for (const std::uint32_t p : struck.processes) ground_.release(p);
  } else if (holds(armed)) {
    // An old image that was never brought back holds nothing down.
    if (name == "disk_old_image" && !armed.images.empty()) return armed.images.clear();
    for (const std::uint32_t host : struck.hosts) ground_.power_on(host);
  } else if (name == "twin") {
    for (const std::uint32_t twin : armed.twins) ground_.end_twin(twin);
    armed.twins.clear();
  } else if (name == "clock_jump" || name == "clock_step") {
    step_clock(armed, Duration() - armed.stepped);
  }
}

Duration Injector::tick_period(const Armed& armed) const {
  const std::string_view name = armed.row->name;
  if (name == "memory_limit") return kMemoryLook;
  if (name == "timers_early") return milliseconds(parameter(armed, armed.row->first));
  if (name == "clock_step") return milliseconds(parameter(armed, armed.row->second));
  if (name == "disk_old_image" && !armed.images.empty()) {
    return milliseconds(parameter(armed, armed.row->first));
  }
  return {};
}

void Injector::tick(std::uint32_t index) {
  Armed& armed = items_[index];
  const std::string_view name = armed.row->name;
  if (name == "memory_limit") {
    enforce_memory_limit(armed);
  } else if (name == "timers_early") {
    for (const std::uint32_t p : armed.struck.processes) {
      if (!ground_.processes()[p].process->paused()) ground_.processes()[p].process->force_timer();
    }
  } else if (name == "clock_step") {
    step_clock(armed, milliseconds(parameter(armed, armed.row->first)));
  } else if (name == "disk_old_image") {
    bring_back(armed);
    tell(armed, FaultPhase::struck, "the old image is there now");
  }
  if (tick_period(armed).ns() > 0) schedule(index, Act::tick, tick_period(armed));
}

void Injector::enforce_memory_limit(Armed& armed) {
  for (std::size_t i = 0; i < armed.struck.processes.size(); ++i) {
    const std::uint32_t p = armed.struck.processes[i];
    Process& process = *ground_.processes()[p].process;
    if (!process.alive() || process.heap_bytes() <= armed.limits[i]) continue;
    tell(armed, FaultPhase::struck, fmt::format("killed {} at its limit", process.name()));
    // As the kernel does: killed, and started again by whoever supervises it.
    process.end(Exit::killed);
  }
}

}  // namespace flux::sim
