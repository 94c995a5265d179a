// The turns of the loop: how a run ends, how signals arrive, how long runs are measured.
#include <array>
#include <cstdlib>
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

TEST(RealEnv, SighupIsTakenUnlessItIsIgnored) {
  TestEnv world;
  const auto hang_up = [&] {
    return world.real().run([&](env::Task& task) {
      ::raise(SIGHUP);
      const auto slept = env::sleep_until(task, world.env().clock.now() + milliseconds(50));
      return slept ? 1 : 2;
    });
  };
  EXPECT_EQ(hang_up(), 2);
  const auto before = ::signal(SIGHUP, SIG_IGN);
  EXPECT_EQ(hang_up(), 1);
  ::signal(SIGHUP, before);
}

// A device that answers when it is told to: helper threads sit in a read of a pipe.
class SlowDevice {
 public:
  SlowDevice() { CHECK(::pipe(ends_.data()) == 0); }
  ~SlowDevice() {
    for (const int end : ends_) ::close(end);
  }
  // Runs as an operation of the engine, until the device answers.
  std::int64_t operation() {
    char taken = 0;
    return ::read(ends_[0], &taken, 1);
  }
  void answer() { CHECK(::write(ends_[1], "x", 1) == 1); }

 private:
  std::array<int, 2> ends_{};
};

constexpr int kHung = 9;

RealEnvConfig watchful(const TemporaryFolder& folder) {
  RealEnvConfig config;
  config.data_root = folder.path();
  config.trace.severity_min = env::Severity::error;
  config.end_grace = milliseconds(10);
  config.disk_quiet_max = milliseconds(300);
  config.on_disk_hangs = [] { std::_Exit(kHung); };
  return config;
}

TEST(RealEnvDeathTest, AStopDoesNotWaitForAHungDisk) {
  const TemporaryFolder folder;
  SlowDevice device;
  const auto stop = [&] {
    const auto env = std::move(*RealEnv::create(watchful(folder)));
    std::exit(env->run([&](env::Task& task) {
      ::raise(SIGTERM);
      return static_cast<int>(env->engine().run_blocking(task, [&] { return device.operation(); }));
    }));
  };
  EXPECT_EXIT(stop(), ::testing::ExitedWithCode(kHung), "event=process.disk_hangs operations=1");
}

TEST(RealEnvDeathTest, TheEndDoesNotWaitForAHungDisk) {
  const TemporaryFolder folder;
  SlowDevice device;
  const auto end = [&] {
    const auto env = std::move(*RealEnv::create(watchful(folder)));
    std::exit(env->run([&](env::Task& main_task) {
      main_task.scheduler().spawn("write", [&](env::Task& task) {
        env->engine().run_blocking(task, [&] { return device.operation(); });
      });
      main_task.scheduler().yield(main_task);
      return 0;
    }));
  };
  EXPECT_EXIT(end(), ::testing::ExitedWithCode(kHung), "event=process.disk_hangs operations=1");
}

// What is slow and goes on is waited for, and so is whoever waits for something else than the disk.
TEST(RealEnv, AStopWaitsForASlowDisk) {
  const TemporaryFolder folder;
  SlowDevice device;
  RealEnvConfig config = watchful(folder);
  config.disk_quiet_max = seconds(1);
  config.on_disk_hangs = [] { CHECK(false, "taken for hung"); };
  const auto env = std::move(*RealEnv::create(config));
  const auto wait = [&](env::Task& task, Duration length) {
    EXPECT_TRUE(env::sleep_until(task, env->env().clock.now() + length));
  };
  const int status = env->run(
      [&](env::Task& main_task) {
        ::raise(SIGTERM);
        wait(main_task, milliseconds(1200));
        main_task.scheduler().spawn("device", [&](env::Task& task) {
          const env::Shield shield(task);
          for (int i = 0; i < 6; ++i) {
            wait(task, milliseconds(200));
            device.answer();
          }
        });
        for (int i = 0; i < 6; ++i) {
          EXPECT_EQ(env->engine().run_blocking(main_task, [&] { return device.operation(); }), 1);
        }
        return 5;
      },
      [](int) {});
  EXPECT_EQ(status, 5);
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
