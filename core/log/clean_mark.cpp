#include "core/log/clean_mark.h"

#include <array>
#include <cstring>
#include <string>

#include "core/base/hash.h"

namespace flux::log {
namespace {

constexpr std::array<char, 8> kMagic = {'F', 'L', 'U', 'X', 'D', 'O', 'N', 'E'};
constexpr std::size_t kHeaderBytes = 64;
constexpr std::size_t kSegmentBytes = 64;
constexpr std::size_t kEpochBytes = 12;
constexpr std::size_t kCheckBytes = 8;

std::unexpected<Error> bad(std::string_view why) {
  return fail(ErrorCode::corrupt, "clean-shutdown: " + std::string(why));
}

std::uint64_t key_of(const LogIdentity& identity) {
  const std::uint64_t topic = combine64(identity.topic_id.high, identity.topic_id.low);
  return combine64(topic, static_cast<std::uint64_t>(identity.partition.value()));
}

void encode_segment(std::byte* at, const CleanSegment& segment) {
  store_be(at, segment.base.value());
  store_be(at + 8, segment.end.value());
  store_be(at + 16, segment.size);
  store_be(at + 20, segment.entries);
  store_be(at + 24, segment.first_timestamp.value());
  store_be(at + 32, segment.max_timestamp.value());
  store_be(at + 40, segment.max_timestamp_offset);
  store_be(at + 44, segment.bytes_since_entry);
  store_be(at + 48, segment.indexes.offsets);
  store_be(at + 56, segment.indexes.times);
}

CleanSegment decode_segment(const std::byte* at) {
  return {.base = Offset(load_be<std::int64_t>(at)),
          .end = Offset(load_be<std::int64_t>(at + 8)),
          .size = load_be<std::uint32_t>(at + 16),
          .entries = load_be<std::uint32_t>(at + 20),
          .first_timestamp = record::Timestamp(load_be<std::int64_t>(at + 24)),
          .max_timestamp = record::Timestamp(load_be<std::int64_t>(at + 32)),
          .max_timestamp_offset = load_be<std::int32_t>(at + 40),
          .bytes_since_entry = load_be<std::uint32_t>(at + 44),
          .indexes = {load_be<std::uint64_t>(at + 48), load_be<std::uint64_t>(at + 56)}};
}

// Segments follow each other without a hole, epochs ascend.
bool in_line(const CleanMark& mark) {
  if (mark.segments.empty() || mark.segments.back().end != mark.end) return false;
  for (std::size_t i = 0; i < mark.segments.size(); ++i) {
    const CleanSegment& segment = mark.segments[i];
    if (segment.base < Offset(0) || segment.end < segment.base) return false;
    if (i > 0 && segment.base != mark.segments[i - 1].end) return false;
  }
  for (std::size_t i = 1; i < mark.epochs.size(); ++i) {
    const EpochStart& before = mark.epochs[i - 1];
    if (before.epoch >= mark.epochs[i].epoch || before.start >= mark.epochs[i].start) return false;
  }
  return true;
}

}  // namespace

Bytes encode_clean_mark(const LogIdentity& identity, const CleanMark& mark) {
  const std::size_t segments_at = kHeaderBytes + mark.epochs.size() * kEpochBytes;
  const std::size_t check_at = segments_at + mark.segments.size() * kSegmentBytes;
  Bytes out(check_at + kCheckBytes);
  std::byte* const at = out.data();
  std::memcpy(at, kMagic.data(), kMagic.size());
  store_be(at + 8, kCleanMarkVersion);
  store_be(at + 12, identity.partition.value());
  store_be(at + 16, identity.topic_id.high);
  store_be(at + 24, identity.topic_id.low);
  store_be(at + 32, mark.end.value());
  store_be(at + 40, mark.snapshot);
  store_be(at + 48, static_cast<std::uint32_t>(mark.epochs.size()));
  store_be(at + 52, static_cast<std::uint32_t>(mark.segments.size()));
  for (std::size_t i = 0; i < mark.epochs.size(); ++i) {
    std::byte* const entry = at + kHeaderBytes + i * kEpochBytes;
    store_be(entry, mark.epochs[i].epoch.value());
    store_be(entry + 4, mark.epochs[i].start.value());
  }
  for (std::size_t i = 0; i < mark.segments.size(); ++i) {
    encode_segment(at + segments_at + i * kSegmentBytes, mark.segments[i]);
  }
  store_be(at + check_at, hash_bytes(ByteView(out).first(check_at), key_of(identity)));
  return out;
}

Result<CleanMark> decode_clean_mark(const LogIdentity& identity, ByteView bytes) {
  if (bytes.size() < kHeaderBytes + kCheckBytes) return bad("too short");
  const std::byte* const at = bytes.data();
  const std::size_t check_at = bytes.size() - kCheckBytes;
  const std::uint64_t check = hash_bytes(bytes.first(check_at), key_of(identity));
  if (load_be<std::uint64_t>(at + check_at) != check) return bad("it does not check");
  if (std::memcmp(at, kMagic.data(), kMagic.size()) != 0) return bad("something else");
  const auto version = load_be<std::uint32_t>(at + 8);
  if (version > kCleanMarkVersion) {
    return fail(ErrorCode::unsupported, "clean-shutdown of version " + std::to_string(version));
  }
  CleanMark out{.end = Offset(load_be<std::int64_t>(at + 32)),
                .snapshot = load_be<std::uint64_t>(at + 40),
                .epochs = {},
                .segments = {}};
  const std::size_t epochs = load_be<std::uint32_t>(at + 48);
  const std::size_t segments = load_be<std::uint32_t>(at + 52);
  const std::size_t segments_at = kHeaderBytes + epochs * kEpochBytes;
  if (check_at != segments_at + segments * kSegmentBytes) return bad("its length does not fit");
  for (std::size_t i = 0; i < epochs; ++i) {
    const std::byte* const entry = at + kHeaderBytes + i * kEpochBytes;
    out.epochs.push_back(
        {LeaderEpoch(load_be<std::int32_t>(entry)), Offset(load_be<std::int64_t>(entry + 4))});
  }
  for (std::size_t i = 0; i < segments; ++i) {
    out.segments.push_back(decode_segment(at + segments_at + i * kSegmentBytes));
  }
  if (!in_line(out)) return bad("out of line");
  return out;
}

}  // namespace flux::log
