// NodeHeap: everything that one simulated process allocates, so that a kill can drop it whole.
//
// Linking this file replaces operator new and delete of the program. While a HeapScope names a
// heap, new memory belongs to it; otherwise it belongs to the world. Memory may be freed from
// anywhere. drop() frees all that is left of a heap without running a destructor; under
// AddressSanitizer a later use of it is caught as any use after free, since every block is its own
// malloc block.
//
// Code of the world that runs on behalf of a node (a simulated write, say) opens a WorldScope
// before it allocates what it keeps: world state in a node's heap would vanish with the node.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace flux::sim {

class NodeHeap {
 public:
  NodeHeap() = default;
  ~NodeHeap();
  NodeHeap(const NodeHeap&) = delete;
  NodeHeap& operator=(const NodeHeap&) = delete;

  // Frees every block that is still allocated.
  void drop();

  std::size_t blocks() const { return count_; }
  std::size_t bytes() const { return bytes_; }

  // For operator new and delete only. Null when the system has no memory left.
  static void* allocate(std::size_t bytes, std::size_t alignment);
  static void release(void* block);

 private:
  struct Header;
  void insert(Header* header);
  void remove(Header* header);

  // Blocks in no order; each header knows its place. Plain malloc memory: a vector would recurse.
  Header** blocks_ = nullptr;
  std::size_t count_ = 0;
  std::size_t capacity_ = 0;
  std::size_t bytes_ = 0;

  friend class HeapScope;
  static NodeHeap* current_;
};

class HeapScope {
 public:
  explicit HeapScope(NodeHeap* heap) : outer_(NodeHeap::current_) { NodeHeap::current_ = heap; }
  ~HeapScope() { NodeHeap::current_ = outer_; }
  HeapScope(const HeapScope&) = delete;
  HeapScope& operator=(const HeapScope&) = delete;

 private:
  NodeHeap* outer_;
};

// Must not span a suspension: the node's heap would not be current when others run.
class WorldScope : public HeapScope {
 public:
  WorldScope() : HeapScope(nullptr) {}
};

}  // namespace flux::sim
