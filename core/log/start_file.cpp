#include "core/log/start_file.h"

#include <array>
#include <cstring>
#include <optional>

#include "core/base/hash.h"
#include "core/base/mark.h"

namespace flux::log {
namespace {

constexpr std::array<char, 8> kMagic = {'F', 'L', 'U', 'X', 'S', 'T', 'R', 'T'};
constexpr std::size_t kCheckAt = 56;
static_assert(kCheckAt + sizeof(std::uint64_t) == kStartCopyBytes);

Bytes encode_copy(const LogIdentity& identity, const LogStart& start, std::uint32_t version) {
  Bytes out(kStartCopyBytes, std::byte{0});
  std::byte* const at = out.data();
  std::memcpy(at, kMagic.data(), kMagic.size());
  store_be(at + 8, version);
  store_be(at + 12, identity.partition.value());
  store_be(at + 16, identity.topic_id.high);
  store_be(at + 24, identity.topic_id.low);
  store_be(at + 32, start.start.value());
  store_be(at + 40, start.segment.value());
  store_be(at + kCheckAt, hash_bytes(ByteView(out).first(kCheckAt)));
  return out;
}

// Nothing when the copy does not check, or is another partition's.
Result<std::optional<LogStart>> decode_copy(const LogIdentity& identity, ByteView bytes,
                                            std::size_t at) {
  if (bytes.size() < at + kStartCopyBytes) return std::nullopt;
  const ByteView copy = bytes.subspan(at, kStartCopyBytes);
  if (std::memcmp(copy.data(), kMagic.data(), kMagic.size()) != 0) return std::nullopt;
  const auto check = load_be<std::uint64_t>(copy.data() + kCheckAt);
  if (check != hash_bytes(copy.first(kCheckAt))) return std::nullopt;
  const auto version = load_be<std::uint32_t>(copy.data() + 8);
  if (version > kStartFileVersion) {
    return fail(ErrorCode::unsupported, "a log start of version " + std::to_string(version) +
                                            "; this build knows up to " +
                                            std::to_string(kStartFileVersion));
  }
  const LogStart out{Offset(load_be<std::int64_t>(copy.data() + 32)),
                     Offset(load_be<std::int64_t>(copy.data() + 40))};
  const bool ours = equal(copy, encode_copy(identity, out, version));
  if (!ours || out.segment < Offset(0) || out.start < out.segment) return std::nullopt;
  return out;
}

}  // namespace

Bytes encode_start(const LogIdentity& identity, const LogStart& start) {
  const Bytes copy = encode_copy(identity, start, kStartFileVersion);
  Bytes out = copy;
  out.resize(kStartCopyDistance);
  out.insert(out.end(), copy.begin(), copy.end());
  return out;
}

Result<FoundStart> decode_start(const LogIdentity& identity, ByteView bytes) {
  const auto first = TRY(decode_copy(identity, bytes, 0));
  const auto second = TRY(decode_copy(identity, bytes, kStartCopyDistance));
  if (!first && !second) {
    return fail(ErrorCode::corrupt, identity.name() + ": neither copy of the log start verifies");
  }
  const bool take_second = !first || (second && second->start > first->start);
  return FoundStart{.at = take_second ? *second : *first, .damaged = first != second};
}

Result<void> write_start_file(env::Task& task, env::Disk& disk, const std::string& path,
                              const LogIdentity& identity, const LogStart& start) {
  const Bytes content = encode_start(identity, start);
  Result<void> replaced = env::replace_file(task, disk, path, content);
  if (replaced || replaced.error() != ErrorCode::no_space) return replaced;
  const auto file = disk.open(task, path, env::Open::read_write);
  if (!file) return replaced;
  REACHED("log.start_written_in_place");
  for (const std::size_t at : {kStartCopyDistance, std::size_t{0}}) {
    TRY((*file)->write_at(task, at, ByteView(content).subspan(at, kStartCopyBytes)));
    TRY((*file)->sync(task));
  }
  return {};
}

}  // namespace flux::log
