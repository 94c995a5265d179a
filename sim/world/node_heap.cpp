#include "sim/world/node_heap.h"

#include <cstdlib>
#include <new>

#include "core/base/check.h"

namespace flux::sim {

constinit NodeHeap* NodeHeap::current_ = nullptr;

// Stands in front of every block; padded in front to the block's alignment.
struct NodeHeap::Header {
  NodeHeap* owner;       // null for the world
  std::uint32_t index;   // in owner->blocks_
  std::uint32_t offset;  // from the start of the malloc block to the caller's block
  std::size_t bytes;
  std::size_t padding;  // keeps the caller's block at a multiple of 16
};

NodeHeap::~NodeHeap() {
  CHECK(current_ != this, "the current heap ended");
  drop();
  std::free(blocks_);
}

void NodeHeap::insert(Header* header) {
  if (count_ == capacity_) {
    capacity_ = capacity_ == 0 ? 256 : capacity_ * 2;
    blocks_ = static_cast<Header**>(std::realloc(blocks_, capacity_ * sizeof(Header*)));
    CHECK(blocks_ != nullptr, "out of memory");
  }
  header->index = static_cast<std::uint32_t>(count_);
  blocks_[count_++] = header;
  bytes_ += header->bytes;
}

void NodeHeap::remove(Header* header) {
  CHECK(header->index < count_ && blocks_[header->index] == header, "a block freed twice");
  blocks_[header->index] = blocks_[--count_];
  blocks_[header->index]->index = header->index;
  bytes_ -= header->bytes;
}

void NodeHeap::drop() {
  for (std::size_t i = 0; i < count_; ++i) {
    auto* block = reinterpret_cast<std::byte*>(blocks_[i] + 1);
    std::free(block - blocks_[i]->offset);
  }
  count_ = 0;
  bytes_ = 0;
}

void* NodeHeap::allocate(std::size_t bytes, std::size_t alignment) {
  static_assert(sizeof(Header) % alignof(std::max_align_t) == 0);
  const std::size_t offset = alignment > sizeof(Header) ? alignment : sizeof(Header);
  // A failed malloc or an overflow of the sum both come back as null.
  if (bytes > SIZE_MAX - 2 * offset) return nullptr;
  void* raw =
      alignment <= alignof(std::max_align_t)
          ? std::malloc(offset + bytes)
          : std::aligned_alloc(alignment, (offset + bytes + alignment - 1) / alignment * alignment);
  if (!raw) return nullptr;
  std::byte* block = static_cast<std::byte*>(raw) + offset;
  auto* header = reinterpret_cast<Header*>(block) - 1;
  *header = {current_, 0, static_cast<std::uint32_t>(offset), bytes, 0};
  if (current_) current_->insert(header);
  return block;
}

void NodeHeap::release(void* block) {
  if (!block) return;
  auto* header = static_cast<Header*>(block) - 1;
  if (header->owner) header->owner->remove(header);
  std::free(static_cast<std::byte*>(block) - header->offset);
}

}  // namespace flux::sim

namespace {

void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
  void* block = flux::sim::NodeHeap::allocate(bytes, alignment);
  if (!block) throw std::bad_alloc();
  return block;
}

}  // namespace

// The program's allocation functions. The forms of arrays and those that do not throw call the
// first ones by default, but not where a sanitizer has put its own in their place.
void* operator new(std::size_t bytes) {
  return allocate_or_throw(bytes, alignof(std::max_align_t));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate_or_throw(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return flux::sim::NodeHeap::allocate(bytes, alignof(std::max_align_t));
}
void* operator new[](std::size_t bytes) { return ::operator new(bytes); }
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return ::operator new(bytes, alignment);
}
void* operator new[](std::size_t bytes, const std::nothrow_t& tag) noexcept {
  return ::operator new(bytes, tag);
}

void operator delete(void* block) noexcept { flux::sim::NodeHeap::release(block); }
void operator delete(void* block, std::size_t) noexcept { flux::sim::NodeHeap::release(block); }
void operator delete(void* block, std::align_val_t) noexcept {
  flux::sim::NodeHeap::release(block);
}
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
  flux::sim::NodeHeap::release(block);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
  flux::sim::NodeHeap::release(block);
}
void operator delete[](void* block) noexcept { flux::sim::NodeHeap::release(block); }
void operator delete[](void* block, std::size_t) noexcept { flux::sim::NodeHeap::release(block); }
void operator delete[](void* block, std::align_val_t) noexcept {
  flux::sim::NodeHeap::release(block);
}
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept {
  flux::sim::NodeHeap::release(block);
}
void operator delete[](void* block, const std::nothrow_t&) noexcept {
  flux::sim::NodeHeap::release(block);
}
