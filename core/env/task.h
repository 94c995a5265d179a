// Task: a fiber's handle on itself, and the mark of suspension.
//
// A function that may suspend takes a Task&; one that does not take it cannot suspend, because
// nobody else can obtain one. State read before a call that takes a Task& may have changed after
// it.
//
// A task carries a deadline (monotonic; a wait past it ends with timed_out) and a cancel flag (once
// set, every wait ends at once with cancelled, except inside a Shield). Tasks belong to one
// Scheduler for life and never migrate.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "core/base/keyed.h"
#include "core/base/time.h"

namespace flux::env {

class Scheduler;

// Names a task without keeping it alive; stale once the task has ended. The zero handle names none.
struct TaskHandle {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;

  bool none() const { return generation == 0; }
  friend bool operator==(const TaskHandle&, const TaskHandle&) = default;
};

class Task {
 public:
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  Scheduler& scheduler() const { return *scheduler_; }
  TaskHandle handle() const { return handle_; }
  std::string_view name() const { return name_; }
  // Stable over runs: made from the names of this task and its ancestors, not from a global count.
  Key key() const { return key_; }

  Instant deadline() const { return deadline_; }
  // What waits are told: false inside a Shield, so that a clean stop can still write and sync.
  bool cancelled() const { return cancelled_ && shields_ == 0; }

 protected:
  Task() = default;
  ~Task() = default;

  Scheduler* scheduler_ = nullptr;
  TaskHandle handle_;
  std::string_view name_;
  Key key_;
  Instant deadline_ = Instant::max();
  bool cancelled_ = false;
  std::uint16_t shields_ = 0;
  std::uint16_t no_suspend_ = 0;

  friend class DeadlineScope;
  friend class Shield;
  friend class NoSuspend;
  friend class Uninterrupted;
};

// Waits inside the scope end by `until` at the latest; never later than an enclosing scope's end.
class DeadlineScope {
 public:
  DeadlineScope(Task& task, Instant until) : task_(task), outer_(task.deadline_) {
    task.deadline_ = std::min(outer_, until);
  }
  ~DeadlineScope() { task_.deadline_ = outer_; }
  DeadlineScope(const DeadlineScope&) = delete;
  DeadlineScope& operator=(const DeadlineScope&) = delete;

 private:
  Task& task_;
  Instant outer_;
};

// Waits inside the scope do not see cancellation. For the last writes of a clean stop only.
class Shield {
 public:
  explicit Shield(Task& task) : task_(task) { ++task.shields_; }
  ~Shield() { --task_.shields_; }
  Shield(const Shield&) = delete;
  Shield& operator=(const Shield&) = delete;

 private:
  Task& task_;
};

// Waits inside the scope end for what they wait for and nothing else: neither deadline nor
// cancellation. For a wait whose memory somebody else still uses, as a device does a buffer.
class Uninterrupted {
 public:
  explicit Uninterrupted(Task& task) : shield_(task), task_(task), outer_(task.deadline_) {
    task.deadline_ = Instant::max();
  }
  ~Uninterrupted() { task_.deadline_ = outer_; }
  Uninterrupted(const Uninterrupted&) = delete;
  Uninterrupted& operator=(const Uninterrupted&) = delete;

 private:
  Shield shield_;
  Task& task_;
  Instant outer_;
};

// A suspension inside the scope fails a CHECK: for stretches that must stay atomic, such as
// iterating what others may change.
class NoSuspend {
 public:
  explicit NoSuspend(Task& task) : task_(task) { ++task.no_suspend_; }
  ~NoSuspend() { --task_.no_suspend_; }
  NoSuspend(const NoSuspend&) = delete;
  NoSuspend& operator=(const NoSuspend&) = delete;

 private:
  Task& task_;
};

}  // namespace flux::env
