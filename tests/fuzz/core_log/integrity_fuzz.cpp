// Any bytes as a segment's integrity file: its header, its entries, and the block that an entry
// names. The checks are also made to fit, since no search would find them. Input: one byte that
// says which, the entries, and what is left over as the block.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/log/integrity.h"

namespace flux::log {
namespace {

const LogIdentity& identity() {
  static const LogIdentity kIdentity{"t", PartitionIndex(1), Uuid{0x1122, 0x3344}};
  return kIdentity;
}

void try_header(const IntegrityCodec& codec, ByteView bytes) {
  static_cast<void>(codec.check_header(bytes));
  if (bytes.size() < kIntegrityHeaderBytes) return;
  // With a check that fits, so that versions and names are looked at.
  Bytes mended = to_bytes(bytes.first(kIntegrityHeaderBytes));
  const Bytes right = codec.header();
  std::copy_n(right.begin(), 8, mended.begin());
  constexpr std::size_t kCheckAt = kIntegrityHeaderBytes - sizeof(std::uint64_t);
  store_be(mended.data() + kCheckAt, hash_bytes(ByteView(mended).first(kCheckAt)));
  const auto checked = codec.check_header(mended);
  CHECK(!checked || equal(mended, right));
}

// Entries as fields, so that what stands behind the check is reached.
IntegrityEntry entry_of(ByteView bytes) {
  const std::byte* const at = bytes.data();
  return {.kind = (std::to_integer<unsigned>(at[0]) & 1U) == 0 ? IntegrityKind::block
                                                               : IntegrityKind::mark,
          .position = load_be<std::uint32_t>(at + 4),
          .length = load_be<std::uint32_t>(at + 8),
          .synced_position = load_be<std::uint32_t>(at + 12),
          .base = Offset(load_be<std::int64_t>(at + 16)),
          .end = Offset(load_be<std::int64_t>(at + 24)),
          .synced_offset = Offset(load_be<std::int64_t>(at + 32)),
          .boot_id = load_be<std::uint64_t>(at + 40),
          .digest = load_be<std::uint64_t>(at + 48)};
}

void try_entries(const IntegrityCodec& codec, ByteView bytes) {
  Bytes file;
  std::uint32_t count = 0;
  for (; bytes.size() >= kIntegrityEntryBytes; bytes = bytes.subspan(kIntegrityEntryBytes)) {
    static_cast<void>(codec.entry(bytes, count));
    const IntegrityEntry entry = entry_of(bytes);
    codec.append_entry(file, count, entry);
    const ByteView written = ByteView(file).subspan(count * kIntegrityEntryBytes);
    const auto again = codec.entry(written, count);
    CHECK(again.has_value());
    CHECK(*again == entry);
    CHECK(!codec.entry(written, count + 1), "an entry counts at another place");
    ++count;
    IntegrityEntry block = entry;
    const ByteView rest = bytes.subspan(kIntegrityEntryBytes);
    block.length = static_cast<std::uint32_t>(rest.size());
    static_cast<void>(codec.verify_block(rest, block));
  }
}

}  // namespace
}  // namespace flux::log

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const flux::ByteView input = std::as_bytes(std::span(data, size));
  if (input.empty()) return 0;
  const flux::log::IntegrityCodec codec(flux::log::identity(), flux::Offset(42));
  if (data[0] % 2 == 0) {
    flux::log::try_header(codec, input.subspan(1));
  } else {
    flux::log::try_entries(codec, input.subspan(1));
  }
  return 0;
}
