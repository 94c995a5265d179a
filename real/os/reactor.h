// Reactor: one thread drives all logic of a process: it runs ready fibers, hands over what they
// asked of the kernel, and waits for the kernel when nothing is ready.
//
// A turn: each TurnWork (batched submissions, results that came back, log lines); then one wait in
// the poller, for no time at all when something is ready, else until the next timer; then fibers
// run until none is ready or the turn's share is used. Fibers come last, so that whoever drives the
// turns sees what they did before the loop waits again.
//
// It also measures each uninterrupted run of a fiber. A run that used the processor for over the
// limit (2 ms) is a defect of the code that ran, told as the event "loop.slow_run". One that took
// as long without using it waited: for a processor on a busy machine, or in a system call that
// should not have been made here. That is "loop.stalled".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/env/clock.h"
#include "core/env/trace.h"
#include "core/fiber/run_loop.h"
#include "core/fiber/stack_pool.h"
#include "real/os/poller.h"

namespace flux::os {

// Something to do once per turn, before the loop waits.
class TurnWork {
 public:
  virtual ~TurnWork() = default;
  // True when a task may have become ready, so that the loop must not wait.
  virtual bool before_wait() = 0;
  // The longest that the loop may wait although nothing happens.
  virtual Duration wait_at_most() const { return Duration::max(); }
};

class Reactor final : public fiber::Host {
 public:
  static constexpr Duration kRunLimit = milliseconds(2);

  Reactor(Poller& poller, env::Clock& clock, env::Trace& trace);
  ~Reactor() override;
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  fiber::RunLoop& loop() { return loop_; }
  // Works run in the order they were added; each outlives the turns.
  void add(TurnWork& work) { works_.push_back(&work); }

  // One turn. The wait lasts until something happens or a timer is due, but not past `until`.
  void turn(Instant until = Instant::max());

  struct Runs {
    Duration longest;
    std::string longest_name;
    std::uint64_t over_limit = 0;  // by use of the processor
    std::uint64_t stalled = 0;     // over the limit by the clock only
    std::uint64_t turns = 0;
  };
  const Runs& runs() const { return runs_; }

  void charge(Duration) override {}
  bool should_yield() override;
  std::uint64_t cause() override { return 0; }
  void before_resume(const env::Task& task, std::uint64_t cause) override;
  bool after_resume(const env::Task& task) override;
  std::uint64_t ready_order(const env::Task&, std::uint64_t) override { return 0; }

 private:
  void note_slow_run(const env::Task& task, Duration length);

  Poller& poller_;
  env::Clock& clock_;
  env::Trace& trace_;
  fiber::StackPool stacks_;
  fiber::RunLoop loop_;
  std::vector<TurnWork*> works_;
  Instant turn_start_;
  Instant run_start_;
  Duration turn_start_cpu_;
  Runs runs_;
  Instant slow_told_;
  std::uint64_t slow_untold_ = 0;
};

}  // namespace flux::os
