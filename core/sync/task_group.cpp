#include "core/sync/task_group.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace flux::sync {

TaskGroup::~TaskGroup() { CHECK(children_.empty(), "a task group ended with children running"); }

void TaskGroup::spawn(std::string_view name, env::TaskBody body, env::StackSize stack) {
  const env::TaskHandle child = scheduler_.spawn(
      name,
      [this, work = std::move(body)](env::Task& task) mutable {
        work(task);
        ended(task.handle());
      },
      stack);
  children_.push_back(child);
}

void TaskGroup::ended(env::TaskHandle child) {
  const auto at = std::find(children_.begin(), children_.end(), child);
  CHECK(at != children_.end());
  children_.erase(at);
  if (children_.empty()) waiters_.wake_all();
}

Result<void> TaskGroup::wait(env::Task& task) {
  while (!children_.empty()) TRY(waiters_.wait(task));
  return {};
}

void TaskGroup::cancel() {
  const std::vector<env::TaskHandle> children = children_;
  for (const env::TaskHandle child : children) scheduler_.cancel(child);
}

}  // namespace flux::sync
