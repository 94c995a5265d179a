// The cluster as the ground of faults: what holds processes down, power, addresses, twins.

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/base/check.h"
#include "sim/cluster/cluster.h"

namespace flux::sim {

namespace {
// What a supervisor grants a process that was asked to end before it kills it.
constexpr Duration kStopGrace = seconds(30);
}  // namespace

void Cluster::hold(std::uint32_t p, Exit exit) {
  Slot& slot = *slots_[p];
  ++slot.holds;
  if (slot.process->alive()) slot.process->end(exit);
}

void Cluster::hold_in_order(std::uint32_t p) {
  Slot& slot = *slots_[p];
  ++slot.holds;
  if (!slot.process->alive()) return;
  if (!slot.process->request_stop()) return slot.process->end(Exit::killed);
  world_.at(world_.now() + kStopGrace, *this, (std::uint64_t{p} << 1) | kStopBound);
}

void Cluster::release(std::uint32_t p) {
  Slot& slot = *slots_[p];
  CHECK_GT(slot.holds, 0U);
  if (--slot.holds != 0) return;
  begin(p);
}

void Cluster::power_cut(std::uint32_t host) {
  if (power_holds_[host]++ == 0) network_.set_host_up(ground_hosts_[host].address, false);
  for (std::uint32_t p = 0; p < slots_.size(); ++p) {
    if (ground_processes_[p].host == host) hold(p, Exit::power_cut);
  }
  disks_[host]->power_cut();
}

void Cluster::power_on(std::uint32_t host) {
  CHECK_GT(power_holds_[host], 0U);
  if (--power_holds_[host] == 0) network_.set_host_up(ground_hosts_[host].address, true);
  for (std::uint32_t p = 0; p < slots_.size(); ++p) {
    if (ground_processes_[p].host == host) release(p);
  }
}

void Cluster::move(std::uint32_t host) {
  GroundHost& moved = ground_hosts_[host];
  moved.address = fmt::format("{}.{}", moved.name, ++moves_[host]);
  network_.set_host_up(moved.address, false);
  for (std::uint32_t p = 0; p < slots_.size(); ++p) {
    if (ground_processes_[p].host == host) slots_[p]->env->network().move_to(moved.address);
  }
  refresh_peers();
}

std::uint32_t Cluster::start_twin(std::uint32_t p) {
  const std::uint32_t original_host = ground_processes_[p].host;
  const auto twin = static_cast<std::uint32_t>(slots_.size());
  const std::string name = fmt::format("{}.twin{}", slots_[p]->process->name(), twin);
  const std::uint32_t host = add_host(name + ".host", ground_hosts_[original_host].rack);
  disks_[host]->restore(disks_[original_host]->image().snapshot());
  Slot& slot = add_process(name, host, slots_[p]->disk->root());
  slot.restarts = false;
  slot.wanted = true;
  slot.setup = slots_[p]->setup;
  slot.setup.address = ground_hosts_[host].address;
  ground_processes_.back().broker = ground_processes_[p].broker;
  ground_processes_.back().data_port = slot.setup.port;
  // A client's twin would need a seat of its own; brokers are what this fault is about.
  if (ground_processes_[p].broker) begin(twin);
  return twin;
}

void Cluster::end_twin(std::uint32_t twin) {
  slots_[twin]->wanted = false;
  if (slots_[twin]->process->alive()) slots_[twin]->process->end(Exit::killed);
}

}  // namespace flux::sim
