// What the active faults make of links, habits, processes and disks: always computed from the state
// without faults, in the order of the plan.

#include <algorithm>

#include "sim/fault/injector.h"

namespace flux::sim {
namespace {

bool contains(const std::vector<std::uint32_t>& list, std::uint32_t value) {
  return std::ranges::find(list, value) != list.end();
}

Ratio permille(std::int64_t value) { return ratio(static_cast<std::uint64_t>(value), 1000); }

}  // namespace

void Injector::recompute() {
  recompute_links();
  recompute_habits();
  recompute_processes();
  recompute_disks();
}

void Injector::recompute_links() {
  const auto hosts = static_cast<std::uint32_t>(ground_.hosts().size());
  std::map<std::pair<std::uint32_t, std::uint32_t>, LinkRule> wanted;
  for (const auto& [direction, _] : touched_) wanted[direction] = base_rule_;
  const auto change = [&](const Armed& armed, std::uint32_t from, std::uint32_t to) {
    if (from == to) return;
    apply_link(armed, wanted.try_emplace({from, to}, base_rule_).first->second);
  };
  for (const Armed& armed : items_) {
    if (!armed.active) continue;
    const std::string_view name = armed.row->name;
    for (const auto& [from, to] : armed.struck.directions) change(armed, from, to);
    const bool cuts = name == "net_isolate" || name == "net_cut_class" || name == "metadata_lag";
    for (const std::uint32_t host : armed.struck.hosts) {
      for (std::uint32_t other = 0; cuts && other < hosts; ++other) {
        change(armed, host, other);
        change(armed, other, host);
      }
    }
    if (name != "net_partition") continue;
    // Each host takes a side by its own draw; one is always on the first.
    const auto share = static_cast<std::uint64_t>(parameter(armed, armed.row->first));
    std::vector<bool> first(hosts, false);
    for (std::uint32_t h = 0; h < hosts; ++h) {
      const Key side = armed.item.key().with(armed.strikes).with(ground_.hosts()[h].name);
      first[h] =
          h == 0 || ground_.world().decisions().chance(side, ratio(share, 100), "fault.partition");
    }
    for (std::uint32_t a = 0; a < hosts; ++a) {
      for (std::uint32_t b = 0; b < hosts; ++b) {
        if (first[a] != first[b]) change(armed, a, b);
      }
    }
  }
  for (const auto& [direction, rule] : wanted) {
    touched_[direction] = true;
    ground_.network().rule(ground_.hosts()[direction.first].address,
                           ground_.hosts()[direction.second].address) = rule;
  }
  if (!wanted.empty()) ground_.network().release();
}

bool Injector::lasts_somewhere(const Armed& armed) const {
  LinkRule rule;
  NetworkHabits network;
  ProcessState process;
  DiskState disk;
  const bool on_disk = armed.row->target == TargetClass::disk;
  return apply_link(armed, rule) || apply_habits(armed, network) || apply_process(armed, process) ||
         (on_disk && apply_disk(armed, 0, disk)) || (on_disk && apply_medium(armed, disk.habits)) ||
         tick_period(armed).ns() > 0;
}

bool Injector::apply_link(const Armed& armed, LinkRule& rule) const {
  const std::string_view name = armed.row->name;
  const std::int64_t amount = parameter(armed, armed.row->first);
  if (name == "net_tail") {
    rule.tail = permille(amount);
    rule.tail_max = milliseconds(parameter(armed, armed.row->second));
  } else if (name == "net_loss") {
    rule.loss = permille(amount);
  } else if (name == "net_duplicate") {
    rule.duplicate = permille(amount);
  } else if (name == "net_reorder") {
    rule.reorder = permille(amount);
  } else if (name == "net_slow") {
    rule.latency_max = std::max(rule.latency_max, milliseconds(amount));
    rule.latency_min = std::max(rule.latency_min, rule.latency_max / 2);
  } else if (name == "net_bandwidth") {
    rule.bytes_per_second = static_cast<std::uint64_t>(amount) * 1024;
  } else if (name == "net_black_hole") {
    rule.black_hole_above_bytes = static_cast<std::uint32_t>(amount);
  } else if (name == "net_cut_class" || name == "metadata_lag") {
    const std::int64_t kind = name == "metadata_lag" ? 2 : amount;
    for (const std::uint32_t p : armed.struck.processes) {
      const GroundProcess& process = ground_.processes()[p];
      const std::uint16_t port = kind == 0   ? process.data_port
                                 : kind == 1 ? process.control_port
                                             : process.metadata_port;
      if (port != 0) rule.blocked_port = port;
    }
  } else if (name == "net_one_way" || name == "net_clog" || name == "net_isolate" ||
             name == "net_partition") {
    rule.blocked = true;
  } else {
    return false;
  }
  return true;
}

bool Injector::apply_habits(const Armed& armed, NetworkHabits& habits) const {
  const std::string_view name = armed.row->name;
  const std::int64_t amount = parameter(armed, armed.row->first);
  if (name == "net_refused") {
    habits.connect_refused = permille(amount);
  } else if (name == "net_slow_accept") {
    habits.accept_delay_max = milliseconds(amount);
  } else if (name == "net_short_io") {
    habits.short_read = habits.short_write = permille(amount);
  } else if (name == "net_small_window") {
    habits.window_bytes = static_cast<std::uint32_t>(amount);
  } else {
    return false;
  }
  return true;
}

void Injector::recompute_habits() {
  NetworkHabits habits = base_habits_;
  for (const Armed& armed : items_) {
    if (armed.active) apply_habits(armed, habits);
  }
  ground_.network().habits() = habits;
}

bool Injector::apply_process(const Armed& armed, ProcessState& state) const {
  const std::string_view name = armed.row->name;
  const std::int64_t amount = parameter(armed, armed.row->first);
  if (name == "pause") {
    state.paused = true;
  } else if (name == "slow_cpu") {
    state.slowdown = std::max(state.slowdown, static_cast<std::uint32_t>(amount));
  } else if (name == "fd_limit") {
    state.sockets = static_cast<std::uint32_t>(amount);
  } else if (name == "clock_drift") {
    state.drift_ppb += amount * 1000;
  } else {
    return false;
  }
  return true;
}

void Injector::recompute_processes() {
  World& world = ground_.world();
  for (std::uint32_t p = 0; p < ground_.processes().size(); ++p) {
    Process& process = *ground_.processes()[p].process;
    if (base_drift_.size() <= p) base_drift_.push_back(process.clock().drift_ppb());
    ProcessState state{.drift_ppb = base_drift_[p]};
    for (const Armed& armed : items_) {
      if (armed.active && contains(armed.struck.processes, p)) apply_process(armed, state);
    }
    if (state.paused && !process.paused()) process.pause();
    if (!state.paused && process.paused()) process.unpause();
    process.cost().slowdown = state.slowdown;
    ground_.network().set_socket_limit(process, state.sockets);
    const auto drift = std::clamp<std::int64_t>(state.drift_ppb, -500'000'000, 500'000'000);
    if (drift == process.clock().drift_ppb()) continue;
    process.clock().set_drift(drift, process.running_now() ? process.effect_time() : world.now());
    process.reschedule();
    tell_clock(process);
  }
}

void Injector::recompute_disks() {
  for (std::uint32_t h = 0; h < base_disks_.size(); ++h) {
    MachineDisk& disk = *ground_.hosts()[h].disk;
    DiskState state{.habits = base_disks_[h]};
    for (const Armed& armed : items_) {
      if (!armed.active || !contains(armed.struck.hosts, h)) continue;
      if (armed.row->target != TargetClass::disk) continue;
      apply_disk(armed, h, state);
      apply_medium(armed, state.habits);
    }
    disk.habits() = state.habits;
    if (state.hung && !disk.hung()) disk.hang();
    if (!state.hung && disk.hung()) disk.resume();
  }
}

bool Injector::apply_disk(const Armed& armed, std::uint32_t host, DiskState& state) const {
  DiskHabits& habits = state.habits;
  const std::string_view name = armed.row->name;
  const std::int64_t amount = parameter(armed, armed.row->first);
  SurvivalWeights& survival = habits.power_cut.survival;
  if (name == "disk_lose_unsynced") {
    survival = {.nothing = 1, .everything = 0, .prefix = 0, .subset = 0, .suffix = 0};
    habits.power_cut.write_back = kNever;
  } else if (name == "disk_torn_prefix") {
    survival = {.nothing = 0, .everything = 0, .prefix = 1, .subset = 0, .suffix = 0};
  } else if (name == "disk_torn_subset") {
    survival = {.nothing = 0, .everything = 0, .prefix = 0, .subset = 1, .suffix = 0};
    habits.power_cut.sector_bytes = static_cast<std::uint32_t>(amount);
  } else if (name == "disk_torn_suffix") {
    survival = {.nothing = 0, .everything = 0, .prefix = 0, .subset = 0, .suffix = 1};
  } else if (name == "disk_stale_tail") {
    habits.power_cut.stale_sector = permille(amount);
    habits.power_cut.size_alone = ratio(1, 2);
  } else if (name == "disk_lost_names") {
    habits.power_cut.names = NameLoss::anything;
    habits.power_cut.name_kept = permille(amount);
  } else if (name == "disk_full") {
    habits.limits.capacity_bytes = armed.limits[host];
  } else if (name == "space_drift") {
    habits.limits.drift_bytes_max = static_cast<std::uint64_t>(amount) << 20;
  } else if (name == "disk_files_limit") {
    habits.limits.open_files_max = static_cast<std::uint32_t>(amount);
  } else if (name == "disk_stall") {
    habits.speed.slowdown = static_cast<std::uint32_t>(amount);
  } else if (name == "disk_slow_tail") {
    habits.speed.tail = permille(amount);
    habits.speed.tail_max = milliseconds(parameter(armed, armed.row->second));
  } else if (name == "disk_hang") {
    state.hung = true;
  } else {
    return false;
  }
  return true;
}

bool Injector::apply_medium(const Armed& armed, DiskHabits& habits) const {
  struct Chance {
    std::string_view name;
    Ratio DiskChances::* member;
  };
  static constexpr Chance kChances[] = {
      {"rot_on_write", &DiskChances::rot},
      {"latent_on_write", &DiskChances::latent_error},
      {"misdirected_write", &DiskChances::misdirected_write},
      {"misdirected_read", &DiskChances::misdirected_read},
      {"phantom_write", &DiskChances::phantom_write},
      {"lying_sync", &DiskChances::lying_sync},
      {"sync_error", &DiskChances::sync_error},
      {"read_error", &DiskChances::read_error},
      {"write_error", &DiskChances::write_error},
      {"name_error", &DiskChances::name_error},
  };
  for (const Chance& chance : kChances) {
    if (chance.name != armed.row->name) continue;
    habits.chances.*chance.member = permille(parameter(armed, armed.row->first));
    return true;
  }
  return false;
}

}  // namespace flux::sim
