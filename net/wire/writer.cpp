#include "net/wire/writer.h"

#include <array>
#include <limits>
#include <utility>

#include "core/base/check.h"
#include "net/wire/frame.h"
#include "net/wire/reader.h"

namespace flux::wire {
namespace {

constexpr std::uint8_t kTagCountMax = 127;  // so that the count is a varint of one byte
constexpr std::size_t kVarlongSizeMax = 10;

std::size_t store_varlong(std::array<std::byte, kVarlongSizeMax>& to, std::uint64_t value) {
  std::size_t size = 0;
  while (value >= 0x80) {
    to[size++] = static_cast<std::byte>((value & 0x7f) | 0x80);
    value >>= 7;
  }
  to[size++] = static_cast<std::byte>(value);
  return size;
}

}  // namespace

Result<> Writer::status() const {
  if (ok()) return {};
  return flux::fail(code_, error_);
}

void Writer::fail(ErrorCode code, std::string detail) {
  CHECK(!detail.empty());
  if (!ok()) return;
  code_ = code;
  error_ = std::move(detail);
}

void Writer::tell_work() {
  const std::size_t done = std::exchange(work_, 0);
  if (pace_ != nullptr) pace_->worked(done);
}

void Writer::uuid(const Uuid& value) {
  integer(value.high);
  integer(value.low);
}

void Writer::unsigned_varlong(std::uint64_t value) {
  std::array<std::byte, kVarlongSizeMax> text;
  const std::size_t size = store_varlong(text, value);
  raw({text.data(), size});
}

void Writer::varint(std::int32_t value) {
  unsigned_varint((static_cast<std::uint32_t>(value) << 1) ^
                  static_cast<std::uint32_t>(value >> 31));
}

void Writer::varlong(std::int64_t value) {
  unsigned_varlong((static_cast<std::uint64_t>(value) << 1) ^
                   static_cast<std::uint64_t>(value >> 63));
}

void Writer::raw(ByteView bytes) {
  if (bytes.empty()) return;
  std::memcpy(grow(bytes.size()), bytes.data(), bytes.size());
}

void Writer::text(std::string_view value) {
  if (!flexible_) return classic_text(value);
  if (value.size() > kStringSizeMax) {
    return fail(ErrorCode::too_large, "a string of " + std::to_string(value.size()) + " bytes");
  }
  unsigned_varint(static_cast<std::uint32_t>(value.size()) + 1);
  raw(as_bytes(value));
}

void Writer::null_text() {
  if (flexible_) return unsigned_varint(0);
  null_classic_text();
}

void Writer::classic_text(std::string_view value) {
  if (value.size() > kStringSizeMax) {
    return fail(ErrorCode::too_large, "a string of " + std::to_string(value.size()) + " bytes");
  }
  integer(static_cast<std::int16_t>(value.size()));
  raw(as_bytes(value));
}

void Writer::bytes(ByteView value) {
  count(value.size());
  raw(value);
}

void Writer::null_bytes() { null_count(); }

void Writer::count(std::size_t elements) {
  if (elements >= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    return fail(ErrorCode::too_large, "a length of " + std::to_string(elements));
  }
  if (flexible_) return unsigned_varint(static_cast<std::uint32_t>(elements) + 1);
  integer(static_cast<std::int32_t>(elements));
}

void Writer::null_count() {
  if (flexible_) return unsigned_varint(0);
  integer<std::int32_t>(-1);
}

void Writer::records(const Records& value) {
  if (value.is_null()) return null_count();
  count(value.size());
  if (!value.is_file() && value.size() <= kCopyRecordsMax) return raw(value.bytes());
  if (value.size() == 0) return;
  splices_.push_back({.at = bytes_.size(), .records = value});
  referenced_ += value.size();
}

Writer::Tags Writer::begin_tags() {
  const Tags tags{.count_at = bytes_.size()};
  no_tags();
  return tags;
}

void Writer::begin_tag(Tags& tags, std::uint32_t tag) {
  CHECK_LT(tags.count, kTagCountMax);
  ++tags.count;
  unsigned_varint(tag);
  tags.body_at = bytes_.size();
}

void Writer::end_tag(Tags& tags) {
  // The size stands in front of the field and is a varint, so the field moves up to make room.
  CHECK(splices_.empty() || splices_.back().at < tags.body_at);
  const std::size_t body = bytes_.size() - tags.body_at;
  std::array<std::byte, kVarlongSizeMax> text;
  const std::size_t size = store_varlong(text, body);
  bytes_.insert(bytes_.begin() + static_cast<std::ptrdiff_t>(tags.body_at), text.begin(),
                text.begin() + size);
}

void Writer::end_tags(const Tags& tags) {
  bytes_[tags.count_at] = static_cast<std::byte>(tags.count);
}

void Writer::begin_frame() {
  CHECK_EQ(size(), std::size_t{0});
  grow(kFrameLengthSize);
}

void Writer::end_frame() {
  CHECK_GE(bytes_.size(), kFrameLengthSize);
  const std::size_t length = size() - kFrameLengthSize;
  if (length > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    return fail(ErrorCode::too_large, "a frame of " + std::to_string(length) + " bytes");
  }
  store_be(bytes_.data(), static_cast<std::int32_t>(length));
}

std::vector<Segment> Writer::segments() const {
  std::vector<Segment> out;
  out.reserve(2 * splices_.size() + 1);
  const ByteView all = bytes_;
  std::size_t at = 0;
  for (const Splice& splice : splices_) {
    if (splice.at > at) out.push_back({.bytes = all.subspan(at, splice.at - at), .range = {}});
    at = splice.at;
    if (splice.records.is_file()) {
      out.push_back({.bytes = {}, .range = splice.records.file_range()});
    } else {
      out.push_back({.bytes = splice.records.bytes(), .range = {}});
    }
  }
  if (at < all.size()) out.push_back({.bytes = all.subspan(at), .range = {}});
  return out;
}

Bytes Writer::join() const {
  Bytes out;
  out.reserve(size());
  for (const Segment& segment : segments()) {
    CHECK(!segment.is_file());
    append(out, segment.bytes);
  }
  return out;
}

Bytes Writer::take() {
  Bytes out = splices_.empty() ? std::move(bytes_) : join();
  bytes_.clear();
  splices_.clear();
  referenced_ = 0;
  return out;
}

}  // namespace flux::wire
