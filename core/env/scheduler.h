// Scheduler: the tasks of one node, on one thread.
//
// Order among ready tasks is the scheduler's choice and no code may depend on it. A wake may be
// spurious: a waiter re-checks its condition. A wake of a task that is not parked is dropped, which
// is safe because nothing runs between a task's own check and its park.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "core/base/result.h"
#include "core/base/time.h"
#include "core/env/task.h"

namespace flux::env {

enum class Wake : std::uint8_t { ready, timed_out, cancelled };

enum class StackSize : std::uint8_t {
  normal,  // 64 KiB
  large,   // 256 KiB: recovery, compression, JSON
};

using TaskBody = std::move_only_function<void(Task&)>;

class Scheduler {
 public:
  virtual ~Scheduler() = default;

  // Starts a task; it runs first when the caller suspends, or later when there are too many. The
  // name is copied (31 bytes are kept) and, with the parent's key, names the task in traces and in
  // randomness.
  virtual TaskHandle spawn(std::string_view name, TaskBody body,
                           StackSize stack = StackSize::normal) = 0;

  // False when a task spawned now would wait for others to end. A task that any number of others
  // may be doing the like of asks before it waits for a child, and does the child's work itself:
  // else all stacks may be with those that wait.
  virtual bool room_for(StackSize stack) = 0;

  // Suspends until unpark, or until the earlier of `until` and the task's deadline, or until
  // cancelled. A cancelled task does not suspend at all. `timed_out` is never early by the node's
  // clock, except under the simulator's fault timers_early: what must not be early reads the clock.
  virtual Wake park(Task& task, Instant until = Instant::max()) = 0;

  // Lets every other ready task run first.
  virtual void yield(Task& task) = 0;

  virtual void unpark(TaskHandle task) = 0;
  virtual void cancel(TaskHandle task) = 0;

  // Tells of work on the processor that the scheduler cannot see by itself (a checksum over bytes,
  // a scan). The simulator makes time pass by it; the daemon ignores it, since its clock sees the
  // work.
  virtual void charge(Duration work) = 0;
  // True when the running task has used its share of an uninterrupted run (half of the 2 ms that
  // are allowed): a loop of unknown length asks, and yields.
  virtual bool should_yield() = 0;
};

// Sleeps until `at`, or less when the task's deadline or cancellation comes first.
inline Result<void> sleep_until(Task& task, Instant at) {
  for (;;) {
    switch (task.scheduler().park(task, at)) {
      case Wake::ready:
        continue;  // spurious
      case Wake::cancelled:
        return fail(ErrorCode::cancelled);
      case Wake::timed_out:
        if (task.deadline() < at) return fail(ErrorCode::timed_out);
        return {};
    }
  }
}

inline void yield_if_due(Task& task) {
  if (task.scheduler().should_yield()) task.scheduler().yield(task);
}

}  // namespace flux::env
