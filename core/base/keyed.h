// Keyed randomness: a decision is f(seed, key), where the key names the thing decided about.
//
// Because no draw depends on how many draws came before, taking away one message, fault or timer
// leaves what happens to all others as it was. So a key is built from names and identities (a
// connection and its byte offset, a file and its operation, a timer's name), never from a global
// count. Two decisions about the same thing need two names.
//
//   static constexpr Key kDelay = key("net.delay");
//   keyed_below(seed, kDelay.with(connection).with(offset), 9'000'000)
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/hash.h"
#include "core/base/ratio.h"

namespace flux {

struct Key {
  std::uint64_t value = 0;

  constexpr Key with(std::uint64_t part) const { return Key{combine64(value, part)}; }
  constexpr Key with(std::string_view part) const { return Key{combine64(value, hash_name(part))}; }
  friend constexpr bool operator==(const Key&, const Key&) = default;
};

constexpr Key key(std::string_view name) { return Key{hash_name(name)}; }

constexpr std::uint64_t keyed_u64(std::uint64_t seed, Key key) {
  return mix64(mix64(seed ^ 0xA0761D6478BD642FULL) + key.value * 0xE7037ED1A0B428DBULL);
}

// Uniform in [0, bound); bound >= 1. Multiply and shift: the bias is below bound / 2^64.
constexpr std::uint64_t scale_below(std::uint64_t uniform, std::uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(uniform) * bound) >> 64);
}
constexpr std::uint64_t keyed_below(std::uint64_t seed, Key key, std::uint64_t bound) {
  return scale_below(keyed_u64(seed, key), bound);
}
constexpr bool keyed_chance(std::uint64_t seed, Key key, Ratio p) {
  if (p.never()) return false;
  return keyed_below(seed, key, p.denominator) < p.numerator;
}

}  // namespace flux
