// World: simulated time, everything that will happen in it, and the processes it happens to.
//
// Next-event time, never ticks. One world is one run: one seed, one thread, no state outside of it.
// The world decides by key (decisions.h), folds what passes each node's seam into the run's hash
// (seam.h) and tells the trace (trace_log.h). It knows nothing of networks, disks or brokers: those
// are event targets that others bring (sim/env).
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "core/base/mark.h"
#include "core/fiber/stack_pool.h"
#include "sim/world/decisions.h"
#include "sim/world/event_queue.h"
#include "sim/world/process.h"
#include "sim/world/seam.h"
#include "sim/world/trace_log.h"

namespace flux::sim {

struct WorldConfig {
  std::uint64_t seed = 0;
  fiber::StackPoolConfig stacks;
};

class MarkListener {
 public:
  // `process` is the one whose code reached the mark; null for the world's own code. May end it.
  virtual void reached(const Mark& mark, Process* process) = 0;

 protected:
  ~MarkListener() = default;
};

enum class RunEnd : std::uint8_t { time, stopped, idle };

class World {
 public:
  explicit World(const WorldConfig& config);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Time now() const { return now_; }
  Decisions& decisions() { return decisions_; }
  Seam& seam() { return seam_; }
  TraceLog& trace() { return trace_; }
  fiber::StackPool& stacks() { return stacks_; }
  std::uint64_t events() const { return events_; }

  // `target` must outlive its events.
  void at(Time when, EventTarget& target, std::uint64_t argument) {
    const WorldScope scope;
    queue_.push(when < now_ ? now_ : when, target, argument, cause_);
  }

  // Until `end`, which becomes now(), or until stop(). Idle: nothing is left to happen.
  RunEnd run_until(Time end);
  void stop() { stopped_ = true; }

  Process& add_process(const ProcessConfig& config);
  // The process whose fiber is running; null in the world's own code.
  Process* current() const { return current_; }
  const std::vector<std::unique_ptr<Process>>& processes() const { return processes_; }

  void watch_processes(ProcessWatcher& watcher) { watchers_.push_back(&watcher); }
  const std::vector<ProcessWatcher*>& watchers() const { return watchers_; }
  void watch_marks(MarkListener& listener) { mark_listeners_.push_back(&listener); }

  // The trace id of what is going on now: the cause of what it leads to.
  std::uint64_t cause() const { return cause_; }
  void set_cause(std::uint64_t id) { cause_ = id; }
  // Gives the event an id, traces it if anybody listens, and returns the id. `cause` 0 is cause().
  std::uint64_t note(const Process* process, env::Severity severity, std::string_view event,
                     std::initializer_list<env::Field> fields, std::uint64_t cause = 0);

 private:
  friend class Process;
  static void mark_reached(const Mark& mark);
  void run_processes();

  Time now_;
  Decisions decisions_;
  Seam seam_;
  TraceLog trace_;
  fiber::StackPool stacks_;
  EventQueue queue_;
  std::vector<std::unique_ptr<Process>> processes_;
  std::vector<Process*> runnable_;
  std::vector<ProcessWatcher*> watchers_;
  std::vector<MarkListener*> mark_listeners_;
  Process* current_ = nullptr;
  std::uint64_t cause_ = 0;
  std::uint64_t events_ = 0;
  bool stopped_ = false;
};

}  // namespace flux::sim
