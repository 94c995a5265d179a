// The turns of the loop: how a run ends, how signals arrive, how long runs are measured.
#include <ctime>
#include <signal.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/unit/real/os/test_env.h"

namespace flux::os {
namespace {

TEST(RealEnv, RunGivesTheStatusOfTheMainTaskAndMayBeCalledAgain) {
  TestEnv world;
  EXPECT_EQ(world.real().run([](env::Task&) { return 3; }), 3);
  EXPECT_EQ(world.real().run([](env::Task& task) {
    task.scheduler().yield(task);
    return 4;
  }),
            4);
}

TEST(RealEnv, OtherTasksAreCancelledWhenTheMainTaskEnds) {
  TestEnv world;
  bool told = false;
  world.real().run([&](env::Task& task) {
    task.scheduler().spawn("forever", [&](env::Task& self) {
      while (self.scheduler().park(self) != env::Wake::cancelled) {
      }
      told = true;
    });
    return 0;
  });
  EXPECT_TRUE(told);
}

TEST(RealEnv, SigtermCallsBackInsideTheLoop) {
  TestEnv world;
  int number = 0;
  bool stop = false;
  env::TaskHandle main_task;
  const int status = world.real().run(
      [&](env::Task& task) {
        main_task = task.handle();
        ::raise(SIGTERM);
        ::raise(SIGTERM);
        while (!stop) task.scheduler().park(task);
        return 7;
      },
      [&](int signal_number) {
        number = signal_number;
        stop = true;
        world.env().scheduler.unpark(main_task);
      });
  EXPECT_EQ(status, 7);
  EXPECT_EQ(number, SIGTERM);
}

TEST(RealEnv, WithoutACallbackASignalCancelsTheMainTask) {
  TestEnv world;
  const int status = world.real().run([&](env::Task& task) {
    ::raise(SIGINT);
    const auto slept = env::sleep_until(task, world.env().clock.now() + seconds(3600));
    return slept || slept.error().code() != ErrorCode::cancelled ? 1 : 0;
  });
  EXPECT_EQ(status, 0);
}

TEST(RealEnv, ARunOverTheLimitIsMeasured) {
  TestEnv world;
  world.run([&](env::Task& task) {
    task.scheduler().yield(task);
    task.scheduler().spawn("hog", [&](env::Task&) {
      // By use of the processor: a busy machine gives a task less than the clock says.
      const std::clock_t until = std::clock() + CLOCKS_PER_SEC / 100;
      while (std::clock() < until) {
      }
    });
  });
  const Reactor::Runs& runs = world.real().runs();
  EXPECT_GE(runs.over_limit, 1U);
  EXPECT_GT(runs.longest, Reactor::kRunLimit);
}

TEST(RealEnv, ARunThatOnlyWaitedIsToldApart) {
  TestEnv world;
  world.run([&](env::Task& task) {
    task.scheduler().spawn("waiter", [&](env::Task&) { ::usleep(5'000); });
  });
  EXPECT_GE(world.real().runs().stalled, 1U);
}

TEST(RealEnv, TellsWhichDiskEngineItUses) {
  TestEnv threads(DiskEngineChoice::threads);
  EXPECT_EQ(threads.real().disk_engine(), "threads");
}

TEST(RealEnv, AutomaticTakesIoUringOrSaysWhyNot) {
  TestEnv world;
  if (world.real().disk_engine() == "io_uring") {
    EXPECT_EQ(world.real().why_no_uring(), "");
  } else {
    EXPECT_NE(world.real().why_no_uring(), "");
  }
}

}  // namespace
}  // namespace flux::os
