// StartFile: where a log begins when that is not where its first segment begins, as bytes
// (docs/formats/log.md).
//
// One small file for each partition that has ever lost its front, and none for the others: a log
// start moves without a look at any other partition, and goes with the directory when that is
// moved. (Kafka writes one file for all partitions of a disk, once a minute, and may give back
// after a power cut what it has said to be deleted.)
#pragma once

#include "core/base/bytes.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/env/disk.h"
#include "core/log/config.h"

namespace flux::log {

inline constexpr std::uint32_t kStartFileVersion = 1;
inline constexpr std::size_t kStartCopyBytes = 64;
// The copies are as far apart as a device's sectors are large, so that one bad sector leaves one.
inline constexpr std::size_t kStartCopyDistance = 4096;
inline constexpr std::size_t kStartFileBytes = kStartCopyDistance + kStartCopyBytes;

struct LogStart {
  Offset start;
  // Base of the segment that holds it: files of segments below count for nothing.
  Offset segment;

  friend bool operator==(const LogStart&, const LogStart&) = default;
};

struct FoundStart {
  LogStart at;
  bool damaged = false;  // one of the copies does not check, or is older
};

Bytes encode_start(const LogIdentity& identity, const LogStart& start);
// The later one of two that differ; corrupt when no copy checks; unsupported for a newer version.
Result<FoundStart> decode_start(const LogIdentity& identity, ByteView bytes);

// Deleting makes room, so it needs none: on a full disk the file that is there is written over, one
// copy after the other, so that one of them is whole at any moment.
Result<void> write_start_file(env::Task& task, env::Disk& disk, const std::string& path,
                              const LogIdentity& identity, const LogStart& start);

}  // namespace flux::log
