// Zigzag varints as Kafka's records use them: 7 bits a byte, least significant first.
#pragma once

#include <cstdint>
#include <optional>

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

// Takes a varint of at most 64 bits off the front; nothing when the bytes end or it is longer.
inline std::optional<std::int64_t> take_varlong(ByteView& from) {
  std::uint64_t u = 0;
  for (std::size_t i = 0; i < from.size() && i < 10; ++i) {
    const auto byte = static_cast<std::uint64_t>(from[i]);
    u |= (byte & 0x7F) << (7 * i);
    if (byte < 0x80) {
      if (i == 9 && byte > 1) return std::nullopt;
      from = from.subspan(i + 1);
      return unzigzag(u);
    }
  }
  return std::nullopt;
}

// The same for 32 bits.
inline std::optional<std::int32_t> take_varint(ByteView& from) {
  ByteView rest = from;
  const std::optional<std::int64_t> v = take_varlong(rest);
  if (!v || *v < INT32_MIN || *v > INT32_MAX) return std::nullopt;
  from = rest;
  return static_cast<std::int32_t>(*v);
}

}  // namespace flux::record
