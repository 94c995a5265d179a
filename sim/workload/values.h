// Values that name themselves: every record that a simulated client sends says in its own bytes who
// sent it and which one it is, so that a lost, doubled, moved or altered record is seen for what it
// is.
//
// Layout of a value: client (u32), number (u64), then filler that follows from both.
#pragma once

#include <optional>

#include "core/base/bytes.h"
#include "sim/check/observation.h"

namespace flux::sim {

inline constexpr std::size_t kValueBytesMin = 12;

// At least kValueBytesMin bytes.
Bytes value_bytes(const ValueId& id, std::size_t size);
// ValueId{} when the bytes are too few, or the filler is not what it must be.
ValueId read_value(const std::optional<Bytes>& value);

// Equality of records: over key and value, null told from empty, and over what `add_header` was
// given, in order.
class RecordDigest {
 public:
  RecordDigest(const std::optional<Bytes>& key, const std::optional<Bytes>& value);
  void add_header(std::string_view key, const std::optional<Bytes>& value);
  std::uint64_t value() const { return hash_; }

 private:
  void add(const std::optional<Bytes>& bytes);
  std::uint64_t hash_ = 0;
};

}  // namespace flux::sim
