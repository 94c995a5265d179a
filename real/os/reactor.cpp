#include "real/os/reactor.h"

#include <algorithm>
#include <time.h>

namespace flux::os {
namespace {

// Half of what an uninterrupted run may take: a loop that asks has as much left to come to an end.
constexpr Duration kRunShare = Reactor::kRunLimit / 2;
// Fibers that keep each other ready must not keep the kernel's events waiting for longer.
constexpr Duration kTurnShare = milliseconds(1);
constexpr Duration kSlowTellEvery = seconds(1);

// What this thread has used of a processor: a system call, so once a turn and not once a run.
Duration thread_cpu() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return seconds(used.tv_sec) + nanoseconds(used.tv_nsec);
}

}  // namespace

Reactor::Reactor(Poller& poller, env::Clock& clock, env::Trace& trace)
    : poller_(poller),
      clock_(clock),
      trace_(trace),
      loop_(stacks_, *this, key("os")),
      slow_told_(clock.now() - kSlowTellEvery) {}

Reactor::~Reactor() = default;

void Reactor::turn(Instant until) {
  ++runs_.turns;
  Duration at_most = Duration::max();
  for (TurnWork* work : works_) {
    if (work->before_wait()) at_most = Duration();
    at_most = std::min(at_most, work->wait_at_most());
  }
  if (loop_.ready()) at_most = Duration();
  const Instant next = std::min(until, loop_.next_timer());
  if (at_most > Duration() && next != Instant::max()) {
    at_most = std::min(at_most, std::max(next - clock_.now(), Duration()));
  }
  poller_.wait(at_most);

  turn_start_cpu_ = thread_cpu();
  turn_start_ = run_start_ = clock_.now();
  loop_.run(turn_start_);
}

bool Reactor::should_yield() { return clock_.now() - run_start_ >= kRunShare; }

// The end of one run is the start of the next within a turn: one reading of the clock for each.
void Reactor::before_resume(const env::Task&, std::uint64_t) {}

bool Reactor::after_resume(const env::Task& task) {
  const Instant now = clock_.now();
  const Duration length = now - run_start_;
  run_start_ = now;
  // The name of a task that has ended is still readable here: the fiber is reused later.
  if (length > runs_.longest) {
    runs_.longest = length;
    runs_.longest_name = task.name();
  }
  if (length > kRunLimit) note_slow_run(task, length);
  return now - turn_start_ < kTurnShare;
}

// One line a second at most: a machine that is too busy must not drown in lines that say so. The
// run's own use of the processor is not known, only that of its turn so far; runs before it in the
// turn took less than the turn's share, or the turn would have ended.
void Reactor::note_slow_run(const env::Task& task, Duration length) {
  const Duration cpu = std::min(length, thread_cpu() - turn_start_cpu_);
  const bool stalled = cpu <= kRunLimit;
  ++(stalled ? runs_.stalled : runs_.over_limit);
  ++slow_untold_;
  if (run_start_ - slow_told_ < kSlowTellEvery) return;
  slow_told_ = run_start_;
  TRACE(trace_, warning, stalled ? "loop.stalled" : "loop.slow_run", {"task", task.name()},
        {"us", length.us()}, {"cpu_us", cpu.us()}, {"limit_us", kRunLimit.us()},
        {"count", slow_untold_});
  slow_untold_ = 0;
}

}  // namespace flux::os
