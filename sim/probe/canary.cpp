#include "sim/probe/canary.h"

#include <array>
#include <memory>

#include "core/base/hash.h"

namespace flux::sim::probe {

std::uint64_t order_by_pointer() {
  // As a table keyed by address would order them: by a digest of where the allocator put them.
  std::array<std::unique_ptr<std::byte[]>, 6> blocks;
  std::array<std::uint64_t, 6> places{};
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    blocks[i] = std::make_unique_for_overwrite<std::byte[]>(64);
    places[i] = mix64(reinterpret_cast<std::uintptr_t>(blocks[i].get()));
  }
  // The rank of the permutation, 0 to 719.
  std::uint64_t rank = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    std::uint64_t smaller = 0;
    for (std::size_t j = i + 1; j < places.size(); ++j) smaller += places[j] < places[i] ? 1 : 0;
    rank = rank * (places.size() - i) + smaller;
  }
  return rank;
}

std::uint64_t read_uninitialised() {
  // The digest is in another archive, so the compiler cannot see that nothing was written.
  std::byte on_stack[192];
  const auto on_heap = std::make_unique_for_overwrite<std::byte[]>(192);
  return hash_bytes({on_heap.get(), 192}, hash_bytes({on_stack, 192})) % 16;
}

}  // namespace flux::sim::probe
