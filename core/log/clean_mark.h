// CleanMark: what a log that was closed in order knew, as bytes (docs/formats/log.md). Pure.
//
// With it an opening need not read the segments. It is there only while nothing was written since:
// the first write takes it away, durably, before anything else. And it names what it was made of,
// so that it is believed only where all of that is still as it was.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/log/config.h"
#include "core/log/epochs.h"
#include "core/record/batch.h"

namespace flux::log {

inline constexpr std::uint32_t kCleanMarkVersion = 1;
inline constexpr std::uint64_t kCleanMarkBytesMax = 64U << 20;

// Of the files as they were last written.
struct IndexDigests {
  std::uint64_t offsets = 0;
  std::uint64_t times = 0;
  friend bool operator==(const IndexDigests&, const IndexDigests&) = default;
};

struct CleanSegment {
  Offset base;
  Offset end;
  std::uint32_t size = 0;
  std::uint32_t entries = 0;  // in the integrity file
  record::Timestamp first_timestamp = record::kNoTimestamp;
  record::Timestamp max_timestamp = record::kNoTimestamp;
  std::int32_t max_timestamp_offset = 0;
  std::uint32_t bytes_since_entry = 0;  // in the offset index
  IndexDigests indexes;

  friend bool operator==(const CleanSegment&, const CleanSegment&) = default;
};

struct CleanMark {
  Offset end;
  std::uint64_t snapshot = 0;  // digest of the producers' file; 0 when none was known
  std::vector<EpochStart> epochs;
  std::vector<CleanSegment> segments;  // by base; at least one

  friend bool operator==(const CleanMark&, const CleanMark&) = default;
};

Bytes encode_clean_mark(const LogIdentity& identity, const CleanMark& mark);
// corrupt when it does not check, is another partition's or is out of line; unsupported for a newer
// version.
Result<CleanMark> decode_clean_mark(const LogIdentity& identity, ByteView bytes);

}  // namespace flux::log
