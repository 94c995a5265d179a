#include "sim/env/machine_disk.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace flux::sim {
namespace {

constexpr Key kMachine = key("machine.disk");
constexpr std::uint64_t kLatency = hash_name("latency");
constexpr std::uint64_t kTail = hash_name("tail");
constexpr std::uint64_t kTailLength = hash_name("tail_length");
constexpr std::uint64_t kInFlight = hash_name("in_flight");
constexpr std::uint64_t kInFlightPart = hash_name("in_flight_part");

Duration uniform(Decisions& decisions, Key key, const LatencyRange& range, const char* label) {
  const auto span = static_cast<std::uint64_t>((range.max - range.min).ns());
  return range.min + Duration(static_cast<std::int64_t>(decisions.draw(key, span + 1, label)));
}

// What a reader of the trace wants to know; the ordinary course of writes and syncs is not among
// it.
bool worth_telling(OmenKind kind) {
  switch (kind) {
    case OmenKind::written:
    case OmenKind::truncated:
    case OmenKind::synced:
    case OmenKind::written_back:
    case OmenKind::created:
    case OmenKind::renamed:
    case OmenKind::removed:
    case OmenKind::name_synced:
      return false;
    default:
      return true;
  }
}

}  // namespace

std::string_view name_of(DiskCall call) {
  static constexpr std::string_view kNames[] = {
      "none",           "open", "read",  "write",          "sync",   "truncate",
      "allocate",       "size", "lock",  "make_directory", "rename", "remove",
      "sync_directory", "list", "space", "close"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(DiskCall::close) + 1);
  return kNames[static_cast<std::size_t>(call)];
}

MachineDisk::MachineDisk(World& world, std::string machine, const DiskHabits& habits,
                         DiskObserver* observer)
    : world_(world),
      machine_(std::move(machine)),
      key_(kMachine.with(machine_)),
      observer_(observer),
      image_(key_, habits, world.decisions(), this),
      boot_id_(combine64(key_.value, boots_) | 1) {
  world.watch_processes(*this);
}

MachineDisk::~MachineDisk() = default;

void MachineDisk::foresee(const Omen& omen) {
  if (worth_telling(omen.kind)) {
    world_.note(nullptr, env::Severity::info, "disk.omen",
                {{"machine", machine_},
                 {"kind", name_of(omen.kind)},
                 {"file", omen.path},
                 {"from", omen.range.begin},
                 {"to", omen.range.end}});
  }
  if (observer_) observer_->foresee(omen);
}

// ---- operations

MachineDisk::Slot MachineDisk::prepare(Process& process, env::TaskHandle waiter, DiskCall call) {
  Slot slot = static_cast<Slot>(operations_.size());
  if (free_operations_.empty()) {
    operations_.emplace_back();
  } else {
    slot = free_operations_.back();
    free_operations_.pop_back();
  }
  Operation& op = operations_[slot];
  op.used = true;
  op.done = false;
  op.call = call;
  op.process = &process;
  op.waiter = waiter;
  op.error.reset();
  return slot;
}

void MachineDisk::release(Slot slot) {
  Operation& op = operations_[slot];
  CHECK(op.used);
  op.used = false;
  ++op.generation;
  op.data.clear();
  free_operations_.push_back(slot);
}

Key MachineDisk::next_name_call(std::string_view path) {
  auto it = name_calls_.find(path);
  if (it == name_calls_.end()) it = name_calls_.emplace(path, 0).first;
  return key_.with(path).with(it->second++);
}

void MachineDisk::start(Slot slot, const LatencyRange& latency, std::uint64_t device_bytes,
                        bool device) {
  const Operation& op = operations_[slot];
  const DiskSpeed& speed = image_.habits().speed;
  Decisions& decisions = world_.decisions();
  const Time issued = op.process->effect_time();
  Duration wait = uniform(decisions, op.key.with(kLatency), latency, "disk.latency");
  if (decisions.chance(op.key.with(kTail), speed.tail, "disk.tail")) {
    wait += uniform(decisions, op.key.with(kTailLength), {Duration(), speed.tail_max},
                    "disk.tail_length");
  }
  wait = wait * speed.slowdown;
  if (device && (speed.operations_per_second | speed.bytes_per_second) != 0) {
    // The device serves one after the other.
    std::uint64_t service = 0;
    if (speed.operations_per_second != 0) service = 1'000'000'000 / speed.operations_per_second;
    if (speed.bytes_per_second != 0) {
      service = std::max(service, device_bytes * 1'000'000'000 / speed.bytes_per_second);
    }
    device_free_ = std::max(device_free_, issued) + Duration(static_cast<std::int64_t>(service));
    wait += device_free_ - issued;
  }
  world_.at(issued + wait, *this, std::uint64_t{op.generation} << 32 | slot);
}

void MachineDisk::fire(std::uint64_t argument) {
  const auto slot = static_cast<Slot>(argument);
  Operation& op = operations_[slot];
  if (!op.used || op.generation != argument >> 32) return;  // its process has ended
  if (op.done) return;                                      // healing brought it forward
  if (hung_) {
    stuck_.push_back(argument);
    return;
  }
  perform(op, world_.now());
  op.done = true;
  op.process->wake(op.waiter);
}

void MachineDisk::perform(Operation& op, Time at) {
  const auto keep = [&op](const DiskResult<>& result) {
    if (!result) op.error = result.error();
  };
  switch (op.call) {
    case DiskCall::open: {
      if (!may_open(*op.process)) {
        image_.count(DiskCounter::too_many_files);
        op.error = ErrorCode::too_many_files;
        return;
      }
      const DiskResult<Inode> opened = image_.open(op.path, op.mode, at);
      if (!opened) return keep(std::unexpected(opened.error()));
      op.offset = open_handle(*op.process, *opened);
      op.inode = *opened;
      return;
    }
    case DiskCall::write:
      return keep(image_.write(op.inode, op.offset, op.data, at));
    case DiskCall::sync:
      return keep(image_.sync(op.inode, op.offset, at));
    case DiskCall::truncate:
      return keep(image_.truncate(op.inode, op.offset, at));
    case DiskCall::allocate:
      return keep(image_.allocate(op.inode, op.offset, at));
    case DiskCall::lock:
      if (!lock(static_cast<Slot>(op.offset))) op.error = ErrorCode::locked;
      return;
    case DiskCall::make_directory:
      return keep(image_.make_directory(op.path, at));
    case DiskCall::rename:
      return keep(image_.rename(op.path, op.to, at));
    case DiskCall::remove:
      return keep(image_.remove(op.path, at));
    case DiskCall::sync_directory:
      return keep(image_.sync_directory(op.path, at));
    case DiskCall::read:
    case DiskCall::list:
    case DiskCall::space:
    case DiskCall::size:
    case DiskCall::close:
      return;  // answered when the node looks, into its own memory
  }
}

// The process is gone in the middle of a call: the kernel had done it, or not, or in part.
void MachineDisk::perform_in_flight(Operation& op) {
  Decisions& decisions = world_.decisions();
  const std::uint64_t share = op.call == DiskCall::write ? 3 : 2;
  const std::uint64_t how = decisions.draw(op.key.with(kInFlight), share, "disk.in_flight");
  if (how == 0) return;
  if (how == 2) {
    op.data.resize(
        decisions.draw(op.key.with(kInFlightPart), op.data.size() + 1, "disk.in_flight_part"));
  }
  perform(op, world_.now());
}

// ---- what processes hold

bool MachineDisk::may_open(const Process& process) const {
  const std::uint32_t most = image_.habits().limits.open_files_max;
  if (most == 0) return true;
  const auto open = open_files_.find(process.index());
  return open == open_files_.end() || open->second < most;
}

MachineDisk::Slot MachineDisk::open_handle(Process& process, Inode inode) {
  Slot slot = static_cast<Slot>(handles_.size());
  if (free_handles_.empty()) {
    handles_.emplace_back();
  } else {
    slot = free_handles_.back();
    free_handles_.pop_back();
  }
  handles_[slot] = {&process, inode, false};
  ++open_files_[process.index()];
  return slot;
}

void MachineDisk::close_handle(Slot slot) {
  Handle& handle = handles_[slot];
  CHECK(handle.process != nullptr, "a file closed twice");
  --open_files_[handle.process->index()];
  if (handle.locked) {
    const auto held = locks_.find(handle.inode);
    if (--held->second.handles == 0) locks_.erase(held);
  }
  image_.close(handle.inode);
  handle = {};
  free_handles_.push_back(slot);
}

// Against other processes only: one process may lock a file through several handles.
bool MachineDisk::lock(Slot slot) {
  Handle& handle = handles_[slot];
  if (handle.locked) return true;
  const std::uint32_t process = handle.process->index();
  Lock& held = locks_[handle.inode];
  if (held.handles != 0 && held.process != process) return false;
  held.process = process;
  ++held.handles;
  handle.locked = true;
  return true;
}

void MachineDisk::process_ended(Process& process, Exit) {
  const WorldScope scope;
  for (Slot slot = 0; slot < operations_.size(); ++slot) {
    Operation& op = operations_[slot];
    if (!op.used || op.process != &process) continue;
    if (!op.done && !hung_) perform_in_flight(op);
    release(slot);
  }
  for (Slot slot = 0; slot < handles_.size(); ++slot) {
    if (handles_[slot].process == &process) close_handle(slot);
  }
}

// ---- the machine

void MachineDisk::hang() {
  if (std::exchange(hung_, true)) return;
  image_.count(DiskCounter::hang);
  world_.note(nullptr, env::Severity::info, "disk.hang", {{"machine", machine_}});
}

void MachineDisk::resume() {
  if (!std::exchange(hung_, false)) return;
  const WorldScope scope;
  world_.note(nullptr, env::Severity::info, "disk.resume", {{"machine", machine_}});
  for (const std::uint64_t argument : std::exchange(stuck_, {})) {
    world_.at(world_.now(), *this, argument);
  }
}

void MachineDisk::power_cut() {
  const WorldScope scope;
  image_.power_cut(world_.now());
  boot_id_ = combine64(key_.value, ++boots_) | 1;
}

void MachineDisk::heal() {
  const WorldScope scope;
  image_.heal();
  resume();
  // What a stalled device would have kept for minutes is done now.
  device_free_ = world_.now();
  for (Slot slot = 0; slot < operations_.size(); ++slot) {
    const Operation& op = operations_[slot];
    if (op.used && !op.done) {
      world_.at(world_.now(), *this, std::uint64_t{op.generation} << 32 | slot);
    }
  }
}

void MachineDisk::wipe() {
  const WorldScope scope;
  image_.wipe();
}

void MachineDisk::restore(const DiskSnapshot& snapshot) {
  const WorldScope scope;
  image_.restore(snapshot);
}

}  // namespace flux::sim
