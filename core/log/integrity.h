// The integrity file of a segment as bytes: header, entries, digests (docs/formats/log.md). Pure.
//
// Everything in it is keyed by topic id, partition and base offset, so that bytes which a disk
// brought from another file, or from another place in this one, do not check.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/log/config.h"

namespace flux::log {

inline constexpr std::size_t kIntegrityHeaderBytes = 64;
inline constexpr std::size_t kIntegrityEntryBytes = 64;
inline constexpr std::uint32_t kIntegrityVersion = 1;

constexpr std::uint64_t integrity_entry_at(std::uint32_t index) {
  return kIntegrityHeaderBytes + std::uint64_t{index} * kIntegrityEntryBytes;
}

enum class IntegrityKind : std::uint8_t { block = 1, mark = 2 };

struct IntegrityEntry {
  IntegrityKind kind = IntegrityKind::block;
  std::uint32_t position = 0;  // of the block; of a mark: the segment's end
  std::uint32_t length = 0;
  std::uint32_t synced_position = 0;  // known to be durable when the entry was written
  Offset base;
  Offset end;
  Offset synced_offset;
  std::uint64_t boot_id = 0;
  std::uint64_t digest = 0;

  std::uint32_t block_end() const { return position + length; }
  friend bool operator==(const IntegrityEntry&, const IntegrityEntry&) = default;
};

// Encodes, decodes and digests for one segment of one partition.
class IntegrityCodec {
 public:
  IntegrityCodec(const LogIdentity& identity, Offset segment_base);

  Bytes header() const;
  // unsupported for a newer version; corrupt when it is not this segment's header.
  Result<void> check_header(ByteView bytes) const;

  void append_entry(Bytes& to, std::uint32_t index, const IntegrityEntry& entry) const;
  // Nothing when the entry's check fails.
  std::optional<IntegrityEntry> entry(ByteView bytes, std::uint32_t index) const;

  // A block's digest: begin, then extend by each batch in turn.
  std::uint64_t begin_digest(Offset block_base) const;
  static std::uint64_t extend_digest(std::uint64_t digest, ByteView batch);
  // Whether the bytes are the block that the entry names: batches that fill it exactly, first and
  // last offset, digest.
  bool verify_block(ByteView bytes, const IntegrityEntry& entry) const;

 private:
  Uuid topic_id_;
  PartitionIndex partition_;
  Offset segment_base_;
};

}  // namespace flux::log
