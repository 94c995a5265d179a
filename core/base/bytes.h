// Bytes: views, an owned buffer, and big-endian loads and stores.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace flux {

using ByteView = std::span<const std::byte>;
using MutBytes = std::span<std::byte>;

// Not an allocator of its own that leaves new bytes unset: the standard library then copies byte by
// byte wherever it would have used memcpy, which costs far more than setting bytes to zero.
using Bytes = std::vector<std::byte>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(ByteView view) { return Bytes(view.begin(), view.end()); }
inline void append(Bytes& to, ByteView from) { to.insert(to.end(), from.begin(), from.end()); }
inline bool equal(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

// Kafka's integers are big-endian. The caller has checked that the bytes are there.
template <std::integral T>
T load_be(const std::byte* from) {
  std::make_unsigned_t<T> v;
  std::memcpy(&v, from, sizeof v);
  if constexpr (sizeof v > 1 && std::endian::native == std::endian::little) v = std::byteswap(v);
  return static_cast<T>(v);
}
template <std::integral T>
void store_be(std::byte* to, T value) {
  auto v = static_cast<std::make_unsigned_t<T>>(value);
  if constexpr (sizeof v > 1 && std::endian::native == std::endian::little) v = std::byteswap(v);
  std::memcpy(to, &v, sizeof v);
}

}  // namespace flux
