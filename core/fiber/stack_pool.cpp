#include "core/fiber/stack_pool.h"

#include <algorithm>
#include <cstring>

#include <sys/mman.h>

#include "core/base/check.h"
#include "core/fiber/sanitizer.h"

namespace flux::fiber {
namespace {

constexpr std::size_t kGuardBytes = 4096;
constexpr std::byte kPaint{0xA5};

std::size_t used_bytes(const Stack& stack) {
  const auto* end = stack.bottom + stack.bytes;
  const auto* touched = std::find_if(stack.bottom, stack.bottom + stack.bytes,
                                     [](std::byte b) { return b != kPaint; });
  return static_cast<std::size_t>(end - touched);
}

}  // namespace

StackPool::StackPool(const StackPoolConfig& config) : config_(config) {}

StackPool::~StackPool() {
  CHECK_EQ(in_use_, 0U);
  for (const Slab& slab : slabs_) ::munmap(slab.at, slab.bytes);
}

std::size_t StackPool::bytes_of(env::StackSize size) {
  return (size == env::StackSize::large ? 256 : 64) * std::size_t{1024} * kStackFactor;
}

void StackPool::map_slab(env::StackSize size) {
  CHECK(mapped_ + kSlab <= config_.stacks_max, "more fibers than stacks_max allows");
  const std::size_t stride = bytes_of(size) + kGuardBytes;
  const std::size_t bytes = stride * kSlab;
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(at != MAP_FAILED, "no memory for fiber stacks");
  auto* base = static_cast<std::byte*>(at);
  slabs_.push_back({base, bytes});
  auto& free = free_[index_of(size)];
  for (std::size_t i = kSlab; i-- > 0;) {
    std::byte* guard = base + i * stride;
    CHECK_EQ(::mprotect(guard, kGuardBytes, PROT_NONE), 0);
    free.push_back({guard + kGuardBytes, bytes_of(size), size});
  }
  mapped_ += kSlab;
}

Stack StackPool::acquire(env::StackSize size) {
  auto& free = free_[index_of(size)];
  if (free.empty()) map_slab(size);
  const Stack stack = free.back();
  free.pop_back();
  ++in_use_;
  if (config_.watermarks) {
    unpoison(stack.bottom, stack.bytes);
    std::memset(stack.bottom, static_cast<int>(kPaint), stack.bytes);
  }
  return stack;
}

void StackPool::release(const Stack& stack) {
  CHECK_GT(in_use_, 0U);
  --in_use_;
  if (config_.watermarks) {
    unpoison(stack.bottom, stack.bytes);
    std::size_t& deepest = deepest_[index_of(stack.size)];
    deepest = std::max(deepest, used_bytes(stack));
  }
  free_[index_of(stack.size)].push_back(stack);
}

}  // namespace flux::fiber
