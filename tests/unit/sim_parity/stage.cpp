#include "tests/unit/sim_parity/stage.h"

namespace flux::parity {
namespace {

constexpr Duration kRestart = milliseconds(200);

sim::DiskHabits keeps_everything() {
  sim::DiskHabits habits;
  habits.power_cut.survival = {
      .nothing = 0, .everything = 1, .prefix = 0, .subset = 0, .suffix = 0};
  habits.power_cut.size_alone = kNever;
  habits.power_cut.name_kept = kAlways;
  habits.power_cut.write_back = kNever;
  habits.speed.tail = kNever;
  return habits;
}

}  // namespace

Stage::Stage(std::uint64_t seed, Sight& sight)
    : sight_(sight), world_({.seed = seed, .stacks = {}}), network_(world_, {}, {}) {
  add("a", "server", "/server");
  add("b", "client", "/client");
  sim::GroundProcess& server = ground_processes_[kServer];
  server.broker = true;
  server.data_port = kPorts[0];
  server.control_port = kPorts[1];
  server.metadata_port = kPorts[2];
  world_.watch_processes(*this);
  sim::FaultObserver& observer = *this;
  injector_ = std::make_unique<sim::Injector>(*this, observer);
}

void Stage::add(const std::string& host, const std::string& process, const std::string& root) {
  const auto index = static_cast<std::uint32_t>(ground_hosts_.size());
  disks_.push_back(std::make_unique<sim::MachineDisk>(world_, host, keeps_everything()));
  ground_hosts_.push_back({host, host, "rack-" + host, disks_.back().get()});
  auto player = std::make_unique<Player>();
  player->process = &world_.add_process({.name = process});
  player->disk = std::make_unique<sim::SimDisk>(*disks_.back(), *player->process, root);
  player->env = std::make_unique<sim::NodeEnv>(network_, *player->process, host, *player->disk);
  players_.push_back(std::move(player));
  ground_processes_.push_back({players_.back()->process, index, false, 0, 0, 0});
}

void Stage::begin(std::uint32_t p) {
  Player& player = *players_[p];
  if (player.holds != 0 || player.process->alive()) return;
  player.disk->provide_root();
  if (p == kClient) {
    player.process->start([this, &player](env::Task& task) {
      // A copy: hosts are added while it runs.
      const std::string server = ground_hosts_[ground_processes_[kServer].host].name;
      call(task, player.env->env(), sight_, server);
    });
    return;
  }
  const ServerRole role{&sight_, player.twin, ground_hosts_[ground_processes_[p].host].address};
  player.process->start(
      [&player, role](env::Task& task) { serve(task, player.env->env(), *player.process, role); });
}

Result<std::vector<std::string>> Stage::play(const sim::FaultPlan& plan, Duration length) {
  TRY(injector_->arm(plan));
  begin(kServer);
  begin(kClient);
  world_.run_until(sim::Time() + length);
  std::vector<std::string> struck;
  for (const auto& [name, count] : injector_->fired()) struck.push_back(name);
  for (const auto& player : players_) {
    ++player->holds;
    player->process->end(sim::Exit::killed);
  }
  return struck;
}

void Stage::process_ended(sim::Process& process, sim::Exit) {
  for (std::uint32_t p = 0; p < players_.size(); ++p) {
    const bool own = players_[p]->process == &process && !players_[p]->twin;
    if (own && players_[p]->holds == 0) world_.at(world_.now() + kRestart, *this, p);
  }
}

void Stage::hold(std::uint32_t p, sim::Exit exit) {
  ++players_[p]->holds;
  players_[p]->process->end(exit);
}

void Stage::hold_in_order(std::uint32_t p) {
  ++players_[p]->holds;
  if (!players_[p]->process->request_stop()) players_[p]->process->end(sim::Exit::killed);
}

void Stage::release(std::uint32_t p) {
  if (--players_[p]->holds == 0) begin(p);
}

void Stage::power_cut(std::uint32_t host) {
  network_.set_host_up(ground_hosts_[host].address, false);
  for (std::uint32_t p = 0; p < players_.size(); ++p) {
    if (ground_processes_[p].host == host) hold(p, sim::Exit::power_cut);
  }
  disks_[host]->power_cut();
}

void Stage::power_on(std::uint32_t host) {
  network_.set_host_up(ground_hosts_[host].address, true);
  for (std::uint32_t p = 0; p < players_.size(); ++p) {
    if (ground_processes_[p].host == host) release(p);
  }
}

void Stage::move(std::uint32_t host) {
  ground_hosts_[host].address += ".moved";
  players_[host]->env->network().move_to(ground_hosts_[host].address);
}

std::uint32_t Stage::start_twin(std::uint32_t p) {
  const auto twin = static_cast<std::uint32_t>(players_.size());
  add("twin", players_[p]->process->name() + ".twin", players_[p]->disk->root());
  disks_.back()->restore(disks_[ground_processes_[p].host]->image().snapshot());
  players_.back()->twin = true;
  begin(twin);
  return twin;
}

void Stage::end_twin(std::uint32_t twin) { players_[twin]->process->end(sim::Exit::killed); }

}  // namespace flux::parity
