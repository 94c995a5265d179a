#include "core/base/hash.h"

#include <xxhash.h>

namespace flux {

std::uint64_t hash_bytes(ByteView bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace flux
