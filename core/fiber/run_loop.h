// RunLoop: the fibers of one node, and the only Scheduler there is; the simulator and the daemon
// both run exactly this.
//
// The host (the simulated world, the reactor) calls run() with the node's time; the loop wakes the
// fibers whose timers are due and resumes ready fibers until none is left or the host asks for a
// pause. The loop waits for nothing by itself: next_timer() tells the host when it wants to run
// again.
//
// A fiber that is spawned when the pool has no stack for it begins when one is given back, in the
// order of spawning. Whoever may start fibers without bound has to keep those that others wait for
// within the pool's limit.
//
// A clean end is a loop whose fibers have all returned. kill() drops every fiber where it stands,
// without unwinding: no destructor on any stack runs, only the stacks go back to their pool. After
// it the loop is as good as new, but for its memory of names: handles of before name nobody, and
// root tasks count on, so that no key is given twice.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "core/base/time.h"
#include "core/env/scheduler.h"
#include "core/fiber/context.h"
#include "core/fiber/stack_pool.h"

namespace flux::fiber {

// What the loop asks of whoever drives it. Outlives the loop.
class Host {
 public:
  virtual ~Host() = default;

  virtual void charge(Duration work) = 0;
  virtual bool should_yield() = 0;
  // What is going on now, as a number that means something to the host (the trace's event id); kept
  // with each wake and handed back when the woken task runs.
  virtual std::uint64_t cause() = 0;
  virtual void before_resume(const env::Task& task, std::uint64_t cause) = 0;
  // False ends the turn: the rest of the ready fibers runs at the next run().
  virtual bool after_resume(const env::Task& task) = 0;
  // Ready fibers run in the order of this number, then first come, first served. `wake` counts the
  // task's own wakes. A host that always answers 0 has plain FIFO.
  virtual std::uint64_t ready_order(const env::Task& task, std::uint64_t wake) = 0;
};

enum class ReadyOrder : std::uint8_t { fifo, hosted };

class RunLoop final : public env::Scheduler {
 public:
  // `key` names the node: the tasks' own keys grow from it.
  RunLoop(StackPool& stacks, Host& host, Key key, ReadyOrder order = ReadyOrder::fifo);
  ~RunLoop() override;
  RunLoop(const RunLoop&) = delete;
  RunLoop& operator=(const RunLoop&) = delete;

  env::TaskHandle spawn(std::string_view name, env::TaskBody body,
                        env::StackSize stack = env::StackSize::normal) override;
  bool room_for(env::StackSize stack) override;
  env::Wake park(env::Task& task, Instant until = Instant::max()) override;
  void yield(env::Task& task) override;
  void unpark(env::TaskHandle task) override;
  void cancel(env::TaskHandle task) override;
  void charge(Duration work) override { host_.charge(work); }
  bool should_yield() override { return host_.should_yield(); }

  // Resumes what is ready at `now`; returns how many resumes that took. Not from inside a fiber.
  std::size_t run(Instant now);
  bool ready() const { return ready_count_ != 0; }
  // When the loop wants to run though nothing happened; may be early, never late. max() for never.
  Instant next_timer();
  // Lets the earliest timer go off now, before it is due: a fault that a node must bear.
  void force_timer(Instant now);

  // The task will be woken soon: begins to load what a wake touches; then, when that is there, what
  // the switch to it does. Changes nothing.
  enum class Approach : std::uint8_t { fiber, frames };
  void approach(env::TaskHandle task, Approach what) const;

  std::size_t live() const { return live_; }
  void cancel_all();
  void kill();
  // From inside a fiber: the node dies here. run() returns with abandoned() true; kill() must
  // follow.
  [[noreturn]] void abandon();
  bool abandoned() const { return abandoned_; }
  const env::Task* running() const;
  // Names of live fibers and what they do, for reports of what is pending.
  std::vector<std::string> describe() const;

 private:
  struct Fiber;
  struct Timer {
    Instant at;
    std::uint64_t sequence;
    std::uint32_t index;
    std::uint32_t generation;
  };
  struct Ready {
    std::uint64_t order;
    std::uint64_t sequence;
    std::uint32_t index;
  };

  static void entry(void* argument);
  static bool later(const Timer& a, const Timer& b);
  static bool after(const Ready& a, const Ready& b);
  Fiber* find(env::TaskHandle task) const;
  void make_ready(Fiber& fiber, env::Wake wake);
  Fiber* pop_ready();
  bool prepare(Fiber& fiber, env::StackSize size);
  void give_stacks(env::StackSize size);
  void resume(Fiber& fiber);
  void finish(Fiber& fiber);
  void arm(Fiber& fiber, Instant at);
  void fire_timers(Instant now);
  void fire(const Timer& timer, Instant now);

  StackPool& stacks_;
  Host& host_;
  Key key_;
  ReadyOrder order_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<std::uint32_t> free_;
  std::array<std::deque<std::uint32_t>, 2> stackless_;  // by class; in the order of spawning
  std::size_t stackless_count_ = 0;
  std::vector<Timer> timers_;      // a heap; entries of ended or re-armed waits are skipped
  std::vector<Ready> ready_heap_;  // hosted order
  std::uint32_t ready_first_ = 0;  // FIFO order: a list through the fibers, 0 for none
  std::uint32_t ready_last_ = 0;
  std::size_t ready_count_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t roots_ = 0;
  std::size_t live_ = 0;
  Fiber* running_ = nullptr;
  bool abandoned_ = false;
  // Of a fiber at a new index: above all generations of before the last kill.
  std::uint32_t generation_first_ = 1;
};

}  // namespace flux::fiber
