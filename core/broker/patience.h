// patiently(): work that may hang with the disk, waited for only so long.
//
// A disk operation cannot be interrupted, so the work runs in a task of its own, and whoever wanted
// it goes on when its patience ends. The work then ends whenever it ends and its result is dropped:
// it must own everything it touches, or the group's owner must outlive it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "core/base/result.h"
#include "core/env/scheduler.h"
#include "core/sync/event.h"
#include "core/sync/task_group.h"

namespace flux::broker {

// How many tasks of a group may be stuck or busy. A disk that hangs collects those whose requests
// have given up; beyond this many, new work is refused. The group holds no others.
inline constexpr std::size_t kPatientTasksMax = 4'000;

// Errors: timed_out and cancelled of the wait, not_available when too much is stuck. T is whatever
// the work returns. What the work itself waits for, other than the disk, ends at `until` too.
template <class T>
Result<T> patiently(env::Task& task, sync::TaskGroup& group, std::string_view name, Instant until,
                    std::move_only_function<T(env::Task&)> work,
                    env::StackSize stack = env::StackSize::normal) {
  if (group.running() >= kPatientTasksMax) {
    return fail(ErrorCode::not_available, "too much work waits for the disk");
  }
  struct State {
    std::optional<T> result;
    sync::Event done;
  };
  auto state = std::make_shared<State>();
  group.spawn(
      name,
      [state, until, body = std::move(work)](env::Task& worker) mutable {
        const env::DeadlineScope deadline(worker, until);
        state->result.emplace(body(worker));
        state->done.set();
      },
      stack);
  TRY(state->done.wait(task, until));
  return std::move(*state->result);
}

}  // namespace flux::broker
