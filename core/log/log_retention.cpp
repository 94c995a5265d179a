// The front of the log: how the start moves, what has outlived its use, and when files go.
//
// The order is what keeps a promise over a crash: first the start file, durably; then the start is
// shown; then segments below it go. What a power cut brings back of them counts for nothing.
#include <algorithm>

#include "core/base/check.h"
#include "core/base/mark.h"
#include "core/base/mutant.h"
#include "core/log/log.h"
#include "core/log/names.h"
#include "core/log/segment.h"
#include "core/log/start_file.h"

namespace flux::log {

using env::Task;

namespace {

// How soon it is looked again whether a segment may go whose commit is under way.
constexpr Duration kUnsettledRetry = milliseconds(100);

}  // namespace

Result<void> Log::check_writable() const {
  if (poisoned_) return refuse_poisoned();
  if (closing_) return fail(ErrorCode::not_available, identity_.name() + ": the log is closed");
  return {};
}

Result<void> Log::advance_start(Task& task, Offset to) {
  const sync::MutexGuard guard = TRY(start_mutex_.lock(task));
  TRY(check_writable());
  return advance_locked(task, to);
}

Result<void> Log::write_start(Task& task, Offset start, Offset segment) {
  TRY(write_start_file(task, env_.disk, path(kStartFile), identity_, {start, segment}));
  start_segment_ = segment;
  return {};
}

Result<void> Log::advance_locked(Task& task, Offset to) {
  if (to <= start_offset_) return {};
  if (to > end_offset_) return refuse_offset(to);
  if (!MUTANT("log.start_not_durable")) TRY(write_start(task, to, segment_of(to)->base_offset()));
  REACHED("log.start_advanced");
  TRACE(env_.trace, info, "log.start_advanced", {"partition", identity_.name()},
        {"from", start_offset_}, {"to", to});
  start_offset_ = to;
  epochs_.cut_before(to);
  moved_.notify_all();
  return {};
}

// --- what has outlived its use

// By the newest record, as Kafka counts: one from the future keeps its segment until then.
bool Log::too_old(const Segment& segment, std::int64_t age_ms_max) const {
  WallTime now = env_.clock.wall_now();
  for (const auto& one : segments_) {
    if (!MUTANT("log.retention_by_log_time")) break;
    now = std::max(now, WallTime(milliseconds(one->max_timestamp().value()).ns()));
  }
  const bool by_oldest = MUTANT("log.retention_by_oldest_record");
  const record::Timestamp newest = by_oldest ? segment.first_timestamp() : segment.max_timestamp();
  if (newest == record::kNoTimestamp) return (now - segment.created()).ms() > age_ms_max;
  return now.ms() - newest.value() > age_ms_max;
}

// Where the log should start. The last segment counts only if it holds something.
Offset Log::expired_end(const Retention& retention, Offset limit) const {
  std::size_t at = 0;
  const auto end_of = [&](std::size_t i) {
    return i + 1 < segments_.size() ? segments_[i + 1]->base_offset() : end_offset_;
  };
  while (at + 1 < segments_.size() && end_of(at) <= start_offset_) ++at;
  std::uint64_t bytes = 0;
  for (std::size_t i = at; i < segments_.size(); ++i) bytes += segments_[i]->size();

  const auto deletable = [&](std::size_t i) {
    return i < segments_.size() && segments_[i]->size() > 0 && end_of(i) <= limit;
  };
  if (retention.bytes >= 0) {
    const auto wanted = static_cast<std::uint64_t>(retention.bytes);
    for (; deletable(at) && bytes - segments_[at]->size() >= wanted; ++at) {
      bytes -= segments_[at]->size();
    }
  }
  if (retention.ms >= 0) {
    while (deletable(at) && too_old(*segments_[at], retention.ms)) ++at;
  }
  return at == 0 ? start_offset_ : std::max(start_offset_, end_of(at - 1));
}

Result<void> Log::expire(Task& task, const Retention& retention, Offset limit) {
  for (std::size_t i = 1; MUTANT("log.expired_in_the_middle") && i + 1 < segments_.size(); ++i) {
    if (retention.ms < 0 || !segments_[i]->settled() || !too_old(*segments_[i], retention.ms)) {
      continue;
    }
    segments_[i]->close_files();
    deleted_.push_back({segments_[i], env_.clock.now()});
    segments_.erase(segments_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  if (expired_end(retention, limit) == start_offset_) return {};
  const sync::MutexGuard guard = TRY(start_mutex_.lock(task));
  TRY(check_writable());
  Result<void> rolled;
  if (expired_end(retention, limit) == end_offset_ && active()->size() > 0) {
    const sync::MutexGuard appending = TRY(append_mutex_.lock(task));
    TRY(check_writable());
    // Something may have been appended meanwhile.
    if (expired_end(retention, limit) == end_offset_ && active()->size() > 0) {
      REACHED("log.active_segment_expired");
      rolled = roll_locked(task);
      if (poisoned_) return refuse_poisoned();
    }
  }
  // Another segment takes room; those before the last one give some.
  const Offset last = rolled ? end_offset_ : active()->base_offset();
  const Offset to = std::min(expired_end(retention, limit), last);
  if (to <= start_offset_) return rolled;
  REACHED("log.expired");
  TRY(advance_locked(task, to));
  return rolled;
}

// --- files

Result<void> remove_segment_files(Task& task, env::Disk& disk, std::string_view directory,
                                  Offset base) {
  for (const std::string_view suffix : kSegmentSuffixes) {
    const std::string path = std::string(directory) + "/" + segment_file(base, suffix);
    Result<void> removed = disk.remove(task, path);
    if (!removed && removed.error() != ErrorCode::not_found) return removed;
  }
  return {};
}

Result<std::optional<Instant>> Log::remove_deleted(Task& task, Duration delay) {
  const auto below = [&] {
    return segments_.size() > 1 && segments_[1]->base_offset() <= start_offset_;
  };
  if (deleted_.empty() && !below()) return std::nullopt;
  const sync::MutexGuard guard = TRY(start_mutex_.lock(task));
  TRY(check_writable());
  const Instant now = env_.clock.now();
  // A commit that is under way opens its files by name: what it has not settled stays until later.
  while (below() && segments_.front()->settled()) {
    segments_.front()->close_files();
    deleted_.push_back({segments_.front(), now});
    segments_.erase(segments_.begin());
  }
  bool removed = false;
  while (!deleted_.empty() && deleted_.front().since + delay <= now) {
    const Segment& segment = *deleted_.front().segment;
    // The start was the log's end then, and what it named as its first segment goes now: of that a
    // crash may leave some of the files.
    if (start_segment_ <= segment.base_offset()) {
      REACHED("log.start_file_behind");
      TRY(write_start(task, start_offset_, segments_.front()->base_offset()));
    }
    TRY(remove_segment_files(task, env_.disk, directory_, segment.base_offset()));
    REACHED("log.segment_deleted");
    TRACE(env_.trace, info, "log.segment_deleted", {"partition", identity_.name()},
          {"base", segment.base_offset()}, {"bytes", segment.size()});
    deleted_.pop_front();
    removed = true;
  }
  if (removed) TRY(env_.disk.sync_directory(task, directory_));
  if (!deleted_.empty()) return deleted_.front().since + delay;
  // The commit that holds it may take as long as a disk that hangs.
  if (below()) return now + std::max(delay, kUnsettledRetry);
  return std::nullopt;
}

}  // namespace flux::log
