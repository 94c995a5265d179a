#include "net/wire/reader.h"

#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "core/base/check.h"

namespace flux::wire {
namespace {

constexpr unsigned kVarintBits = 7;
constexpr std::uint8_t kVarintMore = 0x80;
constexpr std::uint8_t kVarintMask = 0x7f;

template <std::signed_integral T>
T unzigzag(std::make_unsigned_t<T> v) {
  return static_cast<T>((v >> 1) ^ (~(v & 1) + 1));
}

}  // namespace

Result<> Reader::status() const {
  if (ok()) return {};
  std::string detail = "at byte " + std::to_string(failed_at_) + " of " +
                       std::to_string(bytes_.size()) + ": " + what_;
  if (number_ != 0) detail += " (" + std::to_string(number_) + ")";
  return flux::fail(code_, std::move(detail));
}

void Reader::fail(ErrorCode code, const char* what, std::int64_t number) {
  CHECK(what != nullptr);
  if (!ok()) return;
  code_ = code;
  what_ = what;
  number_ = number;
  failed_at_ = at_;
  end_ = at_;
}

void Reader::fail_short(std::size_t size) {
  fail(ErrorCode::invalid, "the message ends before its last field does; bytes wanted",
       static_cast<std::int64_t>(size));
}

Uuid Reader::uuid() {
  const auto high = integer<std::uint64_t>();
  const auto low = integer<std::uint64_t>();
  return Uuid{.high = high, .low = low};
}

std::uint32_t Reader::unsigned_varint() {
  const std::uint64_t v = unsigned_varlong();
  if (v > std::numeric_limits<std::uint32_t>::max()) {
    fail(ErrorCode::invalid, "a varint of more than 32 bits");
    return 0;
  }
  return static_cast<std::uint32_t>(v);
}

std::uint64_t Reader::unsigned_varlong() {
  std::uint64_t v = 0;
  for (unsigned shift = 0; shift < 64; shift += kVarintBits) {
    const auto byte = integer<std::uint8_t>();
    // The tenth byte has room for one bit.
    if (shift == 63 && byte > 1) break;
    v |= static_cast<std::uint64_t>(byte & kVarintMask) << shift;
    if ((byte & kVarintMore) == 0) return v;
  }
  fail(ErrorCode::invalid, "a varint of more than 64 bits");
  return 0;
}

std::int32_t Reader::varint() { return unzigzag<std::int32_t>(unsigned_varint()); }
std::int64_t Reader::varlong() { return unzigzag<std::int64_t>(unsigned_varlong()); }

ByteView Reader::raw(std::size_t size) {
  const std::byte* from = take(size);
  return from == nullptr ? ByteView{} : ByteView{from, size};
}

template <std::signed_integral Classic>
std::optional<std::size_t> Reader::length(bool flexible) {
  if (flexible) {
    const std::uint32_t v = unsigned_varint();
    if (v == 0) return std::nullopt;
    return v - 1;
  }
  const auto v = integer<Classic>();
  if (v == -1 || !ok()) return std::nullopt;
  if (v < 0) {
    fail(ErrorCode::invalid, "a negative length", v);
    return std::nullopt;
  }
  return static_cast<std::size_t>(v);
}

std::optional<std::string_view> Reader::text_as(bool flexible) {
  const auto size = length<std::int16_t>(flexible);
  if (!size) return std::nullopt;
  if (*size > kStringSizeMax) {
    fail(ErrorCode::too_large, "a string longer than 32767 bytes",
         static_cast<std::int64_t>(*size));
    return std::nullopt;
  }
  const ByteView view = raw(*size);
  if (!ok()) return std::nullopt;
  return as_text(view);
}

std::optional<std::string_view> Reader::text() { return text_as(flexible_); }
std::optional<std::string_view> Reader::classic_text() { return text_as(false); }

std::optional<ByteView> Reader::bytes() {
  const auto size = length<std::int32_t>(flexible_);
  if (!size) return std::nullopt;
  const ByteView view = raw(*size);
  if (!ok()) return std::nullopt;
  return view;
}

std::optional<std::size_t> Reader::count(std::size_t wire_size_min, std::size_t memory_size) {
  CHECK_GE(wire_size_min, std::size_t{1});
  const auto n = length<std::int32_t>(flexible_);
  if (!n) return std::nullopt;
  if (*n > remaining() / wire_size_min) {
    fail(ErrorCode::invalid, "an array with more elements than the message can hold",
         static_cast<std::int64_t>(*n));
    return std::nullopt;
  }
  if (*n > limits_.array_count_max) {
    fail(ErrorCode::too_large, "an array with too many elements", static_cast<std::int64_t>(*n));
    return std::nullopt;
  }
  charge(*n * memory_size);
  if (!ok()) return std::nullopt;
  return *n;
}

void Reader::charge(std::size_t size) {
  memory_used_ += size;
  if (memory_used_ > limits_.memory_max) {
    fail(ErrorCode::too_large, "a message that takes too much memory once decoded; bytes",
         static_cast<std::int64_t>(memory_used_));
    return;
  }
  if (memory_used_ <= limits_.memory_unasked || outgrown_ || pace_ == nullptr) return;
  outgrown_ = true;
  const auto room = pace_->outgrown(memory_used_);
  if (!room) fail(room.error().code(), "no memory could be had for what it unfolds to");
}

void Reader::tell_work() {
  const std::size_t done = std::exchange(work_, 0);
  if (pace_ != nullptr) pace_->worked(done);
}

TagReader::TagReader(Reader& from) : from_(from) {
  left_ = from.unsigned_varint();
  // A tag takes at least two bytes: its number and its size.
  if (left_ > from.limits_.tag_count_max || left_ > from.remaining() / 2) {
    from.fail(ErrorCode::invalid, "too many tagged fields", left_);
    left_ = 0;
  }
}

bool TagReader::next() {
  if (open_) close();
  if (left_ == 0 || !from_.ok()) return false;
  --left_;
  const std::uint32_t tag = from_.unsigned_varint();
  if (!first_ && tag <= tag_) from_.fail(ErrorCode::invalid, "tags out of order", tag);
  first_ = false;
  tag_ = tag;
  const std::uint32_t size = from_.unsigned_varint();
  if (size > from_.remaining()) from_.fail_short(size);
  if (!from_.ok()) return false;
  outer_end_ = from_.end_;
  from_.end_ = from_.at_ + size;
  open_ = true;
  return true;
}

void TagReader::skip() {
  CHECK(open_);
  from_.at_ = from_.end_;
}

void TagReader::close() {
  open_ = false;
  if (!from_.ok()) return;
  if (from_.remaining() != 0) {
    from_.fail(ErrorCode::invalid, "a tagged field that is longer than its content", tag_);
    return;
  }
  from_.end_ = outer_end_;
}

void skip_tags(Reader& from) {
  for (TagReader tags(from); tags.next();) tags.skip();
}

}  // namespace flux::wire
