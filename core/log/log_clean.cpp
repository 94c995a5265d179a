// The clean mark as a file: left by a log that is closed in order, taken away before the first
// write, believed by an opening that finds everything as the mark has it.
#include <algorithm>
#include <utility>

#include "core/base/hash.h"
#include "core/base/mark.h"
#include "core/base/mutant.h"
#include "core/log/clean_mark.h"
#include "core/log/cost.h"
#include "core/log/log.h"
#include "core/log/names.h"
#include "core/log/producer_snapshot.h"
#include "core/log/recovery.h"
#include "core/log/segment.h"

namespace flux::log {

using env::Task;

namespace {
// As planted: a mark that says no more than that the log was closed in order, once.
bool says_only_clean() { return MUTANT("log.clean_mark_outlives_append"); }
}  // namespace

// Nothing when the log holds what a mark cannot say: rot, or a range that was lost.
Result<std::optional<CleanMark>> Log::clean_mark(Task& task) {
  CleanMark out{.end = end_offset_, .snapshot = 0, .epochs = epochs_.entries(), .segments = {}};
  for (const SegmentPointer& segment : segments_) {
    const std::optional<CleanSegment> clean = segment->clean();
    if (!clean) return std::nullopt;
    if (!out.segments.empty() && out.segments.back().end != clean->base) return std::nullopt;
    out.segments.push_back(*clean);
  }
  if (producers_.producers().empty()) return out;
  const std::string file = path(segment_file(end_offset_, kSnapshotSuffix));
  out.snapshot = hash_bytes(TRY(env::read_file(task, env_.disk, file, kSnapshotBytesMax)));
  return out;
}

Result<void> Log::leave_clean_mark(Task& task) {
  const std::optional<CleanMark> mark = TRY(clean_mark(task));
  if (!mark) {
    REACHED("log.closed_without_mark");
    return {};
  }
  return env::replace_file(task, env_.disk, path(kCleanFile), encode_clean_mark(identity_, *mark));
}

Result<void> Log::drop_clean_mark(Task& task) {
  if (!marked_clean_) return {};
  if (!says_only_clean()) {
    Result<void> removed = env_.disk.remove(task, path(kCleanFile));
    if (!removed && removed.error() != ErrorCode::not_found) return removed;
    TRY(env_.disk.sync_directory(task, directory_));
    REACHED("log.clean_mark_dropped");
  }
  marked_clean_ = false;
  return {};
}

Result<void> Log::load_marked_snapshot(Task& task, const CleanMark& mark) {
  if (mark.snapshot == 0) return {};
  const std::string file = path(segment_file(mark.end, kSnapshotSuffix));
  const Bytes bytes = TRY(env::read_file(task, env_.disk, file, kSnapshotBytesMax));
  if (hash_bytes(bytes) != mark.snapshot) return fail(ErrorCode::corrupt, file);
  TRY(decode_producers(bytes, mark.end, producers_, pace_of(task)));
  snapshot_at_ = mark.end;
  return {};
}

// All or nothing. `bases` are of the segments that are there.
Result<void> Log::open_as_marked(Task& task, const std::vector<Offset>& bases, Offset start) {
  const Bytes bytes = TRY(env::read_file(task, env_.disk, path(kCleanFile), kCleanMarkBytesMax));
  CleanMark mark = TRY(decode_clean_mark(identity_, bytes));
  // Segments may have been deleted at the front since.
  while (!mark.segments.empty() && !bases.empty() && mark.segments.front().base < bases.front()) {
    mark.segments.erase(mark.segments.begin());
  }
  const bool same = std::ranges::equal(bases, mark.segments, {}, {}, &CleanSegment::base);
  if (!same && !says_only_clean()) return fail(ErrorCode::corrupt, "other segments than marked");
  if (mark.segments.empty() || mark.end < start) {
    return fail(ErrorCode::corrupt, "the log starts behind what is marked");
  }
  std::vector<SegmentPointer> segments;
  for (CleanSegment& clean : mark.segments) {
    auto found = TRY(SegmentRecovery::unchanged(task, env_, identity_, config_, directory_, clean));
    if (!found) return fail(ErrorCode::corrupt, "a segment is not as marked");
    auto segment = std::make_shared<Segment>(env_, identity_, config_, directory_, clean.base);
    segment->restore(std::move(*found));
    if (&clean == &mark.segments.back()) {
      TRY(segment->load_indexes_of(task, clean.indexes));
    } else {
      segment->leave_indexes(clean.indexes);
    }
    segments.push_back(std::move(segment));
    env::yield_if_due(task);
  }
  TRY(load_marked_snapshot(task, mark));
  for (const EpochStart& entry : mark.epochs) epochs_.assign(entry.epoch, entry.start);
  segments_ = std::move(segments);
  end_offset_ = mark.end;
  marked_clean_ = true;
  return {};
}

Result<std::optional<Segment::Found>> SegmentRecovery::unchanged(Task& task, env::Env& env,
                                                                 const LogIdentity& identity,
                                                                 const LogConfig& config,
                                                                 std::string_view directory,
                                                                 const CleanSegment& clean) {
  const std::string start = std::string(directory) + "/";
  const std::string data = start + segment_file(clean.base, kLogSuffix);
  const auto file = TRY(env.disk.open(task, data, env::Open::read));
  const bool planted = says_only_clean();
  if (TRY(file->size(task)) != clean.size && !planted) return std::nullopt;
  EntryReader reader =
      TRY(EntryReader::open(task, env, start + segment_file(clean.base, kIntegritySuffix),
                            IntegrityCodec(identity, clean.base)));
  Segment::Found out{
      .size = clean.size, .end = clean.end, .entries = 0, .groups = {}, .rot = {}, .indexer = {}};
  std::uint32_t position = 0;
  Offset offset = clean.base;
  while (!planted || out.entries < clean.entries) {
    const auto found = TRY(reader.next(task));
    if (!found) break;
    ++out.entries;
    const IntegrityEntry& entry = found->entry;
    if (entry.kind != IntegrityKind::block) continue;
    if (entry.position != position || entry.base < offset) return std::nullopt;
    Segment::add_to_groups(out.groups, entry, found->index, clean.base, config.block_bytes);
    position = entry.block_end();
    offset = entry.end;
  }
  if (!reader.header_good() || reader.damaged() || !reader.whole()) return std::nullopt;
  if (out.entries != clean.entries) return std::nullopt;
  if (position != clean.size || offset != clean.end) return std::nullopt;
  out.indexer.first_timestamp = clean.first_timestamp;
  out.indexer.max_timestamp = clean.max_timestamp;
  out.indexer.max_timestamp_offset = clean.max_timestamp_offset;
  out.indexer.bytes_since_entry = clean.bytes_since_entry;
  return out;
}

}  // namespace flux::log
