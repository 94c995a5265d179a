// WorkerPool: helper threads for system calls that block (disk, name resolution).
//
// A Job's work() runs on a helper thread and touches nothing but the job; its done() runs on the
// loop's thread, once. All else here belongs to the loop's thread. Jobs are linked through
// themselves, so that submitting one allocates nothing; the job must stay where it is until done().
//
// Results come back as a list that is taken without a lock, and an eventfd that is written when
// that list was empty, so that a burst of results wakes the loop once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "core/base/time.h"
#include "real/os/poller.h"

namespace flux::os {

class Job {
 public:
  virtual ~Job() = default;
  virtual void work() = 0;
  virtual void done() = 0;
  // Called instead of done(), on the helper thread, when the pool is gone (AtEnd::leave).
  virtual void discard() {}

 private:
  friend class WorkerPool;
  Job* next_ = nullptr;
};

// What the destructor does with threads that are inside a call.
enum class AtEnd : std::uint8_t {
  join,   // waits for them; nothing may be in flight that the waiting would miss
  leave,  // lets them end by themselves: for calls that may take a minute to give up (DNS)
};

class WorkerPool final : public PollTarget {
 public:
  // `name` shows in tools that list threads (at most 15 bytes). Threads start when first needed.
  WorkerPool(const char* name, unsigned threads_max, AtEnd at_end, Poller& poller);
  ~WorkerPool() override;
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void submit(Job& job);
  // Calls done() of every job that has come back; true when there was one.
  bool reap();
  std::size_t in_flight() const { return in_flight_; }
  // Blocks the thread until nothing is in flight. For the end of the program only. False when
  // nothing came back for `quiet_max`.
  bool drain(Duration quiet_max);

  void on_events(std::uint32_t) override { reap(); }

 private:
  struct Shared;
  static void thread_main(std::shared_ptr<Shared> shared);
  void start_thread();

  const char* name_;
  unsigned threads_max_;
  AtEnd at_end_;
  std::shared_ptr<Shared> shared_;
  std::vector<std::thread> threads_;
  std::size_t in_flight_ = 0;
};

}  // namespace flux::os
