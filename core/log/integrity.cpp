#include "core/log/integrity.h"

#include <array>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/record/batch.h"

namespace flux::log {
namespace {

constexpr std::array<char, 8> kMagic = {'F', 'L', 'U', 'X', 'I', 'N', 'T', 'G'};
constexpr std::size_t kCheckAt = 56;  // in the header and in every entry
static_assert(kCheckAt + sizeof(std::uint64_t) == kIntegrityEntryBytes);
static_assert(kIntegrityHeaderBytes == kIntegrityEntryBytes);

std::uint64_t unsigned_of(std::int64_t v) { return static_cast<std::uint64_t>(v); }

}  // namespace

IntegrityCodec::IntegrityCodec(const LogIdentity& identity, Offset segment_base)
    : topic_id_(identity.topic_id), partition_(identity.partition), segment_base_(segment_base) {}

Bytes IntegrityCodec::header() const {
  Bytes out(kIntegrityHeaderBytes, std::byte{0});
  std::byte* const at = out.data();
  std::memcpy(at, kMagic.data(), kMagic.size());
  store_be(at + 8, kIntegrityVersion);
  store_be(at + 12, partition_.value());
  store_be(at + 16, topic_id_.high);
  store_be(at + 24, topic_id_.low);
  store_be(at + 32, segment_base_.value());
  store_be(at + kCheckAt, hash_bytes(ByteView(out).first(kCheckAt)));
  return out;
}

Result<void> IntegrityCodec::check_header(ByteView bytes) const {
  if (bytes.size() < kIntegrityHeaderBytes) {
    return fail(ErrorCode::corrupt, "an integrity file without a whole header");
  }
  const ByteView found = bytes.first(kIntegrityHeaderBytes);
  const auto check = load_be<std::uint64_t>(found.data() + kCheckAt);
  if (std::memcmp(found.data(), kMagic.data(), kMagic.size()) != 0 ||
      hash_bytes(found.first(kCheckAt)) != check) {
    return fail(ErrorCode::corrupt, "the header of an integrity file does not verify");
  }
  const auto version = load_be<std::uint32_t>(found.data() + 8);
  if (version > kIntegrityVersion) {
    return fail(ErrorCode::unsupported, "an integrity file of version " + std::to_string(version) +
                                            "; this build knows up to " +
                                            std::to_string(kIntegrityVersion));
  }
  if (!equal(found, header())) {
    return fail(ErrorCode::corrupt, "an integrity file of another segment");
  }
  return {};
}

namespace {
std::uint64_t key_of(const Uuid& id, PartitionIndex partition, Offset base, std::uint64_t seed) {
  std::uint64_t key = combine64(seed, id.high);
  key = combine64(key, id.low);
  key = combine64(key, unsigned_of(partition.value()));
  return combine64(key, unsigned_of(base.value()));
}
}  // namespace

void IntegrityCodec::append_entry(Bytes& to, std::uint32_t index,
                                  const IntegrityEntry& entry) const {
  const std::size_t start = to.size();
  to.resize(start + kIntegrityEntryBytes);
  std::byte* const at = to.data() + start;
  store_be(at, static_cast<std::uint32_t>(entry.kind) << 24);
  store_be(at + 4, entry.position);
  store_be(at + 8, entry.length);
  store_be(at + 12, entry.synced_position);
  store_be(at + 16, entry.base.value());
  store_be(at + 24, entry.end.value());
  store_be(at + 32, entry.synced_offset.value());
  store_be(at + 40, entry.boot_id);
  store_be(at + 48, entry.digest);
  const std::uint64_t seed = combine64(key_of(topic_id_, partition_, segment_base_, 0), index);
  store_be(at + kCheckAt, hash_bytes(ByteView(to).subspan(start, kCheckAt), seed));
}

std::optional<IntegrityEntry> IntegrityCodec::entry(ByteView bytes, std::uint32_t index) const {
  if (bytes.size() < kIntegrityEntryBytes) return std::nullopt;
  const std::byte* const at = bytes.data();
  const std::uint64_t seed = combine64(key_of(topic_id_, partition_, segment_base_, 0), index);
  if (load_be<std::uint64_t>(at + kCheckAt) != hash_bytes(bytes.first(kCheckAt), seed)) {
    return std::nullopt;
  }
  const auto kind = load_be<std::uint32_t>(at);
  if (kind != 1U << 24 && kind != 2U << 24) return std::nullopt;
  return IntegrityEntry{.kind = static_cast<IntegrityKind>(kind >> 24),
                        .position = load_be<std::uint32_t>(at + 4),
                        .length = load_be<std::uint32_t>(at + 8),
                        .synced_position = load_be<std::uint32_t>(at + 12),
                        .base = Offset(load_be<std::int64_t>(at + 16)),
                        .end = Offset(load_be<std::int64_t>(at + 24)),
                        .synced_offset = Offset(load_be<std::int64_t>(at + 32)),
                        .boot_id = load_be<std::uint64_t>(at + 40),
                        .digest = load_be<std::uint64_t>(at + 48)};
}

std::uint64_t IntegrityCodec::begin_digest(Offset block_base) const {
  return key_of(topic_id_, partition_, block_base, 1);
}

std::uint64_t IntegrityCodec::extend_digest(std::uint64_t digest, ByteView batch) {
  return hash_bytes(batch, digest);
}

bool IntegrityCodec::verify_block(ByteView bytes, const IntegrityEntry& entry) const {
  if (bytes.size() != entry.length || bytes.empty()) return false;
  std::uint64_t digest = begin_digest(entry.base);
  Offset next = entry.base;
  bool first = true;
  for (ByteView rest = bytes; !rest.empty(); first = false) {
    const Result<record::BatchView> batch = record::BatchView::take(rest);
    if (!batch || (first && batch->base_offset() != entry.base)) return false;
    digest = extend_digest(digest, batch->bytes());
    next = batch->next_offset();
  }
  return next == entry.end && digest == entry.digest;
}

}  // namespace flux::log
