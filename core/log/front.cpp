#include "core/log/front.h"

#include <algorithm>
#include <string>
#include <vector>

#include "core/log/index.h"
#include "core/log/names.h"

namespace flux::log {

using env::Task;
using record::Timestamp;

namespace {

// The last entry of the time index stands for all of a segment that was closed in order.
Result<std::optional<Timestamp>> last_of_time_index(Task& task, env::Disk& disk,
                                                    const std::string& path) {
  const auto file = disk.open(task, path, env::Open::read);
  if (!file && file.error() == ErrorCode::not_found) return std::nullopt;
  if (!file) return std::unexpected(file.error());
  const std::uint64_t size = TRY((*file)->size(task));
  if (size < kTimeIndexEntryBytes) return std::nullopt;
  Bytes entry(kTimeIndexEntryBytes);
  const std::uint64_t at = (size / kTimeIndexEntryBytes - 1) * kTimeIndexEntryBytes;
  if (TRY((*file)->read_at(task, at, entry)) < entry.size()) return std::nullopt;
  return Timestamp(load_be<std::int64_t>(entry.data()));
}

// The first batch can be no newer than the segment.
Result<std::optional<Timestamp>> first_of_log(Task& task, env::File& file) {
  Bytes bytes(record::kBatchHeaderBytes);
  if (TRY(file.read_at(task, 0, bytes)) < bytes.size()) return std::nullopt;
  const auto header = record::BatchHeader::read(bytes);
  if (!header || header->max_timestamp() < Timestamp(0)) return std::nullopt;
  return header->max_timestamp();
}

}  // namespace

std::int64_t Front::expires_ms(const Retention& retention, std::int64_t now_ms) const {
  constexpr std::int64_t kNever = INT64_MAX;
  if (first_bytes == 0) return kNever;  // nothing, until somebody appends
  if (retention.bytes >= 0 && bytes - first_bytes >= static_cast<std::uint64_t>(retention.bytes)) {
    return now_ms;
  }
  if (retention.ms < 0) return kNever;
  // A time from the future may be what a disk has made of another.
  if (!newest || newest->value() > now_ms) return now_ms;
  return newest->value() >= kNever - 1 - retention.ms ? kNever : newest->value() + retention.ms + 1;
}

Result<Front> look_at_front(Task& task, env::Disk& disk, std::string_view directory,
                            bool with_bytes) {
  std::vector<Offset> bases;
  for (const env::DirectoryEntry& entry : TRY(disk.list(task, directory))) {
    if (const auto base = base_of_file(entry.name, kLogSuffix)) bases.push_back(*base);
  }
  std::sort(bases.begin(), bases.end());
  Front out;
  for (std::size_t i = 0; i < bases.size() && (i == 0 || with_bytes); ++i) {
    const std::string path = std::string(directory) + "/" + segment_file(bases[i], kLogSuffix);
    const auto file = TRY(disk.open(task, path, env::Open::read));
    const std::uint64_t size = TRY(file->size(task));
    out.bytes += size;
    if (i > 0) continue;
    out.first_bytes = size;
    const std::string index =
        std::string(directory) + "/" + segment_file(bases[i], kTimeIndexSuffix);
    out.newest = TRY(last_of_time_index(task, disk, index));
    if (!out.newest) out.newest = TRY(first_of_log(task, *file));
  }
  return out;
}

}  // namespace flux::log
