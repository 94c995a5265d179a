// Process: one simulated operating-system process, with its heap, its fibers and its clock.
//
// It runs when the world wakes one of its tasks or a timer of its loop is due, unless it is busy:
// work costs virtual processor time (CpuCost), effects carry the time at which the work reached
// them, and what arrives in between waits. A run of one fiber above kRunMax fails a CHECK.
//
// It ends in one of the ways of Exit. A clean exit unwinds (its main function returned); the others
// drop its heap and stacks where they stand. Its environment (sim/env) belongs to the world and is
// told through ProcessWatcher. It can be started again: then its incarnation is one higher.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/fiber/run_loop.h"
#include "sim/world/clock_model.h"
#include "sim/world/event_queue.h"
#include "sim/world/node_heap.h"
#include "sim/world/process_tap.h"
#include "sim/world/seam.h"

namespace flux::sim {

class Process;
class World;

enum class Exit : std::uint8_t { clean, killed, power_cut };
std::string_view name_of(Exit exit);

class ProcessWatcher {
 public:
  virtual void process_ended(Process& process, Exit exit) = 0;

 protected:
  ~ProcessWatcher() = default;
};

// Virtual processor time of what the world can see a node do.
struct CpuCost {
  Duration resume = nanoseconds(200);   // each run of a fiber
  Duration call = nanoseconds(500);     // each call into the environment
  Duration per_kib = nanoseconds(100);  // bytes that pass through a call
  std::uint32_t slowdown = 1;           // a slow processor: all of the above times this
};

struct ProcessConfig {
  std::string name;
  fiber::ReadyOrder order = fiber::ReadyOrder::fifo;
  CpuCost cost;
  Instant clock_start = Instant(1'000'000'000);
  WallTime wall_start = WallTime(1'700'000'000'000'000'000);
};

class Process final : public fiber::Host, private EventTarget {
 public:
  using Main = std::function<void(env::Task&)>;
  static constexpr Duration kRunMax = milliseconds(2);

  Process(World& world, std::uint32_t index, const ProcessConfig& config);
  ~Process() override;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  const std::string& name() const { return name_; }
  std::uint32_t index() const { return index_; }
  World& world() const { return world_; }
  // Names this process in keys; the incarnation's own key also counts starts.
  Key key() const { return key_; }
  Key incarnation_key() const { return key_.with(incarnation_); }
  std::uint64_t incarnation() const { return incarnation_; }
  bool alive() const { return loop_ != nullptr; }
  bool running_now() const;
  std::uint64_t hash() const { return hash_; }
  std::size_t heap_bytes() const { return heap_.bytes(); }

  // Runs `main` as the first fiber, from now on. The process ends cleanly when it returns.
  void start(Main main);
  // Ends it now. From inside one of its own fibers this does not return.
  void end(Exit exit);
  // SIGSTOP and SIGCONT.
  void pause();
  void unpause();
  bool paused() const { return paused_; }

  // A clean stop is asked for by the handler that the main function set; false when there is none.
  void on_stop(std::function<void()> handler) { stop_handler_ = std::move(handler); }
  bool request_stop();

  // Shows all that passes between this process and the world; null for nobody.
  void tap(ProcessTap* tap) { tap_ = tap; }

  // For the environment.
  fiber::RunLoop& loop() { return *loop_; }
  void wake(env::TaskHandle task);
  // World time at the running fiber's present point of work.
  Time effect_time() const;
  // Nothing of what it does from now on is done earlier than this.
  Time busy_until() const;
  Instant local_now() const { return clock_.local(effect_time()); }
  WallTime wall_now() const { return clock_.wall(effect_time()); }
  ClockModel& clock() { return clock_; }
  const ClockModel& clock() const { return clock_; }
  CpuCost& cost() { return cost_; }
  // The clock's rate changed, or a timer must go off early: look at the timers again.
  void reschedule();
  void force_timer();
  void charge_call(std::size_t bytes);
  void seam(SeamKind kind, std::uint64_t a, std::uint64_t b, std::uint64_t digest);

  // fiber::Host
  void charge(Duration work) override { charged_ += work * cost_.slowdown; }
  bool should_yield() override;
  std::uint64_t cause() override;
  void before_resume(const env::Task& task, std::uint64_t cause) override;
  bool after_resume(const env::Task& task) override;
  std::uint64_t ready_order(const env::Task& task, std::uint64_t wake) override;

 private:
  friend class World;
  enum : std::uint64_t { kTimer = 0, kRun = 1 };

  void fire(std::uint64_t argument) override;
  void run();
  void schedule_run();
  void schedule_timer();
  void finish(Exit exit);

  World& world_;
  std::uint32_t index_;
  std::string name_;
  Key key_;
  fiber::ReadyOrder order_;
  CpuCost cost_;
  ClockModel clock_;
  NodeHeap heap_;
  std::unique_ptr<fiber::RunLoop> loop_;
  Main main_;  // of the present life
  std::function<void()> stop_handler_;
  ProcessTap* tap_ = nullptr;
  std::uint64_t incarnation_ = 0;
  std::uint64_t hash_ = 0;
  bool paused_ = false;
  bool runnable_ = false;       // in the world's list of processes to run next
  bool run_scheduled_ = false;  // a kRun event is on its way
  bool main_ended_ = false;
  Exit ending_ = Exit::clean;    // how, when a fiber abandoned
  Time timer_at_ = Time::max();  // the kTimer event that counts
  Time busy_until_;
  Duration charged_;       // in this turn
  Duration resume_began_;  // charged_ when this fiber was resumed
};

}  // namespace flux::sim
