#include "sim/world/process.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "sim/world/world.h"

namespace flux::sim {
namespace {
constexpr Key kReadyOrder = key("process.ready_order");
// A turn ends after this much work, so that what happens meanwhile can interleave.
constexpr Duration kTurn = microseconds(50);
}  // namespace

std::string_view name_of(Exit exit) {
  switch (exit) {
    case Exit::clean:
      return "clean";
    case Exit::killed:
      return "killed";
    case Exit::power_cut:
      return "power_cut";
  }
  UNREACHABLE("an exit without a name");
}

Process::Process(World& world, std::uint32_t index, const ProcessConfig& config)
    : world_(world),
      index_(index),
      name_(config.name),
      key_(flux::key("process").with(config.name)),
      order_(config.order),
      cost_(config.cost),
      clock_(world.now(), config.clock_start, config.wall_start) {}

Process::~Process() {
  if (alive()) {
    loop_->kill();
    loop_.reset();
  }
}

bool Process::running_now() const { return world_.current() == this; }

void Process::start(Main main) {
  CHECK(!alive(), "a process started twice");
  CHECK(!running_now());
  const WorldScope world_scope;
  ++incarnation_;
  main_ended_ = false;
  paused_ = false;
  timer_at_ = Time::max();
  busy_until_ = world_.now();
  loop_ = std::make_unique<fiber::RunLoop>(world_.stacks(), *this, incarnation_key(), order_);
  seam(SeamKind::start, incarnation_, 0, 0);
  world_.note(this, env::Severity::info, "process.start", {{"incarnation", incarnation_}});
  // Kept here, since what it holds is the world's: a kill drops the fiber without a destructor.
  main_ = std::move(main);
  const HeapScope scope(&heap_);
  loop_->spawn(
      "main",
      [this](env::Task& task) {
        main_(task);
        main_ended_ = true;
      },
      env::StackSize::large);
  schedule_run();
}

void Process::end(Exit exit) {
  if (!alive()) return;
  if (running_now()) {
    ending_ = exit;
    loop_->abandon();
  }
  finish(exit);
}

void Process::finish(Exit exit) {
  const WorldScope scope;
  if (tap_ && exit != Exit::clean) tap_->told(ProcessTap::Told::end, static_cast<int>(exit));
  stop_handler_ = nullptr;
  loop_->kill();
  loop_.reset();
  heap_.drop();
  seam(SeamKind::end, static_cast<std::uint64_t>(exit), 0, 0);
  world_.note(this, env::Severity::info, "process.end", {{"how", name_of(exit)}});
  for (ProcessWatcher* watcher : world_.watchers()) watcher->process_ended(*this, exit);
}

void Process::pause() {
  if (tap_) tap_->told(ProcessTap::Told::pause, 0);
  paused_ = true;
}

void Process::unpause() {
  if (tap_) tap_->told(ProcessTap::Told::unpause, 0);
  if (!std::exchange(paused_, false) || !alive()) return;
  timer_at_ = Time::max();
  schedule_run();
}

bool Process::request_stop() {
  if (!alive() || !stop_handler_) return false;
  if (tap_) tap_->told(ProcessTap::Told::stop, 0);
  const HeapScope scope(&heap_);
  stop_handler_();
  schedule_run();
  return true;
}

void Process::wake(env::TaskHandle task) {
  if (!alive()) return;
  if (tap_) [[unlikely]]
    tap_->woken(task);
  loop_->unpark(task);
  if (!running_now()) schedule_run();
}

Time Process::effect_time() const { return running_now() ? world_.now() + charged_ : world_.now(); }

Time Process::busy_until() const {
  return running_now() ? effect_time() : std::max(world_.now(), busy_until_);
}

void Process::charge_call(std::size_t bytes) {
  const Duration work = cost_.call + cost_.per_kib * static_cast<std::int64_t>(bytes) / 1024;
  charged_ += work * cost_.slowdown;
  if (tap_) [[unlikely]]
    tap_->charged(bytes);
}

void Process::seam(SeamKind kind, std::uint64_t a, std::uint64_t b, std::uint64_t digest) {
  world_.seam().fold(hash_, index_, effect_time(), kind, a, b, digest);
  if (tap_) [[unlikely]]
    tap_->passed(kind, a, b, digest);
}

bool Process::should_yield() { return charged_ - resume_began_ > kRunMax / 2; }

std::uint64_t Process::cause() { return world_.cause(); }

void Process::before_resume(const env::Task& task, std::uint64_t cause) {
  if (tap_) [[unlikely]]
    tap_->resumed(task);
  world_.set_cause(cause);
  resume_began_ = charged_;
  charged_ += cost_.resume * cost_.slowdown;
}

bool Process::after_resume(const env::Task& task) {
  // A slow processor is a fault of the world; the bound is on the work itself.
  if ((charged_ - resume_began_) / cost_.slowdown > kRunMax) {
    check_failed({__FILE__, __LINE__, "a fiber ran longer than 2 ms without a suspension"},
                 task.name());
  }
  const bool goes_on = !tap_ || tap_->suspended(task);
  return goes_on && !main_ended_ && charged_ < kTurn;
}

std::uint64_t Process::ready_order(const env::Task& task, std::uint64_t wake) {
  const Key decision = kReadyOrder.with(task.key().value).with(wake);
  return world_.decisions().draw(decision, 1'000'000, "ready_order");
}

void Process::fire(std::uint64_t argument) {
  if (argument == kTimer) {
    if (world_.now() != timer_at_) return;  // re-scheduled since
    timer_at_ = Time::max();
  } else {
    run_scheduled_ = false;
  }
  if (alive()) schedule_run();
}

// Runs at the end of the present event, or when the processor is free again.
void Process::schedule_run() {
  if (paused_ || runnable_) return;
  if (busy_until_ <= world_.now() && !world_.current()) {
    runnable_ = true;
    const WorldScope scope;
    world_.runnable_.push_back(this);
  } else if (!run_scheduled_) {
    run_scheduled_ = true;
    world_.at(std::max(busy_until_, world_.now()), *this, kRun);
  }
}

void Process::run() {
  runnable_ = false;
  if (!alive() || paused_) return;
  charged_ = Duration();
  resume_began_ = Duration();
  world_.current_ = this;
  if (tap_) [[unlikely]]
    tap_->turn(cost_.slowdown);
  {
    const HeapScope scope(&heap_);
    loop_->run(clock_.local(world_.now()));
  }
  busy_until_ = world_.now() + charged_;
  world_.current_ = nullptr;
  if (loop_->abandoned()) return finish(ending_);
  if (main_ended_) return finish(Exit::clean);
  if (loop_->ready()) {
    schedule_run();
  } else {
    schedule_timer();
  }
}

void Process::schedule_timer() {
  const Instant next = loop_->next_timer();
  if (next == Instant::max()) return;
  const Time at = clock_.world(next, world_.now());
  if (at >= timer_at_) return;
  timer_at_ = at;
  world_.at(at, *this, kTimer);
}

void Process::reschedule() {
  if (!alive()) return;
  if (tap_) tap_->told(ProcessTap::Told::clock, clock_.drift_ppb());
  timer_at_ = Time::max();
  if (!running_now()) schedule_timer();
}

void Process::force_timer() {
  if (!alive() || running_now()) return;
  if (tap_) tap_->told(ProcessTap::Told::timer, 0);
  loop_->force_timer(clock_.local(world_.now()));
  schedule_run();
}

}  // namespace flux::sim
