// DiskEngine: how file operations leave the loop's thread and come back.
//
// Two engines: io_uring where the kernel allows it, and a pool of threads everywhere. An operation
// lives on the stack of the fiber that waits for it, so nothing is allocated per operation. It is
// never interrupted: its buffer belongs to the kernel until it is done, whatever deadline or
// cancellation the task has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <type_traits>

#include "core/env/scheduler.h"
#include "real/os/reactor.h"
#include "real/os/worker_pool.h"

namespace flux::os {

// One system call. `result` is what the call returned, or the errno with its sign turned.
class DiskOperation : public Job {
 public:
  enum class Kind : std::uint8_t { read, write, sync_data, other };

  static DiskOperation read(int fd, std::uint64_t offset, MutBytes into);
  static DiskOperation write(int fd, std::uint64_t offset, ByteView from);
  static DiskOperation sync_data(int fd);
  // Any other call; runs call(argument) on a helper thread.
  static DiskOperation other(std::int64_t (*call)(void*), void* argument);

  // One attempt on the calling thread.
  void work() override;
  void done() override;
  bool is_done() const { return done_; }
  std::int64_t result() const { return result_; }

 private:
  friend class UringEngine;
  friend class DiskEngine;
  DiskOperation() = default;

  Kind kind_ = Kind::other;
  bool done_ = false;
  int fd_ = -1;
  std::byte* data_ = nullptr;  // written to by reads only
  std::size_t length_ = 0;
  std::uint64_t offset_ = 0;
  std::int64_t (*call_)(void*) = nullptr;
  void* argument_ = nullptr;
  std::int64_t result_ = 0;
  env::Task* waiter_ = nullptr;
};

class DiskEngine : public TurnWork {
 public:
  // "threads" or "io_uring".
  virtual std::string_view name() const = 0;
  virtual std::size_t in_flight() const = 0;
  // Operations that have come back, those that nobody waited for left out.
  std::uint64_t completed() const { return completed_; }
  // Blocks the thread until nothing is in flight. For the end of the program only. False when
  // nothing came back for `quiet_max`.
  virtual bool drain(Duration quiet_max) = 0;

  // Submits and suspends the task until the operation is done; returns its result.
  std::int64_t run(env::Task& task, DiskOperation operation);

  // Runs `work` (returning std::int64_t, negative for an errno) on a helper thread.
  template <class F>
  std::int64_t run_blocking(env::Task& task, F&& work) {
    const auto call = [](void* argument) -> std::int64_t {
      return (*static_cast<std::remove_reference_t<F>*>(argument))();
    };
    return run(task, DiskOperation::other(call, std::addressof(work)));
  }
  // Closes on a helper thread without anybody waiting: the last close of a removed file frees its
  // blocks, which takes milliseconds when it was large.
  void close_later(int fd);

 protected:
  virtual void submit(DiskOperation& operation) = 0;
  virtual WorkerPool& pool() = 0;

 private:
  std::uint64_t completed_ = 0;
};

// More threads than processors: they wait for the device, not for a processor.
std::unique_ptr<DiskEngine> make_pool_engine(Poller& poller, unsigned threads);
// Null when this kernel, or the filter that a container runtime puts before it, has no io_uring
// that does all that is needed; `why_not` then says what was missing.
std::unique_ptr<DiskEngine> make_uring_engine(Poller& poller, unsigned threads,
                                              std::string& why_not);

}  // namespace flux::os
