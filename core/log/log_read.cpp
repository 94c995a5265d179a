// Reading the log: slices for consumers and followers, and the search for a time.
#include <algorithm>

#include "core/base/check.h"
#include "core/base/mark.h"
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

Result<Slice> Log::read(Task& task, Offset from, const ReadLimits& limits) {
  if (from < start_offset_ || from > end_offset_) {
    return fail(ErrorCode::out_of_range, identity_.name() + ": offset " +
                                             std::to_string(from.value()) + "; there are " +
                                             std::to_string(start_offset_.value()) + " to " +
                                             std::to_string(end_offset_.value()));
  }
  // After a failed sync what lies above the synced end may differ from one read to the next.
  const Offset end = std::min(limits.end, poisoned_ ? synced_end_ : end_offset_);
  Slice out{.first = from, .next = from};
  if (from >= end) return out;
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
// The first record in the batch at or after `from` with at least that timestamp.
Result<std::optional<TimestampOffset>> search_batch(Task& task, const BatchView& batch,
                                                    Timestamp at_least, Offset from) {
  Bytes storage;
  const ByteView records =
      TRY(record::records_of(batch, storage, kUnfoldedBytesMax, pace_of(task)));
  record::RecordReader reader(records, batch.record_count());
  while (!reader.done()) {
    const record::Record record = TRY(reader.next());
    env::yield_if_due(task);
    const Timestamp timestamp = record.timestamp(batch);
    const Offset offset = record.offset(batch);
    if (timestamp >= at_least && offset >= from) {
      return TimestampOffset{timestamp, offset, batch.leader_epoch()};
    }
  }
  return std::nullopt;
}
}  // namespace

Result<std::optional<TimestampOffset>> Log::search_segment(Task& task, Segment& segment,
                                                           Timestamp at_least) {
  const std::shared_ptr<env::File> held = TRY(segment.data(task));  // over many reads
  const std::int32_t hint = TRY(segment.offset_hint(task, at_least));
  Offset offset = std::max(start_offset_, segment.base_offset() + hint);
  const Offset end = segment.end_offset();
  while ((offset = segment.skip_rot(offset)) < end) {
    const Result<Slice> slice = read(task, offset, {.bytes_max = kSearchBytes, .end = end});
    if (!slice) {
      // What has just been found rotten is stepped over.
      const bool news = slice.error() == ErrorCode::corrupt && segment.skip_rot(offset) > offset;
      if (!news) return std::unexpected(slice.error());
      continue;
    }
    if (slice->empty()) break;
    const Bytes bytes = TRY(bytes_of(task, *slice));
    for (ByteView rest = bytes; !rest.empty();) {
      const BatchView batch = TRY(BatchView::take(rest));
      if (batch.max_timestamp() < at_least) continue;
      task.scheduler().charge(checksum_cost(batch.size()) * 4);
      auto found = TRY(search_batch(task, batch, at_least, offset));
      if (found) return found;
    }
    env::yield_if_due(task);
    offset = slice->next;
  }
  return std::nullopt;
}

Result<std::optional<TimestampOffset>> Log::offset_for_timestamp(Task& task, Timestamp at_least) {
  const std::vector<SegmentPointer> segments = segments_;  // it may roll meanwhile
  for (const SegmentPointer& segment : segments) {
    if (segment->max_timestamp() < at_least) continue;
    auto found = TRY(search_segment(task, *segment, at_least));
    if (found) return found;
  }
  return std::nullopt;
}

Result<std::optional<TimestampOffset>> Log::offset_of_max_timestamp(Task& task) {
  Timestamp largest = record::kNoTimestamp;
  for (const SegmentPointer& segment : segments_) {
    largest = std::max(largest, segment->max_timestamp());
  }
  if (largest == record::kNoTimestamp) return std::nullopt;
  return offset_for_timestamp(task, largest);
}

}  // namespace flux::log
