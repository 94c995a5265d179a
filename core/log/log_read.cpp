// Reading the log: slices for consumers and followers, and the search for a time.
#include <algorithm>

#include "core/base/check.h"
#include "core/base/mark.h"
#include "core/base/mutant.h"
#include "core/log/cost.h"
#include "core/log/log.h"
#include "core/log/segment.h"
#include "core/record/record.h"

namespace flux::log {

using env::Task;
using record::BatchView;
using record::Timestamp;

namespace {
constexpr std::size_t kSearchBytes = 256U << 10;
// A batch unfolds to no more when its timestamps are looked at.
constexpr std::size_t kUnfoldedBytesMax = 128U << 20;
}  // namespace

// The last segment that begins at or before the offset.
Log::SegmentPointer Log::segment_of(Offset offset) const {
  const auto after = std::upper_bound(
      segments_.begin(), segments_.end(), offset,
      [](Offset at, const SegmentPointer& segment) { return at < segment->base_offset(); });
  CHECK(after != segments_.begin());
  return *(after - 1);
}

std::unexpected<Error> Log::refuse_offset(Offset offset) const {
  return fail(ErrorCode::out_of_range, identity_.name() + ": offset " +
                                           std::to_string(offset.value()) + "; there are " +
                                           std::to_string(start_offset_.value()) + " to " +
                                           std::to_string(end_offset_.value()));
}

Result<Slice> Log::read(Task& task, Offset from, const ReadLimits& limits) {
  if (from < start_offset_ || from > end_offset_) return refuse_offset(from);
  Result<Slice> out = read_existing(task, from, limits);
  // The start may have passed it meanwhile, and its files be removed under the reader.
  if (from < start_offset_) {
    REACHED("log.deleted_while_read");
    return refuse_offset(from);
  }
  return out;
}

Result<Slice> Log::read_existing(Task& task, Offset from, const ReadLimits& limits) {
  // After a failed sync what lies above the synced end may differ from one read to the next.
  const Offset end = std::min(limits.end, poisoned_ ? synced_end_ : end_offset_);
  Slice out{.first = from, .next = from};
  if (from >= end) return out;
  if (MUTANT("log.last_of_segment_skipped") && from + 1 < end &&
      segment_of(from)->end_offset() == from + 1) {
    from = from + 1;
  }
  const SegmentPointer segment = segment_of(from);
  if (from >= segment->end_offset()) {
    REACHED("log.lost_range_asked_for");
    return fail(ErrorCode::corrupt, identity_.name() + ": offset " + std::to_string(from.value()) +
                                        " was lost by the disk");
  }
  out.file = TRY(segment->data(task));  // held open meanwhile
  SegmentSlice part = TRY(segment->slice(task, from, end, limits.bytes_max, limits.at_least_one));
  if (part.end.position <= part.first.position) return out;
  out.first = part.first.base;
  out.next = part.end.offset;
  out.position = part.first.position;
  out.length = part.end.position - part.first.position;
  out.bytes = std::move(part.bytes);
  return out;
}

Result<Bytes> Log::bytes_of(Task& task, const Slice& slice) {
  if (slice.empty()) return Bytes();
  if (slice.bytes) return *slice.bytes;
  Bytes out(slice.length);
  TRY(read_whole(task, *slice.file, slice.position, out));
  return out;
}

namespace {
using SeeRecord = std::function<bool(const TimestampOffset& record)>;

// Calls `see` with the batch's records at or after `from`, until it says that it has seen enough:
// then true.
Result<bool> see_records(Task& task, const BatchView& batch, Offset from, const SeeRecord& see) {
  Bytes storage;
  task.scheduler().charge(checksum_cost(batch.size()) * 4);
  const record::Pace pace = pace_of(task);
  const ByteView records = TRY(record::records_of(batch, storage, kUnfoldedBytesMax, pace));
  record::RecordReader reader(records, batch.record_count(), pace);
  while (!reader.done()) {
    const record::Record record = TRY(reader.next());
    const Offset offset = record.offset(batch);
    if (offset < from) continue;
    if (see({record.timestamp(batch), offset, batch.leader_epoch()})) return true;
  }
  return false;
}
}  // namespace

Result<void> Log::see_batches(Task& task, Segment& segment, Offset from, const SeeBatch& see) {
  const std::shared_ptr<env::File> held = TRY(segment.data(task));  // over many reads
  const Offset end = segment.end_offset();
  Offset offset = from;
  while ((offset = segment.skip_rot(std::max(offset, start_offset_))) < end) {
    const Result<Slice> slice = read(task, offset, {.bytes_max = kSearchBytes, .end = end});
    if (!slice) {
      if (offset < start_offset_) continue;
      // What has just been found rotten is stepped over.
      const bool news = slice.error() == ErrorCode::corrupt && segment.skip_rot(offset) > offset;
      if (!news) return std::unexpected(slice.error());
      continue;
    }
    if (slice->empty()) break;
    const Bytes bytes = TRY(bytes_of(task, *slice));
    for (ByteView rest = bytes; !rest.empty();) {
      const BatchView batch = TRY(BatchView::take(rest));
      if (TRY(see(batch, offset))) return {};
    }
    env::yield_if_due(task);
    offset = slice->next;
  }
  return {};
}

Result<std::optional<TimestampOffset>> Log::search_segment(Task& task, Segment& segment,
                                                           Timestamp at_least) {
  const std::int32_t hint = TRY(segment.offset_hint(task, at_least));
  std::optional<TimestampOffset> found;
  const auto look = [&](const BatchView& batch, Offset from) -> Result<bool> {
    if (batch.max_timestamp() < at_least) return false;
    return see_records(task, batch, from, [&](const TimestampOffset& record) {
      if (record.timestamp < at_least) return false;
      if (MUTANT("log.lookup_strictly_later") && record.timestamp == at_least) return false;
      found = record;
      return true;
    });
  };
  TRY(see_batches(task, segment, segment.base_offset() + hint, look));
  return found;
}

Result<std::optional<TimestampOffset>> Log::offset_for_timestamp(Task& task, Timestamp at_least) {
  const std::vector<SegmentPointer> segments = segments_;  // it may roll meanwhile
  for (const SegmentPointer& segment : segments) {
    if (segment->max_timestamp() < at_least || segment->end_offset() <= start_offset_) continue;
    auto found = search_segment(task, *segment, at_least);
    if (!found && segment->end_offset() <= start_offset_) continue;  // its files went meanwhile
    if (!found || *found) return found;
  }
  return std::nullopt;
}

// The record with the largest timestamp of what is left of the first segment.
Result<std::optional<TimestampOffset>> Log::newest_of_cut(Task& task, Segment& segment) {
  std::optional<TimestampOffset> newest;
  const auto look = [&](const BatchView& batch, Offset from) -> Result<bool> {
    if (newest && batch.max_timestamp() <= newest->timestamp) return false;
    return see_records(task, batch, from, [&](const TimestampOffset& record) {
      if (!newest || record.timestamp > newest->timestamp) newest = record;
      return false;
    });
  };
  TRY(see_batches(task, segment, start_offset_, look));
  return newest;
}

Result<std::optional<TimestampOffset>> Log::offset_of_max_timestamp(Task& task) {
  const std::vector<SegmentPointer> segments = segments_;
  const bool cut = segments.front()->base_offset() < start_offset_;
  std::optional<TimestampOffset> in_first;
  if (cut) in_first = TRY(newest_of_cut(task, *segments.front()));
  Timestamp largest = record::kNoTimestamp;
  for (std::size_t i = cut ? 1 : 0; i < segments.size(); ++i) {
    largest = std::max(largest, segments[i]->max_timestamp());
  }
  if (in_first && in_first->timestamp >= largest) return in_first;
  if (largest == record::kNoTimestamp) return std::nullopt;
  return offset_for_timestamp(task, largest);
}

}  // namespace flux::log
