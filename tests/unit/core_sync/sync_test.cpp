// Waiting: order, hand-over, deadlines, cancellation.
#include <gtest/gtest.h>

#include "core/sync/condition.h"
#include "core/sync/event.h"
#include "core/sync/mutex.h"
#include "core/sync/semaphore.h"
#include "core/sync/task_group.h"
#include "core/sync/wait_list.h"
#include "tests/support/small_node.h"

namespace flux::sync {
namespace {

using env::Task;
using test::SmallNode;

void pause(Task& task, int turns = 1) {
  for (int i = 0; i < turns; ++i) task.scheduler().yield(task);
}

// Starts tasks one after another, each up to its first wait, so that the order in which they join a
// line is known although ready tasks run in a seeded order.
env::TaskHandle start_one(SmallNode& node, Task& task, std::function<void(Task&)> body) {
  bool begun = false;
  const env::TaskHandle out = node.spawn("worker", [&begun, body](Task& own) {
    begun = true;
    body(own);
  });
  while (!begun) pause(task);
  return out;
}

void start(SmallNode& node, Task& task, int count, const std::function<void(Task&, int)>& body) {
  for (int i = 0; i < count; ++i) {
    start_one(node, task, [body, i](Task& own) { body(own, i); });
  }
}

TEST(MutexTest, IsHandedOverInTheOrderOfAsking) {
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    SmallNode node(test::strict_disk(), seed);
    Mutex mutex;
    std::vector<int> order;
    int inside = 0;
    node.run([&](Task& task) {
      {
        const MutexGuard guard = *mutex.lock(task);
        start(node, task, 5, [&](Task& own, int i) {
          const MutexGuard held = *mutex.lock(own);
          EXPECT_EQ(++inside, 1);
          pause(own, 3);
          order.push_back(i);
          --inside;
        });
      }
    });
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
    EXPECT_FALSE(mutex.held());
  }
}

TEST(MutexTest, ADeadlineGivesUpAndHarmsNobody) {
  SmallNode node;
  Mutex mutex;
  bool third = false;
  node.run([&](Task& task) {
    auto guard = mutex.lock(task);
    start(node, task, 1, [&](Task& own, int) {
      const env::DeadlineScope scope(own, node.now_instant() + milliseconds(1));
      EXPECT_EQ(mutex.lock(own).error().code(), ErrorCode::timed_out);
    });
    start(node, task, 1, [&](Task& own, int) { third = mutex.lock(own).has_value(); });
    EXPECT_TRUE(env::sleep_until(task, node.now_instant() + milliseconds(5)).has_value());
    const MutexGuard moved = std::move(*guard);
  });
  EXPECT_TRUE(third);
}

TEST(WaitListTest, WhoWasWokenHasBeenWokenThoughCancelled) {
  SmallNode node;
  WaitList list;
  bool granted = false;
  node.run([&](Task& task) {
    const env::TaskHandle waiter =
        start_one(node, task, [&](Task& own) { granted = list.wait(own).has_value(); });
    EXPECT_TRUE(list.wake_one());
    task.scheduler().cancel(waiter);
  });
  EXPECT_TRUE(granted);
}

TEST(WaitListTest, CancellationEndsAWait) {
  SmallNode node;
  WaitList list;
  node.run([&](Task& task) {
    const env::TaskHandle waiter = start_one(node, task, [&](Task& own) {
      EXPECT_EQ(list.wait(own).error().code(), ErrorCode::cancelled);
    });
    EXPECT_FALSE(list.empty());
    task.scheduler().cancel(waiter);
    while (!list.empty()) pause(task);
    EXPECT_FALSE(list.wake_one());
  });
}

TEST(EventTest, StaysSetUntilCleared) {
  SmallNode node;
  Event event;
  int woken = 0;
  node.run([&](Task& task) {
    start(node, task, 3, [&](Task& own, int) {
      EXPECT_TRUE(event.wait(own).has_value());
      ++woken;
    });
    EXPECT_EQ(woken, 0);
    event.set();
    EXPECT_TRUE(event.wait(task).has_value());
    event.clear();
    EXPECT_EQ(event.wait(task, node.now_instant() + milliseconds(1)).error().code(),
              ErrorCode::timed_out);
  });
  EXPECT_EQ(woken, 3);
}

TEST(ConditionTest, WakesOneOrAll) {
  SmallNode node;
  Condition changed;
  int value = 0;
  int woken = 0;
  node.run([&](Task& task) {
    start(node, task, 4, [&](Task& own, int i) {
      while (value <= i) EXPECT_TRUE(changed.wait(own).has_value());
      ++woken;
    });
    value = 2;
    changed.notify_all();
    while (woken < 2) pause(task);
    pause(task, 500);
    EXPECT_EQ(woken, 2);
    EXPECT_TRUE(changed.awaited());
    value = 4;
    changed.notify_one();
    changed.notify_one();
  });
  EXPECT_EQ(woken, 4);
}

TEST(SemaphoreTest, LargeRequestsAreNotOvertaken) {
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    SmallNode node(test::strict_disk(), seed);
    Semaphore permits(3);
    std::vector<int> order;
    node.run([&](Task& task) {
      EXPECT_TRUE(permits.try_acquire(2));
      start(node, task, 3, [&](Task& own, int i) {
        EXPECT_TRUE(permits.acquire(own, i == 0 ? 3 : 1).has_value());
        order.push_back(i);
        pause(own);
        permits.release(i == 0 ? 3 : 1);
      });
      EXPECT_TRUE(order.empty());
      EXPECT_FALSE(permits.try_acquire(1));
      permits.release(2);
    });
    EXPECT_EQ(order.front(), 0);
    EXPECT_EQ(permits.free(), 3U);
  }
}

TEST(SemaphoreTest, ALeavingWaiterLetsThoseBehindThrough) {
  SmallNode node;
  Semaphore permits(2);
  bool through = false;
  node.run([&](Task& task) {
    EXPECT_TRUE(permits.try_acquire(1));
    start(node, task, 1, [&](Task& own, int) {
      const env::DeadlineScope scope(own, node.now_instant() + milliseconds(1));
      EXPECT_FALSE(permits.acquire(own, 2).has_value());
    });
    start(node, task, 1, [&](Task& own, int) { through = permits.acquire(own, 1).has_value(); });
    EXPECT_FALSE(through);
  });
  EXPECT_TRUE(through);
}

TEST(TaskGroupTest, WaitsForAllAndCancelsAll) {
  SmallNode node;
  int ended = 0;
  int cancelled = 0;
  node.run([&](Task& task) {
    TaskGroup group(task.scheduler());
    for (int i = 0; i < 3; ++i) {
      group.spawn("child", [&](Task& own) {
        pause(own, 3);
        ++ended;
      });
    }
    EXPECT_TRUE(group.wait(task).has_value());
    EXPECT_EQ(ended, 3);
    for (int i = 0; i < 3; ++i) {
      group.spawn("sleeper", [&](Task& own) {
        if (!env::sleep_until(own, Instant::max())) ++cancelled;
      });
    }
    pause(task, 30);
    group.cancel();
    EXPECT_TRUE(group.wait(task).has_value());
    EXPECT_EQ(cancelled, 3);
  });
}

}  // namespace
}  // namespace flux::sync
