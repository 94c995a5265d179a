// Context: the switch between two stacks, and what the sanitizers must be told of it.
//
// The only file that includes Boost.Context; everything above speaks of fibers (run_loop.h). A
// context is resumed by exactly one other context and gives control back to it.
#pragma once

#include <cstddef>

#include "core/fiber/stack_pool.h"

namespace flux::fiber {

// Runs on the new stack at the first resume and must never return: it ends by calling leave().
using ContextEntry = void (*)(void* argument);

class Context {
 public:
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // Prepares `entry(argument)` to run on the stack at the next resume.
  void prepare(const Stack& stack, ContextEntry entry, void* argument);

  // From the resumer's side: runs this context until it suspends or leaves.
  void resume();
  // Begins to load what the next resume needs first: the frames of whoever suspended.
  void approach() const {
    for (int line = 0; line < kApproachLines; ++line) {
      __builtin_prefetch(static_cast<const std::byte*>(inside_) + line * 64, 1);
    }
  }
  // From inside: back to the resumer; returns at the next resume.
  void suspend();
  // From inside, for the last time: the stack may be reused as soon as the resumer runs.
  [[noreturn]] void leave();

 private:
  static constexpr int kApproachLines = 10;
  struct Entry;
  void switch_out(void** fake_stack);

  void* inside_ = nullptr;   // where to go on inside, while suspended
  void* outside_ = nullptr;  // where the resumer waits, while running
  ContextEntry entry_ = nullptr;
  void* argument_ = nullptr;
  Stack stack_;
  // What AddressSanitizer needs to follow the switch; unused in other builds.
  void* fake_stack_inside_ = nullptr;
  const void* outside_bottom_ = nullptr;
  std::size_t outside_bytes_ = 0;
};

}  // namespace flux::fiber
