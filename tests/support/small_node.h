// SmallNode: the environment of one node for tests of core: a simulated disk, real fibers, a clock
// that stands still while anything can run, and no network.
//
//   SmallNode node;
//   node.run([&](env::Task& task) { ... });  // returns when every fiber has ended
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "core/env/env.h"
#include "core/fiber/run_loop.h"
#include "sim/env/disk_image.h"
#include "tests/support/image_disk.h"

namespace flux::test {

// Power cuts that keep nothing that is not durable.
inline sim::DiskHabits strict_disk() {
  sim::DiskHabits habits;
  habits.power_cut.survival = {1, 0, 0, 0, 0};
  habits.power_cut.size_alone = kNever;
  habits.power_cut.name_kept = kNever;
  habits.power_cut.write_back = kNever;
  return habits;
}

class SmallNode final : private fiber::Host,
                        private env::Clock,
                        private env::Random,
                        private env::Trace,
                        private env::Network {
 public:
  explicit SmallNode(const sim::DiskHabits& habits = strict_disk(), std::uint64_t seed = 1,
                     std::size_t stacks_max = 256)
      : seed_(seed),
        decisions_(seed),
        stacks_({.stacks_max = stacks_max, .watermarks = false}),
        image(key("machine"), habits, decisions_, nullptr) {}
  ~SmallNode() override { EXPECT_EQ(loop_.live(), 0U); }

  enum class Until : std::uint8_t { all_ended, body_ended };
  // Runs the body as a fiber until it and, if not told otherwise, all that it started have ended;
  // time jumps over waits. With false: some fiber waits for something that never comes.
  bool run(std::function<void(env::Task&)> body, Until until = Until::all_ended) {
    bool body_ended = false;
    const auto whole = [&](env::Task& task) {
      body(task);
      body_ended = true;
    };
    loop_.spawn("test", whole, env::StackSize::large);
    for (int idle = 0; idle < 1'000'000; ++idle) {
      loop_.run(Instant(monotonic_.ns()));
      if (loop_.live() == 0 || (body_ended && until == Until::body_ended)) return true;
      const Instant next = loop_.next_timer();
      if (next == Instant::max()) break;
      pass(std::max(Duration(), next - monotonic_));
    }
    for (const std::string& line : loop_.describe()) ADD_FAILURE() << line;
    loop_.kill();
    return false;
  }
  env::TaskHandle spawn(std::string_view name, env::TaskBody body) {
    return loop_.spawn(name, std::move(body), env::StackSize::large);
  }

  // The process is gone; the machine stays.
  void kill() { revive(); }
  void power_cut() {
    image.power_cut(disk_now());
    ++disk.boot;
    revive();
  }
  void pass(Duration time) {
    monotonic_ = monotonic_ + time;
    wall_ = wall_ + time;
  }
  void revive() { disk.dies_at = ~std::uint64_t{0}; }

  // One bit of a file is no longer what was written.
  void flip_bit(env::Task& task, std::string_view path, std::uint64_t at) {
    const auto file = env_.disk.open(task, path, env::Open::read_write);
    ASSERT_TRUE(file.has_value()) << path;
    Bytes byte(1);
    ASSERT_EQ(*(*file)->read_at(task, at, byte), 1U) << path;
    byte[0] ^= std::byte{1};
    ASSERT_TRUE((*file)->write_at(task, at, byte).has_value()) << path;
  }

  env::Env& env() { return env_; }
  Instant now_instant() const { return monotonic_; }
  // How often a loop asked whether it is to let others run. Never is it told to.
  std::uint64_t asked_to_yield() const { return asked_to_yield_; }

 private:
  std::uint64_t seed_;
  std::uint64_t asked_to_yield_ = 0;
  sim::Decisions decisions_;
  Instant monotonic_{1'000'000'000};
  WallTime wall_{1'700'000'000'000'000'000};
  sim::Time disk_time_{1'000'000'000};
  const sim::Time& disk_now() const { return disk_time_; }

  void charge(Duration) override {}
  bool should_yield() override {
    ++asked_to_yield_;
    return false;
  }
  std::uint64_t cause() override { return 0; }
  void before_resume(const env::Task&, std::uint64_t) override {}
  bool after_resume(const env::Task&) override { return true; }
  std::uint64_t ready_order(const env::Task& task, std::uint64_t wake) override {
    return keyed_u64(seed_, task.key().with(wake));
  }
  Instant now() override { return monotonic_; }
  WallTime wall_now() override { return wall_; }
  std::uint64_t draw(Key key, std::uint64_t bound) override {
    return keyed_below(seed_, key, bound);
  }
  std::uint64_t draw_u64(Key key) override { return keyed_u64(seed_, key); }
  bool wants(env::Severity) const override { return false; }
  void emit(env::Severity, std::string_view, std::initializer_list<env::Field>) override {}
  Result<std::unique_ptr<env::Listener>> listen(env::Task&, const env::Endpoint&) override {
    return fail(ErrorCode::unreachable);
  }
  Result<std::unique_ptr<env::Connection>> connect(env::Task&, const env::Endpoint&) override {
    return fail(ErrorCode::unreachable);
  }

  fiber::StackPool stacks_;
  // Seeded order: a test that leans on one order among ready tasks fails under some seed.
  fiber::RunLoop loop_{stacks_, *this, key("node"), fiber::ReadyOrder::hosted};

 public:
  sim::DiskImage image;
  ImageDisk disk{image, disk_time_};

 private:
  env::Env env_{*this, loop_, *this, disk, *this, *this};
};

}  // namespace flux::test
