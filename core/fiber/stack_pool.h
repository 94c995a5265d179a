// StackPool: guarded stacks that are mapped once and reused.
//
// A fresh guarded mapping costs microseconds, a reused one nanoseconds. Stacks are mapped in slabs,
// each stack above a guard page; pages are committed by first use. The pool grows up to its limit
// and never shrinks; beyond it there is no stack until one is given back. Each class has a share of
// its own, so that what one took once is not missing for the other for ever. One thread; it
// outlives every loop that takes stacks from it.
//
// Stacks of one class lie a fixed stride apart, so that the frames of all sleeping fibers would
// share a few cache sets. Each begins at a colour of its own below the top, which spreads them.
//
// With `watermarks` each stack is painted before use, so that the deepest use of each class is
// known; painting commits every page, so this is for tests.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "core/env/scheduler.h"

namespace flux::fiber {

struct Stack {
  std::byte* bottom = nullptr;  // lowest usable address
  std::size_t bytes = 0;
  env::StackSize size = env::StackSize::normal;
};

struct StackPoolConfig {
  // Two mappings a stack count against vm.max_map_count (65,530 by default).
  std::size_t stacks_max = 28'000;
  bool watermarks = false;
};

class StackPool {
 public:
  explicit StackPool(const StackPoolConfig& config = {});
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  // Whether acquire() will give one.
  bool available(env::StackSize size);
  // None when the class has its share, or memory is short.
  std::optional<Stack> acquire(env::StackSize size);
  void release(const Stack& stack);

  // How many stacks of a class there may be.
  std::size_t share(env::StackSize size) const;
  std::size_t mapped() const { return mapped_[0] + mapped_[1]; }
  std::size_t in_use() const { return in_use_; }
  // Bytes of the deepest use seen at a release, and the size of the class; 0 without watermarks.
  std::size_t deepest(env::StackSize size) const { return deepest_[index_of(size)]; }
  static std::size_t bytes_of(env::StackSize size);

 private:
  static constexpr std::size_t kClasses = 2;
  static constexpr std::size_t kSlabStacks = 16;  // mapped at once
  static constexpr std::size_t kColours = 32;     // of a cache line each
  // At the top of a stack that is not in use.
  struct Free {
    Free* next;
    std::byte* bottom;
  };
  // In the first page of a slab.
  struct Slab {
    Slab* next;
    std::size_t bytes;
  };
  static std::size_t index_of(env::StackSize size) { return static_cast<std::size_t>(size); }
  bool map_slab(env::StackSize size);
  void push_free(std::byte* bottom, env::StackSize size);

  StackPoolConfig config_;
  std::array<Free*, kClasses> free_{};
  std::array<std::size_t, kClasses> deepest_{};
  Slab* slabs_ = nullptr;
  std::array<std::size_t, kClasses> mapped_{};
  std::size_t in_use_ = 0;
};

}  // namespace flux::fiber
