#include "real/os/worker_pool.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <pthread.h>
#include <signal.h>
#include <system_error>
#include <utility>

#include <sys/eventfd.h>

#include "core/base/check.h"

namespace flux::os {

// Outlives the pool when threads were left to themselves.
struct WorkerPool::Shared {
  ~Shared() {
    Job* job = returned.load(std::memory_order_acquire);
    while (job) std::exchange(job, job->next_)->discard();
  }

  std::mutex mutex;
  std::condition_variable wake;
  Job* first = nullptr;  // waiting jobs, in order
  Job* last = nullptr;
  bool stop = false;
  std::atomic<Job*> returned{nullptr};  // newest first
  Fd event;

  Job* pop() {
    Job* job = first;
    if (job) first = job->next_;
    if (!first) last = nullptr;
    return job;
  }
  void give_back(Job* job) {
    Job* head = returned.load(std::memory_order_relaxed);
    do {
      job->next_ = head;
    } while (!returned.compare_exchange_weak(head, job, std::memory_order_release,
                                             std::memory_order_relaxed));
    if (head != nullptr) return;  // whoever put `head` there has woken the loop
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then the loop is awake.
    static_cast<void>(!::write(event.get(), &one, sizeof one));
  }
};

WorkerPool::WorkerPool(const char* name, unsigned threads_max, AtEnd at_end, Poller& poller)
    : name_(name), threads_max_(threads_max), at_end_(at_end), shared_(std::make_shared<Shared>()) {
  CHECK_GE(threads_max, 1U);
  shared_->event = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  CHECK(shared_->event.open(), "eventfd() failed at start");
  // Edge-triggered, so the counter never needs to be read.
  CHECK(poller.add(shared_->event.get(), *this).has_value());
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stop = true;
    if (at_end_ == AtEnd::leave) {
      while (Job* job = shared_->pop()) job->discard();
    }
  }
  shared_->wake.notify_all();
  if (at_end_ == AtEnd::leave) return;
  CHECK_EQ(in_flight_, 0U);
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::submit(Job& job) {
  job.next_ = nullptr;
  ++in_flight_;
  if (threads_.size() < threads_max_ && threads_.size() < in_flight_) start_thread();
  {
    const std::lock_guard lock(shared_->mutex);
    (shared_->last ? shared_->last->next_ : shared_->first) = &job;
    shared_->last = &job;
  }
  shared_->wake.notify_one();
}

void WorkerPool::start_thread() {
  // Signals are for the loop's thread: helpers inherit a mask that blocks all of them.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread thread(&WorkerPool::thread_main, shared_);
    ::pthread_setname_np(thread.native_handle(), name_);
    if (at_end_ == AtEnd::leave) thread.detach();
    threads_.push_back(std::move(thread));
  } catch (const std::system_error&) {
    // A limit on threads: fewer of them do the same work more slowly, but none cannot.
    CHECK(!threads_.empty(), "cannot start a helper thread");
    threads_max_ = static_cast<unsigned>(threads_.size());
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void WorkerPool::thread_main(std::shared_ptr<Shared> shared) {
  std::unique_lock lock(shared->mutex);
  for (;;) {
    shared->wake.wait(lock, [&] { return shared->stop || shared->first != nullptr; });
    Job* job = shared->pop();
    if (!job) return;
    lock.unlock();
    job->work();
    lock.lock();
    if (shared->stop) {
      job->discard();
      continue;
    }
    lock.unlock();
    shared->give_back(job);
    lock.lock();
  }
}

bool WorkerPool::reap() {
  if (shared_->returned.load(std::memory_order_relaxed) == nullptr) return false;
  Job* newest = shared_->returned.exchange(nullptr, std::memory_order_acquire);
  Job* oldest = nullptr;
  while (newest) {
    Job* next = std::exchange(newest->next_, oldest);
    oldest = std::exchange(newest, next);
  }
  while (oldest) {
    Job* job = std::exchange(oldest, oldest->next_);
    --in_flight_;
    job->done();  // may destroy the job
  }
  return true;
}

bool WorkerPool::drain(Duration quiet_max) {
  while (in_flight_ > 0) {
    if (reap()) continue;
    if (!readable_within(shared_->event.get(), quiet_max)) return false;
    std::uint64_t count = 0;
    static_cast<void>(!::read(shared_->event.get(), &count, sizeof count));
  }
  return true;
}

}  // namespace flux::os
