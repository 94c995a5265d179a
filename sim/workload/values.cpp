#include "sim/workload/values.h"

#include <algorithm>

#include "core/base/hash.h"

namespace flux::sim {
namespace {

std::byte filler(const ValueId& id, std::size_t at) {
  return static_cast<std::byte>(mix64(id.number * 0x10001 + id.client + (at << 40)));
}

}  // namespace

Bytes value_bytes(const ValueId& id, std::size_t size) {
  Bytes out(std::max(size, kValueBytesMin));
  store_be(out.data(), id.client);
  store_be(out.data() + 4, id.number);
  for (std::size_t i = kValueBytesMin; i < out.size(); ++i) out[i] = filler(id, i);
  return out;
}

ValueId read_value(const std::optional<Bytes>& value) {
  if (!value || value->size() < kValueBytesMin) return {};
  const ValueId id{load_be<std::uint32_t>(value->data()),
                   load_be<std::uint64_t>(value->data() + 4)};
  for (std::size_t i = kValueBytesMin; i < value->size(); ++i) {
    if ((*value)[i] != filler(id, i)) return {};
  }
  return id;
}

RecordDigest::RecordDigest(const std::optional<Bytes>& key, const std::optional<Bytes>& value) {
  add(key);
  add(value);
}

void RecordDigest::add_header(std::string_view key, const std::optional<Bytes>& value) {
  hash_ = combine64(hash_, hash_bytes(as_bytes(key)));
  add(value);
}

void RecordDigest::add(const std::optional<Bytes>& bytes) {
  constexpr std::uint64_t kNull = 0x6E756C6C;
  hash_ = combine64(hash_, bytes ? hash_bytes(*bytes) : kNull);
}

}  // namespace flux::sim
