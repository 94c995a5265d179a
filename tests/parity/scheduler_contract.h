// What every Clock and Scheduler keep. Nothing here depends on the order of ready tasks, nor on how
// late a timer is: only on its never being early.
#pragma once

#include <cstdint>
#include <rapidcheck.h>
#include <string>
#include <vector>

#include "tests/parity/harness.h"

namespace flux::parity {

template <class Harness>
class SchedulerContract : public ContractTest<Harness> {};
TYPED_TEST_SUITE_P(SchedulerContract);

TYPED_TEST_P(SchedulerContract, ClocksGoForward) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    env::Env& env = harness.env();
    Instant before = env.clock.now();
    HOLDS(env.clock.wall_now() > WallTime());
    for (int i = 0; i < 100; ++i) {
      if (i % 10 == 0) rest(env, task, microseconds(50));
      const Instant now = env.clock.now();
      HOLDS(now >= before);
      before = now;
    }
    return {};
  }));
}

TYPED_TEST_P(SchedulerContract, TimersAreNeverEarlyAndAllGoOff) {
  const auto delays_us = rc::gen::container<std::vector<int>>(rc::gen::inRange(-1'000, 8'000));
  const bool held = rc::check("timers", [&] {
    const std::vector<int> delays = *delays_us;
    const Verdict verdict = run_in<TypeParam>([&](auto& harness, env::Task& task) -> Verdict {
      env::Env& env = harness.env();
      std::size_t went_off = 0;
      std::size_t early = 0;
      {
        Children children(task);
        for (const int delay_us : delays) {
          children.spawn("sleeper", [&, delay_us](env::Task& self) {
            const Instant at = env.clock.now() + microseconds(delay_us);
            const Result<void> slept = env::sleep_until(self, at);
            went_off += slept ? 1 : 0;
            early += env.clock.now() < at ? 1 : 0;
          });
        }
      }
      HOLDS(went_off == delays.size());
      HOLDS(early == 0);
      return {};
    });
    if (!verdict.holds()) RC_FAIL(verdict.to_string());
  });
  EXPECT_TRUE(held);
}

TYPED_TEST_P(SchedulerContract, ASpawnedTaskWaitsForItsParentToSuspend) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto&, env::Task& task) -> Verdict {
    bool ran = false;
    Children children(task);
    const env::TaskHandle child = children.spawn("child", [&](env::Task&) { ran = true; });
    HOLDS(!child.none());
    HOLDS(!ran);
    children.wait();
    HOLDS(ran);
    return {};
  }));
}

TYPED_TEST_P(SchedulerContract, TasksAreNamedAndKeyed) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto&, env::Task& task) -> Verdict {
    Children children(task);
    std::vector<Key> keys{task.key()};
    bool named = true;
    const std::string_view longest = "0123456789012345678901234567890";  // 31 bytes are kept
    const std::string over = std::string(longest) + "xyz";
    for (int i = 0; i < 4; ++i) {
      children.spawn(over, [&](env::Task& self) {
        named = named && self.name() == longest;
        keys.push_back(self.key());
      });
    }
    children.wait();
    HOLDS(named);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      for (std::size_t k = 0; k < i; ++k) HOLDS(!(keys[i] == keys[k]));
    }
    return {};
  }));
}

TYPED_TEST_P(SchedulerContract, UnparkWakesAParkedTaskAndIsDroppedForOthers) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    env::Env& env = harness.env();
    env::Scheduler& scheduler = env.scheduler;
    bool ready = false;
    env::Wake woken = env::Wake::cancelled;
    Children children(task);
    const env::TaskHandle waiter = children.spawn("waiter", [&](env::Task& self) {
      while (!ready) woken = self.scheduler().park(self);
    });
    rest(env, task, microseconds(200));
    ready = true;
    scheduler.unpark(waiter);
    scheduler.unpark(waiter);  // no longer parked: dropped
    children.wait();
    HOLDS(woken == env::Wake::ready);
    scheduler.unpark(waiter);  // ended: dropped
    scheduler.cancel(waiter);
    scheduler.unpark({});
    // A wake from before the park does not end it.
    scheduler.unpark(task.handle());
    const Instant until = env.clock.now() + microseconds(300);
    while (scheduler.park(task, until) == env::Wake::ready) {
    }
    HOLDS(env.clock.now() >= until);
    return {};
  }));
}

TYPED_TEST_P(SchedulerContract, CancelEndsEveryWaitExceptInAShield) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    env::Env& env = harness.env();
    env::Wake first = env::Wake::ready;
    env::Wake second = env::Wake::ready;
    bool saw_cancel = false;
    bool shield_hid_it = false;
    bool shield_waited = false;
    int others = 0;
    int others_during = -1;
    Children children(task);
    const env::TaskHandle victim = children.spawn("victim", [&](env::Task& self) {
      while (first == env::Wake::ready) first = self.scheduler().park(self);
      saw_cancel = self.cancelled();
      const int before = others;
      second = self.scheduler().park(self);
      others_during = others - before;
      const env::Shield shield(self);
      shield_hid_it = !self.cancelled();
      const Instant until = env.clock.now() + microseconds(300);
      shield_waited = env::sleep_until(self, until).has_value() && env.clock.now() >= until;
    });
    rest(env, task, microseconds(200));
    env.scheduler.cancel(victim);
    children.spawn("other", [&](env::Task&) { ++others; });
    children.wait();
    HOLDS(first == env::Wake::cancelled);
    HOLDS(saw_cancel);
    HOLDS(second == env::Wake::cancelled);
    HOLDS(others_during == 0);
    HOLDS(shield_hid_it);
    HOLDS(shield_waited);
    return {};
  }));
}

TYPED_TEST_P(SchedulerContract, AnInnerDeadlineNeverOutlivesAnOuterOne) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    env::Env& env = harness.env();
    const Instant start = env.clock.now();
    const Instant soon = start + microseconds(500);
    {
      const env::DeadlineScope outer(task, soon);
      const env::DeadlineScope inner(task, start + seconds(3600));
      HOLDS(task.deadline() == soon);
      FAILS_WITH(timed_out, env::sleep_until(task, start + seconds(1800)));
      HOLDS(env.clock.now() >= soon);
      // A wait past the deadline ends, and a nearer wait of its own is no error.
      FAILS_WITH(timed_out, env::sleep_until(task, start + seconds(1800)));
    }
    HOLDS(task.deadline() == Instant::max());
    MUST(env::sleep_until(task, env.clock.now() + microseconds(100)));
    return {};
  }));
}

TYPED_TEST_P(SchedulerContract, YieldLetsEveryOtherReadyTaskRun) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto&, env::Task& task) -> Verdict {
    constexpr int kTasks = 5;
    int ran = 0;
    Children children(task);
    for (int i = 0; i < kTasks; ++i) {
      children.spawn("ready", [&](env::Task&) { ++ran; });
    }
    task.scheduler().yield(task);
    HOLDS(ran == kTasks);
    return {};
  }));
}

TYPED_TEST_P(SchedulerContract, ALongRunIsToldToYield) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    env::Env& env = harness.env();
    env.scheduler.yield(task);
    // Time passes by itself or by what is charged, depending on the world.
    const Instant give_up = env.clock.now() + seconds(10);
    while (!env.scheduler.should_yield()) {
      env.scheduler.charge(microseconds(10));
      HOLDS(env.clock.now() < give_up);
    }
    env::yield_if_due(task);
    return {};
  }));
}

// Tasks that only ever yield must not keep timers from going off.
TYPED_TEST_P(SchedulerContract, BusyTasksDoNotStarveTimers) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    env::Env& env = harness.env();
    bool stop = false;
    Children children(task);
    for (int i = 0; i < 3; ++i) {
      children.spawn("busy", [&](env::Task& self) {
        while (!stop) {
          self.scheduler().charge(microseconds(20));
          self.scheduler().yield(self);
        }
      });
    }
    const Result<void> slept = env::sleep_until(task, env.clock.now() + milliseconds(3));
    stop = true;
    children.wait();
    HOLDS(slept.has_value());
    return {};
  }));
}

REGISTER_TYPED_TEST_SUITE_P(SchedulerContract, ClocksGoForward, TimersAreNeverEarlyAndAllGoOff,
                            ASpawnedTaskWaitsForItsParentToSuspend, TasksAreNamedAndKeyed,
                            UnparkWakesAParkedTaskAndIsDroppedForOthers,
                            CancelEndsEveryWaitExceptInAShield,
                            AnInnerDeadlineNeverOutlivesAnOuterOne, YieldLetsEveryOtherReadyTaskRun,
                            ALongRunIsToldToYield, BusyTasksDoNotStarveTimers);

}  // namespace flux::parity
