// Time, processes, faults on processes, decisions and the seam's hash.
#include "sim/world/world.h"

#include <gtest/gtest.h>

namespace flux::sim {
namespace {

using env::Task;

struct Watcher final : ProcessWatcher {
  void process_ended(Process& process, Exit exit) override {
    log.push_back(process.name() + " " + std::string(name_of(exit)));
  }
  std::vector<std::string> log;
};

class WorldTest : public ::testing::Test {
 protected:
  Process& add(const std::string& name, fiber::ReadyOrder order = fiber::ReadyOrder::fifo) {
    return world.add_process({.name = name, .order = order});
  }
  World world{{.seed = 1}};
  std::string said;
};

TEST_F(WorldTest, JumpsFromEventToEvent) {
  Process& process = add("p");
  process.start([&](Task& task) {
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(sleep_until(task, process.local_now() + seconds(3600)).has_value());
    }
    said = "three hours";
  });
  EXPECT_EQ(world.run_until(Time() + seconds(100'000)), RunEnd::idle);
  EXPECT_EQ(said, "three hours");
  EXPECT_LT(world.events(), 20U);
  EXPECT_FALSE(process.alive());
}

TEST_F(WorldTest, AKillDropsTheHeapWithoutUnwinding) {
  struct Says {
    std::string& said;
    ~Says() { said += "unwound"; }
  };
  Watcher watcher;
  world.watch_processes(watcher);
  Process& process = add("p");
  process.start([&](Task& task) {
    const auto kept = std::make_unique<Says>(said);
    std::vector<int> much(10'000);
    task.scheduler().park(task);
  });
  world.run_until(Time() + seconds(1));
  EXPECT_GE(process.heap_bytes(), 40'000U);
  process.end(Exit::killed);
  EXPECT_EQ(process.heap_bytes(), 0U);
  EXPECT_EQ(said, "");
  EXPECT_EQ(watcher.log, std::vector<std::string>{"p killed"});
  process.start([&](Task&) { said = "again"; });
  world.run_until(Time() + seconds(2));
  EXPECT_EQ(said, "again");
  EXPECT_EQ(process.incarnation(), 2U);
}

struct KillAtMark final : MarkListener {
  void reached(const Mark& mark, Process* process) override {
    if (std::string_view(mark.name) == "test.fatal" && process) process->end(Exit::power_cut);
  }
};

TEST_F(WorldTest, AMarkCanEndItsOwnProcess) {
  KillAtMark killer;
  world.watch_marks(killer);
  Process& process = add("p");
  process.start([&](Task&) {
    said += "before";
    REACHED("test.fatal");
    said += "after";
  });
  world.run_until(Time() + seconds(1));
  EXPECT_EQ(said, "before");
  EXPECT_FALSE(process.alive());
  EXPECT_EQ(process.heap_bytes(), 0U);
}

TEST_F(WorldTest, WorkTakesTime) {
  Process& process = add("p");
  Time effect;
  process.start([&](Task& task) {
    task.scheduler().charge(microseconds(700));
    effect = process.effect_time();
  });
  world.run_until(Time() + seconds(1));
  EXPECT_GE(effect.ns(), 700'000);
  EXPECT_LT(effect.ns(), 800'000);
}

using WorldDeathTest = WorldTest;
TEST_F(WorldDeathTest, ALongRunOfOneFiberIsACrash) {
  EXPECT_DEATH(
      {
        add("p").start([](Task& task) { task.scheduler().charge(milliseconds(3)); });
        world.run_until(Time() + seconds(1));
      },
      "longer than 2 ms.*main");
}

TEST_F(WorldTest, ALongLoopThatYieldsIsFine) {
  add("p").start([this](Task& task) {
    for (int i = 0; i < 100; ++i) {
      task.scheduler().charge(microseconds(300));
      yield_if_due(task);
    }
    said = "done";
  });
  world.run_until(Time() + seconds(1));
  EXPECT_EQ(said, "done");
}

TEST_F(WorldTest, APausedProcessMissesNothingButTime) {
  Process& process = add("p");
  Time woke;
  process.start([&](Task& task) {
    ASSERT_TRUE(sleep_until(task, process.local_now() + seconds(1)).has_value());
    woke = world.now();
  });
  world.run_until(Time() + milliseconds(500));
  process.pause();
  world.run_until(Time() + seconds(5));
  EXPECT_EQ(woke, Time());
  process.unpause();
  world.run_until(Time() + seconds(6));
  EXPECT_EQ(woke, Time() + seconds(5));
}

TEST_F(WorldTest, ADriftingClockStretchesItsTimers) {
  Process& process = add("p");
  process.clock().set_drift(100'000'000, world.now());  // a tenth too fast
  Time woke;
  process.start([&](Task& task) {
    ASSERT_TRUE(sleep_until(task, process.local_now() + seconds(11)).has_value());
    woke = world.now();
  });
  world.run_until(Time() + seconds(60));
  EXPECT_NEAR(static_cast<double>(woke.ns()), 10e9, 1e6);
}

TEST_F(WorldTest, TheWallClockJumpsAndTheMonotonicDoesNot) {
  Process& process = add("p");
  const Instant before = process.local_now();
  const WallTime wall = process.wall_now();
  process.clock().jump_wall(seconds(-3600));
  EXPECT_EQ(process.local_now(), before);
  EXPECT_EQ((process.wall_now() - wall).ns(), -seconds(3600).ns());
  EXPECT_EQ(process.clock().true_wall(world.now()), wall);
}

TEST_F(WorldTest, ACleanStopIsAskedForAndUnwinds) {
  Process& process = add("p");
  process.start([&](Task& task) {
    const env::TaskHandle self = task.handle();
    process.on_stop([&process, self] { process.loop().cancel(self); });
    task.scheduler().park(task);
    said = "stopped";
  });
  world.run_until(Time() + seconds(1));
  EXPECT_TRUE(process.request_stop());
  world.run_until(Time() + seconds(2));
  EXPECT_EQ(said, "stopped");
}

std::uint64_t hash_of_run(std::uint64_t seed, bool traced, std::string* trace = nullptr) {
  World world({.seed = seed});
  if (traced) {
    world.trace().open(
        [trace](std::string_view line) {
          if (trace) *trace += std::string(line) + "\n";
        },
        env::Severity::debug);
  }
  Process& process = world.add_process({.name = "p", .order = fiber::ReadyOrder::hosted});
  process.start([&](Task& task) {
    for (std::uint64_t i = 0; i < 5000; ++i) {
      const std::uint64_t wait = world.decisions().draw(key("wait").with(i), 1000, "wait");
      ASSERT_TRUE(
          sleep_until(task, process.local_now() + nanoseconds(static_cast<std::int64_t>(wait)))
              .has_value());
      process.seam(SeamKind::output, i, wait, 0);
      world.note(&process, env::Severity::info, "test.step", {{"i", i}});
    }
  });
  world.run_until(Time() + seconds(10));
  EXPECT_EQ(world.seam().count(), 5002U);
  EXPECT_EQ(world.seam().checkpoints().size(), 4U);
  return world.seam().hash();
}

TEST(Seam, OneSeedOneHashWhateverIsTraced) {
  std::string trace;
  const std::uint64_t plain = hash_of_run(5, false);
  EXPECT_EQ(plain, hash_of_run(5, false));
  EXPECT_EQ(plain, hash_of_run(5, true, &trace));
  EXPECT_NE(plain, hash_of_run(6, false));
  EXPECT_NE(trace.find("\"event\":\"test.step\",\"i\":4999"), std::string::npos);
}

TEST(Seam, WatchShowsExactlyTheWindow) {
  Seam seam;
  std::vector<std::uint64_t> seen;
  seam.watch(3, 5, [&](const SeamEvent& event) { seen.push_back(event.a); });
  std::uint64_t process_hash = 0;
  for (std::uint64_t i = 0; i < 10; ++i) {
    seam.fold(process_hash, 1, Time(), SeamKind::output, i * 10, 0, 0);
  }
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{30, 40}));
}

// Any single field of any event must matter.
TEST(Seam, EveryFieldIsInTheHash) {
  const auto hash = [](std::uint32_t process, std::int64_t at, SeamKind kind, std::uint64_t a,
                       std::uint64_t b, std::uint64_t digest) {
    Seam seam;
    std::uint64_t process_hash = 0;
    seam.fold(process_hash, process, Time(at), kind, a, b, digest);
    return seam.hash();
  };
  const std::uint64_t base = hash(1, 2, SeamKind::read, 4, 5, 6);
  EXPECT_NE(base, hash(2, 2, SeamKind::read, 4, 5, 6));
  EXPECT_NE(base, hash(1, 3, SeamKind::read, 4, 5, 6));
  EXPECT_NE(base, hash(1, 2, SeamKind::write, 4, 5, 6));
  EXPECT_NE(base, hash(1, 2, SeamKind::read, 5, 5, 6));
  EXPECT_NE(base, hash(1, 2, SeamKind::read, 4, 6, 6));
  EXPECT_NE(base, hash(1, 2, SeamKind::read, 4, 5, 7));
}

TEST(Decisions, ATapePlaysBackAndOneEditLeavesTheOthers) {
  const auto draw_all = [](Decisions& decisions) {
    std::vector<std::uint64_t> values;
    for (std::uint64_t i = 0; i < 50; ++i) {
      values.push_back(decisions.draw(key("d").with(i), 1000, "d"));
    }
    return values;
  };
  Decisions first(9);
  first.record();
  const std::vector<std::uint64_t> values = draw_all(first);
  std::vector<Decision> tape = first.recorded();
  ASSERT_EQ(tape.size(), 50U);
  EXPECT_EQ(tape[7].label, "d");

  Decisions replay(0);  // another seed: the tape wins
  replay.play(tape);
  EXPECT_EQ(draw_all(replay), values);
  EXPECT_EQ(replay.tape_use().used, 50U);
  EXPECT_EQ(replay.tape_use().off_tape, 0U);

  tape[7].value = (tape[7].value + 1) % 1000;
  Decisions edited(9);
  edited.play(tape);
  std::vector<std::uint64_t> expected = values;
  expected[7] = tape[7].value;
  EXPECT_EQ(draw_all(edited), expected);

  tape.erase(tape.begin() + 7);
  Decisions shorter(9);
  shorter.play(tape);
  EXPECT_EQ(draw_all(shorter), values) << "what is not on the tape comes from the seed";
  EXPECT_EQ(shorter.tape_use().off_tape, 1U);
}

TEST(EventQueue, OrdersByTimeThenByArrival) {
  struct Target final : EventTarget {
    void fire(std::uint64_t) override {}
  } target;
  EventQueue queue;
  std::vector<std::pair<std::int64_t, std::uint64_t>> expected;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const auto at = static_cast<std::int64_t>(keyed_below(3, key("at").with(i), 100));
    queue.push(Time(at), target, i, 0);
    expected.emplace_back(at, i);
  }
  std::sort(expected.begin(), expected.end());  // by time, then by order of arrival
  for (const auto& [at, argument] : expected) {
    const Event event = queue.pop();
    ASSERT_EQ(event.at.ns(), at);
    ASSERT_EQ(event.argument, argument);
  }
  EXPECT_TRUE(queue.empty());
}

TEST(NodeHeap, DropsWhatIsLeftAndFreesFromAnywhere) {
  NodeHeap heap;
  std::unique_ptr<std::string> survivor;
  {
    const HeapScope scope(&heap);
    for (int i = 0; i < 1000; ++i) static_cast<void>(new std::string(100, 'x'));
    survivor = std::make_unique<std::string>(100, 'y');
    struct alignas(128) Wide {
      char bytes[128];
    };
    auto wide = std::make_unique<Wide>();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(wide.get()) % 128, 0U);
    const WorldScope world;
    survivor.reset();  // freed where it was allocated, whoever is current
  }
  EXPECT_EQ(heap.blocks(), 2000U);
  heap.drop();
  EXPECT_EQ(heap.blocks(), 0U);
  EXPECT_EQ(heap.bytes(), 0U);
}

}  // namespace
}  // namespace flux::sim
