// The simulated disk in a world: calls of a node, kills in the middle of them, and the machine.

#include <gtest/gtest.h>

#include "sim/env/sim_disk.h"

namespace flux::sim {
namespace {

using env::Open;
using env::Task;

DiskHabits quiet() {
  DiskHabits habits;
  habits.power_cut.write_back = kNever;
  return habits;
}

// One machine with two processes, each with a data root of its own.
struct Machine {
  explicit Machine(std::uint64_t seed = 1, const DiskHabits& habits = quiet())
      : world({seed, {}}),
        disk(world, "host", habits),
        one(world.add_process({"one"})),
        two(world.add_process({"two"})),
        disk_one(disk, one, "/data/one"),
        disk_two(disk, two, "/data/two") {}

  void run(Process& process, Process::Main main, Duration length = seconds(10)) {
    process.start(std::move(main));
    world.run_until(world.now() + length);
  }
  void run(Process::Main main) {
    run(one, std::move(main));
    EXPECT_FALSE(one.alive()) << "the main function came to its end";
  }
  std::string content(const std::string& path) {
    const Inode inode = disk.image().find(path);
    return inode == kNoInode ? "none" : std::string(as_text(disk.image().pristine(inode)));
  }

  World world;
  MachineDisk disk;
  Process& one;
  Process& two;
  SimDisk disk_one;
  SimDisk disk_two;
};

std::string text_of(Task& task, env::Disk& disk, std::string_view path) {
  const Result<Bytes> bytes = env::read_file(task, disk, path, 1'000'000);
  return bytes ? std::string(as_text(*bytes)) : bytes.error().to_string();
}

TEST(MachineDisk, KeepsWhatIsWritten) {
  Machine m;
  m.run([&](Task& task) {
    EXPECT_TRUE(env::make_directories(task, m.disk_one, "a/b"));
    EXPECT_TRUE(env::replace_file(task, m.disk_one, "a/b/f", as_bytes("hello")));
    EXPECT_EQ(text_of(task, m.disk_one, "a/b/f"), "hello");
    EXPECT_EQ(text_of(task, m.disk_one, "/data/one/a/b/f"), "hello");
    EXPECT_FALSE(m.disk_one.open(task, "/data/two/a/b/f", Open::read));
  });
  EXPECT_EQ(m.one.heap_bytes(), 0U);
  EXPECT_EQ(m.content("/data/one/a/b/f"), "hello");
}

TEST(MachineDisk, OperationsTakeTime) {
  Machine m;
  Time ended;
  m.run([&](Task& task) {
    auto file = std::move(*m.disk_one.open(task, "f", Open::create));
    for (int i = 0; i < 10; ++i) {
      EXPECT_TRUE(file->write_at(task, static_cast<std::uint64_t>(i), as_bytes("x")));
      EXPECT_TRUE(file->sync(task));
    }
    ended = m.world.now();
  });
  EXPECT_GT(ended, Time(microseconds(10 * 200).ns()));
}

TEST(MachineDisk, AKillKeepsCompletedWritesAndAPowerCutDoesNot) {
  for (const bool power : {false, true}) {
    DiskHabits habits = quiet();
    habits.power_cut.survival = {1, 0, 0, 0, 0};
    habits.power_cut.size_alone = kNever;
    Machine m(1, habits);
    m.run(
        m.one,
        [&](Task& task) {
          auto file = std::move(*m.disk_one.open(task, "f", Open::create));
          EXPECT_TRUE(file->write_at(task, 0, as_bytes("synced ")));
          EXPECT_TRUE(file->sync(task));
          EXPECT_TRUE(m.disk_one.sync_directory(task, "."));
          EXPECT_TRUE(file->write_at(task, 7, as_bytes("not")));
          task.scheduler().park(task);
        },
        seconds(1));
    const std::uint64_t boot = m.disk.boot_id();
    m.one.end(power ? Exit::power_cut : Exit::killed);
    if (power) m.disk.power_cut();
    EXPECT_EQ(m.content("/data/one/f"), power ? "synced " : "synced not");
    EXPECT_EQ(m.disk.boot_id() == boot, !power);
  }
}

// Over seeds, an operation in flight at a kill is seen done, not done, and a write in part.
TEST(MachineDisk, AKillFindsOperationsInFlightInEveryState) {
  int none = 0;
  int part = 0;
  int whole = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    DiskHabits habits = quiet();
    habits.speed.write = {seconds(2), seconds(3)};
    Machine m(seed, habits);
    m.run(
        m.one,
        [&](Task& task) {
          auto file = std::move(*m.disk_one.open(task, "f", Open::create));
          const Bytes bytes(1000, std::byte{7});
          static_cast<void>(file->write_at(task, 0, bytes));
        },
        seconds(1));
    m.one.end(Exit::killed);
    EXPECT_EQ(m.one.heap_bytes(), 0U);
    const std::size_t size = m.content("/data/one/f").size();
    (size == 0 ? none : size == 1000 ? whole : part) += 1;
    m.world.run_until(m.world.now() + seconds(10));  // its completion finds nobody
  }
  EXPECT_GT(none, 0);
  EXPECT_GT(part, 0);
  EXPECT_GT(whole, 0);
}

TEST(MachineDisk, AHungDiskCompletesNothingUntilItResumes) {
  Machine m;
  m.disk.hang();
  bool opened = false;
  m.run(
      m.one,
      [&](Task& task) {
        const env::DeadlineScope passed(task, m.one.local_now());
        opened = m.disk_one.open(task, "f", Open::create).has_value();
      },
      seconds(100));
  EXPECT_TRUE(m.one.alive());
  EXPECT_FALSE(opened);
  m.disk.resume();
  m.world.run_until(m.world.now() + seconds(1));
  EXPECT_TRUE(opened);
  EXPECT_EQ(m.disk.image().counted(DiskCounter::hang), 1U);
}

TEST(MachineDisk, AHungDiskDoesNotHoldBackAKill) {
  Machine m;
  m.disk.hang();
  m.run(m.one, [&](Task& task) { static_cast<void>(m.disk_one.open(task, "f", Open::create)); });
  m.one.end(Exit::killed);
  m.disk.resume();
  m.world.run_until(m.world.now() + seconds(1));
  EXPECT_EQ(m.content("/data/one/f"), "none");
}

TEST(MachineDisk, NeitherDeadlineNorCancellationInterrupts) {
  Machine m;
  m.run([&](Task& task) {
    const Instant deadline = m.one.local_now();
    const env::DeadlineScope passed(task, deadline);
    task.scheduler().cancel(task.handle());
    EXPECT_TRUE(env::replace_file(task, m.disk_one, "f", as_bytes("whole")));
    EXPECT_EQ(text_of(task, m.disk_one, "f"), "whole");
    EXPECT_TRUE(task.cancelled());
    EXPECT_EQ(task.deadline(), deadline);
  });
}

TEST(MachineDisk, LocksHoldAgainstOtherProcessesAndEndWithTheProcess) {
  Machine m;
  m.run(
      m.one,
      [&](Task& task) {
        auto file = std::move(*m.disk_one.open(task, "/data/lock", Open::create));
        EXPECT_TRUE(file->lock(task));
        auto again = std::move(*m.disk_one.open(task, "/data/lock", Open::create));
        EXPECT_TRUE(again->lock(task));
        again.reset();
        task.scheduler().park(task);
      },
      seconds(1));
  bool taken = false;
  const auto try_it = [&](Task& task) {
    auto file = std::move(*m.disk_two.open(task, "/data/lock", Open::create));
    taken = file->lock(task).has_value();
  };
  m.run(m.two, try_it, seconds(1));
  EXPECT_FALSE(taken);
  m.one.end(Exit::killed);
  m.run(m.two, try_it, seconds(1));
  EXPECT_TRUE(taken);
}

TEST(MachineDisk, AProcessHasALimitOfOpenFiles) {
  DiskHabits habits = quiet();
  habits.limits.open_files_max = 2;
  Machine m(1, habits);
  m.run([&](Task& task) {
    auto a = m.disk_one.open(task, "a", Open::create);
    auto b = m.disk_one.open(task, "b", Open::create);
    EXPECT_TRUE(a && b);
    EXPECT_EQ(m.disk_one.open(task, "c", Open::create).error().code(), ErrorCode::too_many_files);
    b->reset();
    EXPECT_TRUE(m.disk_one.open(task, "c", Open::create));
  });
}

TEST(MachineDisk, SlownessShows) {
  const auto length_of = [](const DiskHabits& habits) {
    Machine m(1, habits);
    Time ended;
    m.run([&](Task& task) {
      auto file = std::move(*m.disk_one.open(task, "f", Open::create));
      for (std::uint64_t i = 0; i < 20; ++i) {
        EXPECT_TRUE(file->write_at(task, i * 10'000, Bytes(10'000)));
        EXPECT_TRUE(file->sync(task));
      }
      ended = m.world.now();
    });
    return ended - Time();
  };
  DiskHabits habits = quiet();
  const Duration usual = length_of(habits);
  habits.speed.slowdown = 10;
  EXPECT_GT(length_of(habits), usual * 5);
  habits = quiet();
  habits.speed.operations_per_second = 10;
  EXPECT_GE(length_of(habits), seconds(2));
  habits = quiet();
  habits.speed.bytes_per_second = 100'000;
  EXPECT_GE(length_of(habits), seconds(2));
}

TEST(MachineDisk, OneSeedIsOneHash) {
  const auto hash_of = [](std::uint64_t seed) {
    DiskHabits habits = quiet();
    habits.chances.write_error = ratio(1, 10);
    habits.chances.rot = ratio(1, 10);
    Machine m(seed, habits);
    m.run([&](Task& task) {
      auto file = std::move(*m.disk_one.open(task, "f", Open::create));
      for (std::uint64_t i = 0; i < 50; ++i) {
        static_cast<void>(file->write_at(task, i * 100, Bytes(100, std::byte{1})));
        Bytes back(100);
        static_cast<void>(file->read_at(task, i * 100, back));
      }
      static_cast<void>(file->sync(task));
      EXPECT_EQ(m.disk_one.list(task, ".")->size(), 1U);
      EXPECT_LT(m.disk_one.space(task)->free_bytes, m.disk_one.space(task)->total_bytes);
    });
    return m.world.seam().hash();
  };
  EXPECT_EQ(hash_of(1), hash_of(1));
  EXPECT_NE(hash_of(1), hash_of(2));
}

}  // namespace
}  // namespace flux::sim
