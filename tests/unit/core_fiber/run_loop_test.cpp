// The scheduler that both worlds run.
#include "core/fiber/run_loop.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace flux::fiber {
namespace {

using env::Task;
using env::Wake;

class PlainHost final : public Host {
 public:
  void charge(Duration) override {}
  bool should_yield() override { return false; }
  std::uint64_t cause() override { return now_cause; }
  void before_resume(const Task& task, std::uint64_t cause) override {
    log.push_back(std::string(task.name()) + "/" + std::to_string(cause));
  }
  bool after_resume(const Task&) override { return true; }
  std::uint64_t ready_order(const Task& task, std::uint64_t wake) override {
    return keyed_u64(seed, task.key().with(wake));
  }
  std::uint64_t now_cause = 0;
  std::uint64_t seed = 0;
  std::vector<std::string> log;
};

class RunLoopTest : public ::testing::Test {
 protected:
  ~RunLoopTest() override { loop.kill(); }
  StackPool stacks{{.stacks_max = 1024, .watermarks = true}};
  PlainHost host;
  RunLoop loop{stacks, host, key("node")};
  std::string said;
};

TEST_F(RunLoopTest, RunsFirstComeFirstServed) {
  for (const char* name : {"a", "b", "c"}) {
    loop.spawn(name, [this](Task& task) {
      said += task.name();
      task.scheduler().yield(task);
      said += task.name();
    });
  }
  loop.run(Instant(0));
  EXPECT_EQ(said, "abcabc");
  EXPECT_EQ(loop.live(), 0U);
}

TEST_F(RunLoopTest, SleepsUntilItsTimeAndNoLonger) {
  loop.spawn("sleeper", [this](Task& task) {
    EXPECT_TRUE(sleep_until(task, Instant(100)).has_value());
    said += "woke";
  });
  loop.run(Instant(0));
  EXPECT_EQ(loop.next_timer(), Instant(100));
  loop.run(Instant(99));
  EXPECT_EQ(said, "");
  loop.run(Instant(100));
  EXPECT_EQ(said, "woke");
}

TEST_F(RunLoopTest, TheEarlierDeadlineWins) {
  loop.spawn("t", [this](Task& task) {
    const env::DeadlineScope outer(task, Instant(50));
    {
      const env::DeadlineScope inner(task, Instant(80));
      EXPECT_EQ(task.deadline(), Instant(50));
    }
    EXPECT_EQ(sleep_until(task, Instant(70)).error(), ErrorCode::timed_out);
    said += "done";
  });
  loop.run(Instant(0));
  loop.run(Instant(50));
  EXPECT_EQ(said, "done");
}

// A wait that is ended early and begun again with a later deadline must not be ended by the first
// one.
TEST_F(RunLoopTest, AnOldTimerDoesNotEndANewWait) {
  env::TaskHandle handle = loop.spawn("t", [this](Task& task) {
    EXPECT_EQ(task.scheduler().park(task, Instant(10)), Wake::ready);
    EXPECT_EQ(task.scheduler().park(task, Instant(30)), Wake::timed_out);
    said += "30";
  });
  loop.run(Instant(0));
  loop.unpark(handle);
  loop.run(Instant(5));
  loop.run(Instant(10));
  EXPECT_EQ(said, "");
  EXPECT_EQ(loop.next_timer(), Instant(30));
  loop.run(Instant(30));
  EXPECT_EQ(said, "30");
}

TEST_F(RunLoopTest, AnEarlierDeadlineAfterALaterOneIsKept) {
  env::TaskHandle handle = loop.spawn("t", [this](Task& task) {
    EXPECT_EQ(task.scheduler().park(task, Instant(30)), Wake::ready);
    EXPECT_EQ(task.scheduler().park(task, Instant(10)), Wake::timed_out);
    said += "10";
  });
  loop.run(Instant(0));
  loop.unpark(handle);
  loop.run(Instant(1));
  loop.run(Instant(10));
  EXPECT_EQ(said, "10");
}

TEST_F(RunLoopTest, CancelEndsThisWaitAndAllLaterOnes) {
  env::TaskHandle handle = loop.spawn("t", [this](Task& task) {
    EXPECT_EQ(task.scheduler().park(task), Wake::cancelled);
    EXPECT_EQ(sleep_until(task, Instant(5)).error(), ErrorCode::cancelled);
    const env::Shield shield(task);
    EXPECT_TRUE(sleep_until(task, Instant(20)).has_value());
    said += "shielded";
  });
  loop.run(Instant(0));
  loop.cancel(handle);
  loop.run(Instant(1));
  EXPECT_EQ(said, "");
  loop.run(Instant(20));
  EXPECT_EQ(said, "shielded");
}

TEST_F(RunLoopTest, AHandleOfAnEndedTaskNamesNobody) {
  const env::TaskHandle first = loop.spawn("first", [](Task&) {});
  loop.run(Instant(0));
  const env::TaskHandle second =
      loop.spawn("second", [](Task& task) { task.scheduler().park(task); });
  loop.run(Instant(0));
  EXPECT_EQ(first.index, second.index);
  loop.unpark(first);
  loop.cancel(first);
  EXPECT_FALSE(loop.ready());
  EXPECT_EQ(loop.live(), 1U);
}

TEST_F(RunLoopTest, KillDropsWithoutUnwinding) {
  struct Says {
    std::string& said;
    ~Says() { said += "unwound"; }
  };
  loop.spawn("t", [this](Task& task) {
    const Says says{said};
    task.scheduler().park(task);
  });
  loop.run(Instant(0));
  EXPECT_EQ(stacks.in_use(), 1U);
  loop.kill();
  EXPECT_EQ(said, "");
  EXPECT_EQ(stacks.in_use(), 0U);
  EXPECT_GT(stacks.deepest(env::StackSize::normal), 0U);
}

// As a daemon's environment does whose main task is run a second time.
TEST_F(RunLoopTest, TasksMayBeSpawnedAfterAKill) {
  const env::TaskHandle ended = loop.spawn("ended", [](Task&) {});
  loop.run(Instant(0));
  std::vector<env::TaskHandle> old = {ended};
  for (const char* name : {"reused", "fresh"}) {
    old.push_back(loop.spawn(name, [](Task& task) { task.scheduler().park(task, Instant(5)); }));
  }
  loop.run(Instant(0));
  loop.kill();
  EXPECT_EQ(loop.next_timer(), Instant::max());

  for (int i = 0; i < 3; ++i) {
    loop.spawn("new", [this](Task& task) {
      said += "n";
      EXPECT_EQ(task.scheduler().park(task, Instant(20)), Wake::timed_out);
      said += "w";
    });
  }
  EXPECT_EQ(loop.live(), 3U);
  loop.run(Instant(1));
  EXPECT_EQ(said, "nnn");
  for (const env::TaskHandle handle : old) {
    loop.unpark(handle);
    loop.cancel(handle);
  }
  EXPECT_FALSE(loop.ready()) << "a handle from before the kill named a task of after it";
  loop.run(Instant(20));
  EXPECT_EQ(said, "nnnwww");
  EXPECT_EQ(loop.live(), 0U);
  EXPECT_EQ(stacks.in_use(), 0U);
}

TEST_F(RunLoopTest, ATaskCanLetItsNodeDieOnTheSpot) {
  loop.spawn("t", [this](Task&) {
    said += "before";
    loop.abandon();
  });
  loop.spawn("u", [this](Task&) { said += "never"; });
  loop.run(Instant(0));
  EXPECT_TRUE(loop.abandoned());
  EXPECT_EQ(said, "before");
  loop.kill();
  EXPECT_FALSE(loop.abandoned());
}

TEST_F(RunLoopTest, KeysNameTasksByAncestryNotByCount) {
  std::vector<std::uint64_t> keys;
  const auto parent = [&](Task& task) {
    for (int i = 0; i < 2; ++i) {
      task.scheduler().spawn("child", [&](Task& child) { keys.push_back(child.key().value); });
    }
  };
  loop.spawn("p", parent);
  loop.spawn("q", parent);
  loop.run(Instant(0));
  const std::vector<std::uint64_t> both = keys;
  keys.clear();
  StackPool other_stacks;
  RunLoop other(other_stacks, host, key("node"));
  other.spawn("p", parent);
  other.run(Instant(0));
  ASSERT_EQ(both.size(), 4U);
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[0], both[0]);
  EXPECT_EQ(keys[1], both[1]);
  EXPECT_NE(keys[0], keys[1]);
}

TEST(StackPool, EachClassHasItsShare) {
  StackPool pool({.stacks_max = 128});
  std::vector<Stack> held;
  while (const auto stack = pool.acquire(env::StackSize::normal)) held.push_back(*stack);
  EXPECT_EQ(held.size(), pool.share(env::StackSize::normal));
  while (const auto stack = pool.acquire(env::StackSize::large)) held.push_back(*stack);
  EXPECT_EQ(held.size(), 128U);
  for (const Stack& stack : held) pool.release(stack);
  const auto again = pool.acquire(env::StackSize::normal);
  ASSERT_TRUE(again);
  pool.release(*again);
}

TEST_F(RunLoopTest, FibersBeyondTheStacksBeginWhenOneIsGivenBack) {
  StackPool few({.stacks_max = 128});
  const auto count = static_cast<int>(few.share(env::StackSize::large)) * 3;
  RunLoop crowded(few, host, key("node"));
  std::vector<int> began;
  std::vector<env::TaskHandle> handles;
  for (int i = 0; i < count; ++i) {
    handles.push_back(crowded.spawn(
        "t",
        [&, i](Task& task) {
          began.push_back(i);
          EXPECT_TRUE(task.scheduler().room_for(env::StackSize::normal));
          EXPECT_FALSE(began.size() < few.share(env::StackSize::large) &&
                       task.scheduler().room_for(env::StackSize::large))
              << "others are in line";
          EXPECT_EQ(task.scheduler().park(task), i == count - 1 ? Wake::cancelled : Wake::ready);
        },
        env::StackSize::large));
  }
  crowded.run(Instant(0));
  EXPECT_EQ(began.size(), few.share(env::StackSize::large));
  EXPECT_EQ(crowded.live(), static_cast<std::size_t>(count));
  crowded.cancel(handles.back());
  crowded.unpark(handles[handles.size() - 2]);  // it has not begun: nothing to wake
  for (const env::TaskHandle handle : handles) {
    crowded.unpark(handle);
    crowded.run(Instant(0));
  }
  EXPECT_EQ(crowded.live(), 0U);
  EXPECT_EQ(few.in_use(), 0U);
  EXPECT_TRUE(std::ranges::is_sorted(began));
  EXPECT_EQ(began.size(), static_cast<std::size_t>(count));
}

TEST_F(RunLoopTest, AKillForgetsFibersThatHadNoStack) {
  StackPool few({.stacks_max = 128});
  RunLoop crowded(few, host, key("node"));
  for (int i = 0; i < 500; ++i) {
    crowded.spawn("t", [](Task& task) { task.scheduler().park(task); });
  }
  crowded.run(Instant(0));
  crowded.kill();
  EXPECT_EQ(few.in_use(), 0U);
  EXPECT_EQ(crowded.live(), 0U);
  crowded.run(Instant(0));
  EXPECT_EQ(few.in_use(), 0U);
}

TEST_F(RunLoopTest, AWakeCarriesItsCause) {
  const env::TaskHandle handle = loop.spawn("t", [](Task& task) { task.scheduler().park(task); });
  loop.run(Instant(0));
  host.now_cause = 77;
  loop.unpark(handle);
  host.now_cause = 78;
  host.log.clear();
  loop.run(Instant(0));
  EXPECT_EQ(host.log, std::vector<std::string>{"t/77"});
}

TEST_F(RunLoopTest, HostedOrderFollowsTheHost) {
  std::vector<std::string> orders;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    host.seed = seed;
    said.clear();
    RunLoop hosted(stacks, host, key("node"), ReadyOrder::hosted);
    for (const char* name : {"a", "b", "c"}) {
      hosted.spawn(name, [this](Task& task) { said += task.name(); });
    }
    hosted.run(Instant(0));
    orders.push_back(said);
  }
  std::sort(orders.begin(), orders.end());
  orders.erase(std::unique(orders.begin(), orders.end()), orders.end());
  EXPECT_GT(orders.size(), 3U) << "of the six orders of three tasks";
}

TEST_F(RunLoopTest, AForcedTimerComesEarly) {
  loop.spawn("t", [this](Task& task) {
    EXPECT_EQ(task.scheduler().park(task, Instant(1000)), Wake::timed_out);
    said += "early";
  });
  loop.run(Instant(0));
  loop.force_timer(Instant(1));
  loop.run(Instant(1));
  EXPECT_EQ(said, "early");
}

using RunLoopDeathTest = RunLoopTest;

TEST_F(RunLoopDeathTest, NoSuspendMeansNoSuspend) {
  EXPECT_DEATH(
      {
        loop.spawn("t", [](Task& task) {
          const env::NoSuspend atomic(task);
          task.scheduler().park(task);
        });
        loop.run(Instant(0));
      },
      "NoSuspend");
}

}  // namespace
}  // namespace flux::fiber
