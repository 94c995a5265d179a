// Zigzag varints as Kafka's records use them: 7 bits a byte, least significant first. FieldReader
// reads them.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"

namespace flux::record {

constexpr std::uint64_t zigzag(std::int64_t v) {
  return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t v) {
  return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
}

constexpr std::size_t varint_size(std::int64_t v) {
  std::size_t n = 1;
  for (std::uint64_t u = zigzag(v); u >= 0x80; u >>= 7) ++n;
  return n;
}

inline void append_varint(Bytes& to, std::int64_t v) {
  std::uint64_t u = zigzag(v);
  for (; u >= 0x80; u >>= 7) to.push_back(static_cast<std::byte>(u | 0x80));
  to.push_back(static_cast<std::byte>(u));
}

}  // namespace flux::record
