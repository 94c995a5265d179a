// FieldReader: the fields of a record, read one after the other.
//
// It fails for good: once a field was not there, ok() is false and what is read after it is empty.
// Whoever walks millions of records a second reads each of their fields by this, so it keeps two
// pointers where a span that is cut shorter would be copied through memory at every field.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/bytes.h"
#include "core/record/varint.h"

namespace flux::record {

class FieldReader {
 public:
  explicit FieldReader(ByteView bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  bool ok() const { return ok_; }
  ByteView rest() const { return {at_, end_}; }

  // A zigzag varint of at most 64 bits; of 32.
  std::int64_t varlong() {
    // Most lengths and deltas fit one byte or two.
    if (at_ == end_) return long_varlong();
    const auto first = static_cast<std::uint64_t>(at_[0]);
    if (first < 0x80) {
      at_ += 1;
      return unzigzag(first);
    }
    if (end_ - at_ < 2) return long_varlong();
    const auto second = static_cast<std::uint64_t>(at_[1]);
    if (second >= 0x80) return long_varlong();
    at_ += 2;
    return unzigzag((first & 0x7F) | second << 7);
  }
  std::int32_t varint() {
    const std::int64_t v = varlong();
    if (v < INT32_MIN || v > INT32_MAX) fail();
    return ok_ ? static_cast<std::int32_t>(v) : 0;
  }
  // So many bytes.
  ByteView bytes(std::int32_t size) {
    if (size < 0 || size > end_ - at_) {
      fail();
      return {};
    }
    const std::byte* from = at_;
    at_ += size;
    return {from, at_};
  }
  // Bytes after their length; a length of -1 is null.
  std::optional<ByteView> nullable_bytes() {
    const std::int32_t size = varint();
    if (size == -1) return std::nullopt;
    return bytes(size);
  }

 private:
  std::int64_t long_varlong();
  void fail() {
    ok_ = false;
    at_ = end_;
  }

  const std::byte* at_;
  const std::byte* end_;
  bool ok_ = true;
};

}  // namespace flux::record
