#include "sim/cluster/cluster.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/base/check.h"
#include "sim/check/log_watch.h"
#include "sim/workload/workloads.h"

namespace flux::sim {
namespace {

constexpr Key kStart = key("cluster.start");
constexpr std::string_view kLogDirectory = "logs";

}  // namespace

// Gives each omen of one disk its time and its place.
class Cluster::OmenTeller final : public DiskObserver {
 public:
  OmenTeller(World& world, History& history, std::uint32_t disk)
      : world_(world), history_(history), disk_(disk) {}

  void set_image(const DiskImage& image) { image_ = &image; }

  void foresee(const Omen& omen) override {
    const WorldScope scope;
    const DiskEvent event{world_.now(),           disk_,     omen.kind, omen.inode,
                          std::string(omen.path), omen.range};
    history_.add(event);
    if (!image_ || omen.kind != OmenKind::written) return;
    for (BatchStored& batch : watch_.saw(event, *image_)) history_.add(std::move(batch));
    for (BlockStored& block : LogWatch::blocks(event, *image_)) history_.add(std::move(block));
  }

 private:
  World& world_;
  History& history_;
  std::uint32_t disk_;
  const DiskImage* image_ = nullptr;  // set as soon as it stands
  LogWatch watch_;
};

Cluster::Cluster(World& world, const Scenario& scenario, History& history)
    : world_(world),
      scenario_(scenario),
      history_(history),
      network_(world, scenario.network, scenario.link),
      program_(make_program(scenario.node)) {
  CHECK(program_ != nullptr, "the scenario was not validated");
  facts_.node = scenario.node;
  facts_.topics = scenario.topics;
  facts_.broker_config = scenario.broker_config;
  add_brokers();
  add_clients();
  add_auditors();
  refresh_peers();
  world.watch_processes(*this);
}

Cluster::~Cluster() = default;

std::uint32_t Cluster::add_host(const std::string& name, const std::string& rack) {
  const auto index = static_cast<std::uint32_t>(ground_hosts_.size());
  omens_.push_back(std::make_unique<OmenTeller>(world_, history_, index));
  disks_.push_back(
      std::make_unique<MachineDisk>(world_, name, scenario_.disk, omens_.back().get()));
  omens_.back()->set_image(disks_.back()->image());
  ground_hosts_.push_back({name, name, rack, disks_.back().get()});
  facts_.hosts.push_back({name, rack, &disks_.back()->image()});
  power_holds_.push_back(0);
  moves_.push_back(0);
  return index;
}

Cluster::Slot& Cluster::add_process(const std::string& name, std::uint32_t host,
                                    const std::string& root) {
  ProcessConfig config;
  config.name = name;
  config.order = scenario_.order;
  config.cost = scenario_.cpu;
  auto slot = std::make_unique<Slot>();
  slot->process = &world_.add_process(config);
  slot->disk = std::make_unique<SimDisk>(*disks_[host], *slot->process, root);
  slot->env =
      std::make_unique<NodeEnv>(network_, *slot->process, ground_hosts_[host].address, *slot->disk);
  slots_.push_back(std::move(slot));
  ground_processes_.push_back({slots_.back()->process, host, false, 0, 0, 0});
  return *slots_.back();
}

void Cluster::add_brokers() {
  const Topology& topology = scenario_.topology;
  for (std::uint32_t i = 0; i < topology.brokers; ++i) {
    const std::uint32_t host = i / std::max(topology.brokers_per_host, 1U);
    if (host == ground_hosts_.size()) {
      const std::uint32_t rack = host % std::max(topology.racks, 1U);
      add_host(fmt::format("host{}", host + 1), fmt::format("rack{}", rack + 1));
    }
    const std::string name = fmt::format("broker{}", i + 1);
    Slot& slot = add_process(name, host, "/" + name);
    slot.restarts = scenario_.restart.brokers;
    slot.setup.id = NodeId(static_cast<std::int32_t>(i + 1));
    slot.setup.port =
        static_cast<std::uint16_t>(kBrokerPort + i % std::max(topology.brokers_per_host, 1U));
    slot.setup.log_directory = kLogDirectory;
    slot.setup.config = scenario_.broker_config;
    GroundProcess& ground = ground_processes_.back();
    ground.broker = true;
    ground.data_port = slot.setup.port;
    facts_.brokers.push_back({name, slot.process->index(), slot.setup.id, host,
                              slot.disk->root() + "/" + std::string(kLogDirectory)});
  }
}

void Cluster::add_clients() {
  std::uint32_t count = 0;
  for (const WorkloadSpec& spec : scenario_.workloads) {
    for (const WorkloadKind& kind : workload_kinds()) {
      if (kind.name != spec.kind) continue;
      for (std::uint32_t i = 0; i < spec.clients; ++i) {
        add_client(spec, kind, fmt::format("client{}", ++count), i);
      }
    }
  }
}

void Cluster::add_client(const WorkloadSpec& spec, const WorkloadKind& kind,
                         const std::string& name, std::uint32_t number) {
  const std::uint32_t host = add_host(name + ".host", "clients");
  Slot& slot = add_process(name, host, "/" + name);
  slot.restarts = scenario_.restart.clients;
  slot.auditor = kind.auditor;
  slot.work = kind.make();
  slot.seat = std::make_unique<ClientSeat>(*slot.process, history_, spec, facts_, number);
  facts_.clients.push_back({name, slot.process->index(), std::string(kind.name)});
}

// The auditor of every workload that the scenario uses, unless it names one itself.
void Cluster::add_auditors() {
  std::vector<std::string> wanted;
  for (const WorkloadSpec& spec : scenario_.workloads) {
    for (const WorkloadKind& kind : workload_kinds()) {
      if (kind.name == spec.kind && !kind.audited_by.empty()) {
        wanted.emplace_back(kind.audited_by);
      }
    }
  }
  std::ranges::sort(wanted);
  wanted.erase(std::ranges::unique(wanted).begin(), wanted.end());
  for (const std::string& name : wanted) {
    for (const WorkloadKind& kind : workload_kinds()) {
      if (kind.name != name) continue;
      WorkloadSpec spec;
      spec.kind = name;
      add_client(spec, kind, "auditor." + name, 0);
    }
  }
}

void Cluster::refresh_peers() {
  std::vector<NodeSetup::Peer> peers;
  std::vector<env::Endpoint> bootstrap;
  for (std::uint32_t p = 0; p < facts_.brokers.size(); ++p) {
    const std::string& address = ground_hosts_[ground_processes_[p].host].address;
    slots_[p]->setup.address = address;
    peers.push_back({slots_[p]->setup.id, address, slots_[p]->setup.port});
    bootstrap.push_back({address, slots_[p]->setup.port});
  }
  for (const auto& slot : slots_) {
    slot->setup.peers = peers;
    if (slot->seat) slot->seat->set_bootstrap(bootstrap);
  }
}

Result<void> Cluster::check() const {
  for (std::size_t p = 0; p < facts_.brokers.size(); ++p) TRY(program_->check(slots_[p]->setup));
  for (std::size_t t = 0; t < facts_.topics.size(); ++t) {
    const Result<void> good = program_->check_topic(facts_.topics[t]);
    if (!good) return std::unexpected(good.error().in("topics." + std::to_string(t)));
  }
  return {};
}

bool Cluster::record(std::string_view process) {
  for (std::size_t p = 0; p < facts_.brokers.size(); ++p) {
    Slot& slot = *slots_[p];
    if (slot.process->name() != process) continue;
    slot.recorder =
        std::make_unique<NodeRecorder>(*slot.process, scenario_.node, world_.decisions().seed(),
                                       scenario_.order == fiber::ReadyOrder::hosted);
    slot.recording = std::make_unique<RecordingEnv>(*slot.recorder);
    return true;
  }
  return false;
}

std::optional<NodeRecord> Cluster::take_record() {
  for (const auto& slot : slots_) {
    if (slot->recorder) return slot->recorder->finish();
  }
  return std::nullopt;
}

void Cluster::start() {
  const WorldScope scope;
  for (std::uint32_t p = 0; p < slots_.size(); ++p) {
    if (slots_[p]->auditor) continue;
    slots_[p]->wanted = true;
    // No two machines start at the same moment.
    const Key decision = kStart.with(slots_[p]->process->name());
    const std::uint64_t wait_us = world_.decisions().draw(decision, 20'000, "cluster.start_us");
    world_.at(world_.now() + microseconds(static_cast<std::int64_t>(wait_us)), *this,
              (std::uint64_t{p} << 1) | kRestart);
  }
}

void Cluster::begin_phase(RunPhase phase) {
  const WorldScope scope;
  phase_ = phase;
  history_.add(PhaseBegan{world_.now(), phase});
  world_.note(nullptr, env::Severity::info, "run.phase", {{"phase", name_of(phase)}});
  for (std::uint32_t p = 0; p < slots_.size(); ++p) {
    Slot& slot = *slots_[p];
    if (slot.seat) slot.seat->begin_phase(phase);
    if (phase != RunPhase::audit || !slot.seat) continue;
    // From now on only auditors work: what another client does would change under their eyes.
    slot.wanted = slot.auditor;
    if (slot.auditor) {
      begin(p);
    } else if (slot.process->alive()) {
      slot.process->end(Exit::killed);
    }
  }
}

std::vector<Pending> Cluster::pending(const std::vector<std::uint32_t>& outside) {
  std::vector<Pending> list;
  for (std::uint32_t p = 0; p < slots_.size(); ++p) {
    const Slot& slot = *slots_[p];
    if (std::ranges::find(outside, p) != outside.end()) continue;
    if (slot.wanted && slot.restarts && !slot.process->alive()) {
      if (slot.seat && slot.seat->is_done()) continue;
      list.push_back({slot.process->name() + " is not running", {}});
    } else if (slot.wanted && slot.seat && !slot.seat->is_done()) {
      const std::string& waiting = slot.seat->waiting();
      list.push_back({fmt::format("{} is not done{}{}", slot.process->name(),
                                  waiting.empty() ? "" : ": it waits for ", waiting),
                      {}});
    }
  }
  return list;
}

void Cluster::begin(std::uint32_t p) {
  Slot& slot = *slots_[p];
  if (slot.process->alive() || slot.holds != 0 || !slot.wanted) return;
  slot.disk->provide_root();
  if (slot.seat) slot.seat->restarted();
  history_.add(NodeEvent{world_.now(), slot.process->index(), slot.process->incarnation() + 1,
                         NodeChange::started, Exit::clean});
  if (slot.recorder) slot.recorder->starting(write_setup(slot.setup));
  slot.process->start([this, &slot](env::Task& task) {
    if (slot.seat) return run_client(task, slot);
    run_broker(task, slot);
  });
}

void Cluster::run_broker(env::Task& task, Slot& slot) {
  const env::Env bare = slot.env->env();
  env::Env env = slot.recording ? slot.recording->wrap(bare) : bare;
  const Result<void> result = program_->run(task, env, slot.setup, *slot.process);
  const std::string error = result ? std::string() : result.error().to_string();
  const WorldScope scope;
  if (error.empty()) return;
  world_.note(slot.process, env::Severity::error, "process.failed", {{"error", error}});
  node_errors_.push_back(
      fmt::format("{} at {} ms: {}", slot.process->name(), world_.now().ms(), error));
}

void Cluster::run_client(env::Task& task, Slot& slot) {
  env::Env env = slot.env->env();
  slot.work->run(task, env, *slot.seat);
}

std::uint32_t Cluster::slot_of(const Process& process) const {
  for (std::uint32_t p = 0; p < slots_.size(); ++p) {
    if (slots_[p]->process == &process) return p;
  }
  UNREACHABLE("a process of another cluster");
}

void Cluster::process_ended(Process& process, Exit exit) {
  const WorldScope scope;
  const std::uint32_t p = slot_of(process);
  Slot& slot = *slots_[p];
  history_.add(
      NodeEvent{world_.now(), process.index(), process.incarnation(), NodeChange::ended, exit});
  if (!slot.wanted || !slot.restarts || slot.holds != 0 || stopping_) return;
  if (slot.seat && slot.seat->is_done()) return;
  world_.at(world_.now() + scenario_.restart.after, *this, (std::uint64_t{p} << 1) | kRestart);
}

void Cluster::fire(std::uint64_t argument) {
  const WorldScope scope;
  const auto p = static_cast<std::uint32_t>(argument >> 1);
  if ((argument & 1) == kRestart) return begin(p);
  // Asked to end in order and still there: as any supervisor does.
  if (slots_[p]->holds != 0 && slots_[p]->process->alive()) slots_[p]->process->end(Exit::killed);
}

void Cluster::stop_brokers() {
  const WorldScope scope;
  stopping_ = true;
  for (const auto& slot : slots_) {
    slot->wanted = false;
    if (!slot->process->alive()) continue;
    if (slot->seat || !slot->process->request_stop()) slot->process->end(Exit::killed);
  }
}

std::vector<std::string> Cluster::still_running() const {
  std::vector<std::string> list;
  for (const auto& slot : slots_) {
    if (slot->process->alive()) list.push_back(slot->process->name() + " has not ended");
  }
  return list;
}

}  // namespace flux::sim
