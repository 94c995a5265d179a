#include "core/fiber/stack_pool.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>

#include <sys/mman.h>

#include "core/base/check.h"
#include "core/fiber/sanitizer.h"

namespace flux::fiber {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kLineBytes = 64;
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
  while (slabs_) {
    Slab* slab = slabs_;
    slabs_ = slab->next;
    ::munmap(slab, slab->bytes);
  }
}

std::size_t StackPool::bytes_of(env::StackSize size) {
  return (size == env::StackSize::large ? 256 : 64) * std::size_t{1024} * kStackFactor;
}

void StackPool::push_free(std::byte* bottom, env::StackSize size) {
  Free*& first = free_[index_of(size)];
  first = ::new (bottom + bytes_of(size) - sizeof(Free)) Free{first, bottom};
}

std::size_t StackPool::share(env::StackSize size) const {
  const std::size_t slabs = config_.stacks_max / kSlabStacks;
  const std::size_t large = slabs * 15 / 28;
  return kSlabStacks * (size == env::StackSize::large ? large : slabs - large);
}

bool StackPool::map_slab(env::StackSize size) {
  if (mapped_[index_of(size)] + kSlabStacks > share(size)) return false;
  const std::size_t stride = kPageBytes + bytes_of(size);
  const std::size_t bytes = kPageBytes + stride * kSlabStacks;
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  // Without a single stack in use none will ever be given back.
  CHECK(at != MAP_FAILED || in_use_ != 0, "no memory for fiber stacks");
  if (at == MAP_FAILED) return false;
  const auto guard = [&](std::size_t i) {
    return static_cast<std::byte*>(at) + kPageBytes + i * stride;
  };
  for (std::size_t i = 0; i < kSlabStacks; ++i) {
    if (::mprotect(guard(i), kPageBytes, PROT_NONE) == 0) continue;
    CHECK(in_use_ != 0, "no memory for the guards of fiber stacks");
    ::munmap(at, bytes);
    return false;
  }
  slabs_ = ::new (at) Slab{slabs_, bytes};
  for (std::size_t i = kSlabStacks; i-- > 0;) push_free(guard(i) + kPageBytes, size);
  mapped_[index_of(size)] += kSlabStacks;
  return true;
}

bool StackPool::available(env::StackSize size) {
  return free_[index_of(size)] != nullptr || map_slab(size);
}

std::optional<Stack> StackPool::acquire(env::StackSize size) {
  if (!available(size)) return std::nullopt;
  Free*& first = free_[index_of(size)];
  std::byte* bottom = first->bottom;
  first = first->next;
  const auto page = reinterpret_cast<std::uintptr_t>(bottom) / kPageBytes;
  const Stack stack{bottom, bytes_of(size) - page % kColours * kLineBytes, size};
  ++in_use_;
  if (config_.watermarks) {
    std::memset(stack.bottom, static_cast<int>(kPaint), stack.bytes);
  }
  return stack;
}

void StackPool::release(const Stack& stack) {
  CHECK_GT(in_use_, 0U);
  --in_use_;
  // Frames that were dropped without unwinding leave their redzones behind.
  unpoison(stack.bottom, bytes_of(stack.size));
  if (config_.watermarks) {
    std::size_t& deepest = deepest_[index_of(stack.size)];
    deepest = std::max(deepest, used_bytes(stack));
  }
  push_free(stack.bottom, stack.size);
}

}  // namespace flux::fiber
