// The producers' snapshots as files: written at each roll and at the end, so that what retention
// deletes, and what opening need not read, does not take the producers with it.
#include <algorithm>

#include "core/base/mark.h"
#include "core/log/log.h"
#include "core/log/names.h"
#include "core/log/producer_snapshot.h"
#include "core/log/segment.h"

namespace flux::log {

using env::Task;

// A log that knows no producer needs none: that it is missing says the same.
Result<void> Log::write_snapshot(Task& task) {
  if (producers_.producers().empty() || snapshot_at_ == end_offset_) return {};
  REACHED("log.snapshot_written");
  TRY(env::replace_file(task, env_.disk, path(segment_file(end_offset_, kSnapshotSuffix)),
                        encode_producers(producers_)));
  snapshot_at_ = end_offset_;
  return {};
}

Result<void> Log::load_snapshot(Task& task, Offset at) {
  const std::string file = path(segment_file(at, kSnapshotSuffix));
  Result<Bytes> bytes = env::read_file(task, env_.disk, file, kSnapshotBytesMax);
  if (!bytes) return std::unexpected(bytes.error().in(file));
  Result<void> decoded = decode_producers(*bytes, at, producers_);
  if (!decoded) return std::unexpected(decoded.error().in(file));
  return {};
}

}  // namespace flux::log
