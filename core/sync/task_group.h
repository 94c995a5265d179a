// TaskGroup: child tasks that are waited for together.
//
// The owner waits for the group to be empty before the group, or anything that the children use,
// ends: a group that ends with children running fails a CHECK.
#pragma once

#include <string_view>
#include <vector>

#include "core/env/scheduler.h"
#include "core/sync/wait_list.h"

namespace flux::sync {

class TaskGroup {
 public:
  explicit TaskGroup(env::Scheduler& scheduler) : scheduler_(scheduler) {}
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  void spawn(std::string_view name, env::TaskBody body,
             env::StackSize stack = env::StackSize::normal);
  // Until no child runs. On an error (the waiter's deadline or cancellation) some still do.
  Result<void> wait(env::Task& task);
  void cancel();
  std::size_t running() const { return children_.size(); }

 private:
  void ended(env::TaskHandle child);

  env::Scheduler& scheduler_;
  std::vector<env::TaskHandle> children_;
  WaitList waiters_;
};

}  // namespace flux::sync
