// 64-bit digests, the same on every compiler and processor. Not for adversaries.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/bytes.h"

namespace flux {

// Spreads every input bit over all output bits (the finaliser of SplitMix64 with the "moremur"
// constants).
constexpr std::uint64_t mix64(std::uint64_t x) {
  x ^= x >> 27;
  x *= 0x3C79AC492BA7B653ULL;
  x ^= x >> 33;
  x *= 0x1C69B3F74AC4AE35ULL;
  x ^= x >> 27;
  return x;
}

constexpr std::uint64_t combine64(std::uint64_t h, std::uint64_t x) {
  return mix64(h * 0x9E3779B97F4A7C15ULL + x + 0xD1B54A32D192ED03ULL);
}

// FNV-1a over characters and then mixed; for names known at compile time.
constexpr std::uint64_t hash_name(std::string_view name) {
  std::uint64_t h = 0xCBF29CE484222325ULL;
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return mix64(h);
}

// XXH3 (64 bits) of the bytes. Part of on-disk formats (docs/formats/log.md): must never change.
std::uint64_t hash_bytes(ByteView bytes, std::uint64_t seed = 0);

}  // namespace flux
