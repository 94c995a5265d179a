#include "core/fiber/run_loop.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "core/base/check.h"

namespace flux::fiber {

using env::TaskBody;
using env::TaskHandle;
using env::Wake;

namespace {
enum class State : std::uint8_t { free, stackless, ready, running, parked };
constexpr std::size_t kNameBytes = 31;
}  // namespace

// What a wake and a switch touch comes first and fits into two cache lines: a simulation of
// thousands of fibers is bound by them.
struct alignas(64) RunLoop::Fiber final : env::Task {
  State state = State::free;
  Wake wake = Wake::ready;
  std::uint32_t next_ready = 0;    // index of the next fiber in FIFO order
  Instant wait_until;              // while parked: when the wait ends by itself
  Instant armed = Instant::max();  // the timer entry that counts; others are stale
  std::uint64_t wakes = 0;
  std::uint64_t cause = 0;  // of the wake
  Context context;
  Stack stack;
  TaskBody body;
  std::uint64_t children = 0;
  std::array<char, kNameBytes + 1> name_storage{};

  void start(RunLoop& owner, TaskHandle handle, std::string_view name, Key key, TaskBody&& what) {
    scheduler_ = &owner;
    handle_ = handle;
    const std::size_t length = std::min(name.size(), kNameBytes);
    std::memcpy(name_storage.data(), name.data(), length);
    name_ = {name_storage.data(), length};
    key_ = key;
    deadline_ = Instant::max();
    cancelled_ = false;
    shields_ = 0;
    no_suspend_ = 0;
    body = std::move(what);
    armed = Instant::max();
    wakes = 0;
    children = 0;
  }
  bool may_suspend() const { return no_suspend_ == 0; }
  void set_cancelled() { cancelled_ = true; }
  void end() { handle_.generation = 0; }
};

RunLoop::RunLoop(StackPool& stacks, Host& host, Key key, ReadyOrder order)
    : stacks_(stacks), host_(host), key_(key), order_(order) {
  fibers_.push_back(nullptr);  // index 0 means none
}

RunLoop::~RunLoop() { CHECK(live_ == 0, "a loop ended with live fibers; kill() drops them"); }

bool RunLoop::later(const Timer& a, const Timer& b) {
  return a.at != b.at ? a.at > b.at : a.sequence > b.sequence;
}

bool RunLoop::after(const Ready& a, const Ready& b) {
  return a.order != b.order ? a.order > b.order : a.sequence > b.sequence;
}

RunLoop::Fiber* RunLoop::find(TaskHandle task) const {
  if (task.none() || task.index >= fibers_.size()) return nullptr;
  Fiber* fiber = fibers_[task.index].get();
  return fiber->handle() == task ? fiber : nullptr;
}

TaskHandle RunLoop::spawn(std::string_view name, TaskBody body, env::StackSize stack) {
  std::uint32_t index = 0;
  std::uint32_t generation = generation_first_;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(fibers_.size());
    fibers_.push_back(std::make_unique<Fiber>());
  } else {
    index = free_.back();
    free_.pop_back();
    generation = fibers_[index]->next_ready + 1;  // finish() left the last generation there
  }
  Fiber& fiber = *fibers_[index];
  // The n-th child of a name under one parent: stable however other tasks interleave.
  const Key parent = running_ ? running_->key() : key_;
  const std::uint64_t ordinal = running_ ? running_->children++ : roots_++;
  fiber.start(*this, {index, generation}, name, parent.with(name).with(ordinal), std::move(body));
  fiber.stack = {};
  fiber.state = State::stackless;
  ++live_;
  std::deque<std::uint32_t>& line = stackless_[static_cast<std::size_t>(stack)];
  if (!line.empty() || !prepare(fiber, stack)) {
    line.push_back(index);
    ++stackless_count_;
  }
  return fiber.handle();
}

bool RunLoop::room_for(env::StackSize stack) {
  return stackless_[static_cast<std::size_t>(stack)].empty() && stacks_.available(stack);
}

// False when there is no stack for it now.
bool RunLoop::prepare(Fiber& fiber, env::StackSize size) {
  const std::optional<Stack> stack = stacks_.acquire(size);
  if (!stack) return false;
  fiber.stack = *stack;
  fiber.context.prepare(fiber.stack, &RunLoop::entry, &fiber);
  fiber.state = State::parked;
  make_ready(fiber, Wake::ready);
  return true;
}

void RunLoop::give_stacks(env::StackSize size) {
  std::deque<std::uint32_t>& line = stackless_[static_cast<std::size_t>(size)];
  while (!line.empty() && prepare(*fibers_[line.front()], size)) {
    line.pop_front();
    --stackless_count_;
  }
}

void RunLoop::entry(void* argument) {
  auto* fiber = static_cast<Fiber*>(argument);
  {
    TaskBody body = std::move(fiber->body);
    body(*fiber);
  }
  fiber->state = State::free;
  fiber->context.leave();
}

void RunLoop::make_ready(Fiber& fiber, Wake wake) {
  CHECK(fiber.state == State::parked);
  fiber.state = State::ready;
  fiber.wake = wake;
  ++fiber.wakes;
  fiber.cause = host_.cause();
  ++ready_count_;
  const std::uint32_t index = fiber.handle().index;
  if (order_ == ReadyOrder::hosted) {
    ready_heap_.push_back({host_.ready_order(fiber, fiber.wakes), sequence_++, index});
    std::push_heap(ready_heap_.begin(), ready_heap_.end(), after);
    return;
  }
  fiber.next_ready = 0;
  if (ready_last_ == 0) {
    ready_first_ = index;
  } else {
    fibers_[ready_last_]->next_ready = index;
  }
  ready_last_ = index;
}

RunLoop::Fiber* RunLoop::pop_ready() {
  if (ready_count_ == 0) return nullptr;
  --ready_count_;
  if (order_ == ReadyOrder::hosted) {
    std::pop_heap(ready_heap_.begin(), ready_heap_.end(), after);
    const std::uint32_t index = ready_heap_.back().index;
    ready_heap_.pop_back();
    return fibers_[index].get();
  }
  Fiber* fiber = fibers_[ready_first_].get();
  ready_first_ = fiber->next_ready;
  if (ready_first_ == 0) ready_last_ = 0;
  return fiber;
}

void RunLoop::resume(Fiber& fiber) {
  CHECK(fiber.state == State::ready);
  fiber.state = State::running;
  running_ = &fiber;
  fiber.context.resume();
  running_ = nullptr;
  if (fiber.state == State::free) finish(fiber);
}

void RunLoop::finish(Fiber& fiber) {
  stacks_.release(fiber.stack);
  const env::StackSize released = fiber.stack.size;
  const TaskHandle handle = fiber.handle();
  fiber.end();
  fiber.next_ready = handle.generation;
  free_.push_back(handle.index);
  --live_;
  if (stackless_count_ > 0) give_stacks(released);
}

std::size_t RunLoop::run(Instant now) {
  CHECK(running_ == nullptr, "run() inside a fiber");
  // Another loop of the same pool may have given some back.
  if (stackless_count_ > 0) {
    give_stacks(env::StackSize::normal);
    give_stacks(env::StackSize::large);
  }
  fire_timers(now);
  std::size_t resumes = 0;
  while (Fiber* fiber = pop_ready()) {
    host_.before_resume(*fiber, fiber->cause);
    resume(*fiber);
    ++resumes;
    if (abandoned_ || !host_.after_resume(*fiber)) break;
  }
  return resumes;
}

Wake RunLoop::park(env::Task& task, Instant until) {
  auto& fiber = static_cast<Fiber&>(task);
  CHECK(running_ == &fiber, "a task parked that is not running");
  CHECK(fiber.may_suspend(), "suspension inside a NoSuspend scope");
  if (fiber.cancelled()) return Wake::cancelled;
  fiber.wait_until = std::min(until, fiber.deadline());
  if (fiber.wait_until < fiber.armed) arm(fiber, fiber.wait_until);
  fiber.state = State::parked;
  fiber.context.suspend();
  return fiber.wake;
}

void RunLoop::yield(env::Task& task) {
  auto& fiber = static_cast<Fiber&>(task);
  CHECK(running_ == &fiber, "a task yielded that is not running");
  CHECK(fiber.may_suspend(), "suspension inside a NoSuspend scope");
  fiber.state = State::parked;
  make_ready(fiber, Wake::ready);
  fiber.context.suspend();
}

void RunLoop::unpark(TaskHandle task) {
  Fiber* fiber = find(task);
  if (fiber && fiber->state == State::parked) make_ready(*fiber, Wake::ready);
}

void RunLoop::approach(TaskHandle task, Approach what) const {
  if (task.none() || task.index >= fibers_.size()) return;
  const Fiber* fiber = fibers_[task.index].get();
  switch (what) {
    case Approach::fiber:
      __builtin_prefetch(fiber, 1);
      __builtin_prefetch(reinterpret_cast<const std::byte*>(fiber) + 64, 1);
      break;
    case Approach::frames:
      fiber->context.approach();
      break;
  }
}

void RunLoop::cancel(TaskHandle task) {
  Fiber* fiber = find(task);
  if (!fiber) return;
  fiber->set_cancelled();
  if (fiber->state == State::parked && fiber->cancelled()) make_ready(*fiber, Wake::cancelled);
}

void RunLoop::cancel_all() {
  for (std::size_t i = 1; i < fibers_.size(); ++i) cancel(fibers_[i]->handle());
}

// A fiber has at most one entry that counts. A wait that ends later than that entry leaves it
// alone: when it goes off, it is armed again for what the fiber then waits for. So a loop of waits
// with ever later deadlines touches the heap once a deadline, not once a wait.
void RunLoop::arm(Fiber& fiber, Instant at) {
  fiber.armed = at;
  timers_.push_back({at, sequence_++, fiber.handle().index, fiber.handle().generation});
  std::push_heap(timers_.begin(), timers_.end(), later);
}

void RunLoop::fire(const Timer& timer, Instant now) {
  Fiber* fiber = find({timer.index, timer.generation});
  if (!fiber || fiber->armed != timer.at) return;
  fiber->armed = Instant::max();
  if (fiber->state != State::parked) return;
  if (fiber->wait_until <= now) {
    make_ready(*fiber, Wake::timed_out);
  } else if (fiber->wait_until != Instant::max()) {
    arm(*fiber, fiber->wait_until);
  }
}

void RunLoop::fire_timers(Instant now) {
  while (!timers_.empty() && timers_.front().at <= now) {
    const Timer timer = timers_.front();
    std::pop_heap(timers_.begin(), timers_.end(), later);
    timers_.pop_back();
    fire(timer, now);
  }
}

Instant RunLoop::next_timer() { return timers_.empty() ? Instant::max() : timers_.front().at; }

void RunLoop::force_timer(Instant now) {
  Fiber* earliest = nullptr;
  for (std::size_t i = 1; i < fibers_.size(); ++i) {
    Fiber& fiber = *fibers_[i];
    if (fiber.handle().none() || fiber.state != State::parked) continue;
    if (fiber.wait_until == Instant::max() || fiber.wait_until <= now) continue;
    if (!earliest || fiber.wait_until < earliest->wait_until) earliest = &fiber;
  }
  if (earliest) make_ready(*earliest, Wake::timed_out);
}

void RunLoop::kill() {
  CHECK(running_ == nullptr, "kill() inside a fiber; use abandon()");
  std::uint32_t generation_last = generation_first_;
  for (std::size_t i = 1; i < fibers_.size(); ++i) {
    const TaskHandle handle = fibers_[i]->handle();
    // finish() left an ended fiber's generation there.
    generation_last =
        std::max(generation_last, handle.none() ? fibers_[i]->next_ready : handle.generation);
    if (handle.none()) continue;
    if (fibers_[i]->state != State::stackless) stacks_.release(fibers_[i]->stack);
    // The memory without a destructor: what the body captured belongs to the dead node.
    ::operator delete(fibers_[i].release(), std::align_val_t{alignof(Fiber)});
  }
  generation_first_ = generation_last + 1;
  fibers_.resize(1);  // index 0 still means none
  free_.clear();
  for (auto& line : stackless_) line.clear();
  stackless_count_ = 0;
  timers_.clear();
  ready_heap_.clear();
  ready_first_ = ready_last_ = 0;
  ready_count_ = 0;
  live_ = 0;
  abandoned_ = false;
}

void RunLoop::abandon() {
  CHECK(running_ != nullptr, "abandon() outside a fiber");
  abandoned_ = true;
  running_->state = State::parked;
  running_->context.leave();
}

const env::Task* RunLoop::running() const { return running_; }

std::vector<std::string> RunLoop::describe() const {
  std::vector<std::string> out;
  for (std::size_t i = 1; i < fibers_.size(); ++i) {
    const Fiber& fiber = *fibers_[i];
    if (fiber.handle().none()) continue;
    std::string line(fiber.name());
    line += fiber.state == State::parked      ? " waits"
            : fiber.state == State::stackless ? " waits for a stack"
                                              : " is ready";
    if (fiber.state == State::parked && fiber.wait_until != Instant::max()) {
      line += " until " + std::to_string(fiber.wait_until.ns()) + " ns";
    }
    out.push_back(std::move(line));
  }
  return out;
}

}  // namespace flux::fiber
