// Group commit: one sync at a time for all who wait; whoever asks while it runs is served by the
// next. docs/decisions/0002-synced-mark.md has the reasons for the order of steps.
#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/mark.h"
#include "core/base/mutant.h"
#include "core/log/log.h"
#include "core/log/segment.h"

namespace flux::log {

using env::Task;

namespace {
// What keeps a commit from beginning, a full disk or too many open files, takes about so long.
constexpr Duration kIdleRetry = seconds(1);
}  // namespace

void Log::start_committing() {
  wanted_ = !committing_ || !MUTANT("log.commit_request_lost");
  if (committing_) {
    commit_wanted_.notify_all();
    return;
  }
  committing_ = true;
  // The task keeps the log alive, and nothing keeps the task once all is durable.
  env_.scheduler.spawn("log.commit",
                       [self = shared_from_this()](Task& task) { self->commit_loop(task); });
}

void Log::request_sync() {
  if (!poisoned_ && !closing_) start_committing();
}

Result<void> Log::sync(Task& task, Offset up_to) {
  CHECK_LE(up_to, end_offset_);
  if (synced_end_ >= up_to) return {};
  if (poisoned_) return refuse_poisoned();
  if (closing_) return fail(ErrorCode::not_available, identity_.name() + ": the log is closed");
  // The running round serves us only if it began after our bytes were written.
  const bool in_time = in_round_ && round_target_ >= up_to;
  const std::uint64_t round = in_time ? round_ : round_ + 1;
  if (!in_time) start_committing();
  ++waiting_;
  Result<void> waited;
  while (waited && synced_end_ < up_to && !poisoned_ && failed_round_ < round) {
    waited = commit_ended_.wait(task);
  }
  --waiting_;
  if (synced_end_ >= up_to) return {};
  if (poisoned_) return refuse_poisoned();
  if (!waited) return waited;
  return std::unexpected(*failure_);
}

// Segments that hold anything not yet synced, or whose last mark may be lost, oldest first.
std::vector<Log::SegmentPointer> Log::unsettled() const {
  std::vector<SegmentPointer> out;
  for (auto at = segments_.rbegin(); at != segments_.rend(); ++at) {
    if (!(*at)->settled()) {
      out.insert(out.begin(), *at);
    } else if (at != segments_.rbegin()) {
      break;  // commits go from old to new, so all before are settled
    }
  }
  return out;
}

Result<void> Log::commit_once(Task& task) {
  Result<void> done;
  // First of all: what is appended meanwhile is served by this round, and lies in its block.
  for (const SegmentPointer& segment : unsettled()) {
    if (done && segment->dirty()) done = segment->open_files(task);
  }
  wanted_ = false;
  ++round_;
  in_round_ = true;
  round_target_ = end_offset_;
  struct Part {
    SegmentPointer segment;
    std::uint32_t position;
    Offset offset;
  };
  std::vector<Part> parts;
  for (const SegmentPointer& segment : unsettled()) {
    if (!segment->dirty()) continue;
    segment->close_block();
    parts.push_back({segment, segment->size(), segment->end_offset()});
  }
  for (const Part& part : parts) {
    if (done) done = part.segment->write_entries(task);
    if (done) done = part.segment->open_files(task);
  }
  if (!done) REACHED("log.commit_not_begun");
  // Oldest first: a synced byte in a segment says that all segments before it are synced.
  for (const Part& part : parts) {
    if (!done) break;
    const bool skipped = MUTANT("log.ack_before_sync") ||
                         (MUTANT("log.only_active_synced") && part.segment != active());
    if (!skipped) done = part.segment->sync(task);
    if (!done && MUTANT("log.failed_sync_retried")) done = part.segment->sync(task);
    if (done) {
      part.segment->note_synced(part.position, part.offset);
    } else {
      poison(task, done.error());
    }
  }
  in_round_ = false;
  if (!done) {
    failed_round_ = round_;
    failure_ = done.error();
    return done;
  }
  synced_end_ = MUTANT("log.synced_end_overtakes") ? end_offset_ : round_target_;
  if (waiting_ > 1) REACHED("log.group_commit");
  moved_.notify_all();
  return {};
}

Result<void> Log::write_marks(Task& task) {
  for (const SegmentPointer& segment : unsettled()) {
    if (segment->mark_due()) segment->queue_mark(env_.disk.boot_id());
    TRY(segment->write_entries(task));
  }
  return {};
}

void Log::commit_loop(Task& task) {
  for (;;) {
    wanted_ = false;
    const Result<void> committed = commit_once(task);
    commit_ended_.notify_all();
    if (poisoned_) break;
    if (committed) static_cast<void>(settle_rolled(task));
    if (poisoned_) break;
    if (wanted_) continue;  // the next round's entries say what this one has synced
    if (!committed) {
      // It could not begin. Whoever appends and does not wait (sync_when_idle) need not come again.
      if (last_append_ == Instant()) break;
      REACHED("log.idle_sync_failed");
      sync_when_idle(kIdleRetry);
      break;
    }
    static_cast<void>(write_marks(task));
    if (!wanted_ && !closing_) {
      static_cast<void>(commit_wanted_.wait(task, env_.clock.now() + config_.mark_idle));
    }
    if (wanted_) continue;
    if (closing_) break;  // close() does the rest
    static_cast<void>(make_marks_durable(task));
    if (!wanted_ || poisoned_) break;
  }
  if (active()->settled()) active()->close_files();
  committing_ = false;
  commit_ended_.notify_all();
}

// Writes the segment's mark, makes it durable, and gives the files back if nothing is left to do.
Result<void> Log::settle(Task& task, Segment& segment) {
  if (segment.mark_due()) segment.queue_mark(env_.disk.boot_id());
  TRY(segment.write_entries(task));
  if (segment.mark_pending()) {
    TRY(segment.open_files(task));
    const Result<void> synced = segment.sync_mark(task);
    if (!synced) {
      poison(task, synced.error());
      return synced;
    }
    REACHED("log.mark_made_durable");
  }
  if (segment.settled()) segment.close_files();
  return {};
}

Result<void> Log::make_marks_durable(Task& task) {
  for (const SegmentPointer& segment : unsettled()) TRY(settle(task, *segment));
  return {};
}

// Those that take no more appends do not wait for an idle moment, which a busy log may never have:
// it would keep the files of all of them open.
Result<void> Log::settle_rolled(Task& task) {
  for (const SegmentPointer& segment : unsettled()) {
    if (segment != active() && !segment->dirty()) TRY(settle(task, *segment));
  }
  return {};
}

void Log::sync_when_idle(Duration within) {
  last_append_ = env_.clock.now();
  if (poisoned_ || closing_) return;
  const Instant by = last_append_ + within;
  if (lingering_) {
    if (by < sync_by_) commit_wanted_.notify_all();  // it is to be done sooner than was said
    sync_by_ = std::min(sync_by_, by);
    return;
  }
  lingering_ = true;
  sync_by_ = by;
  env_.scheduler.spawn("log.linger",
                       [self = shared_from_this()](Task& task) { self->linger(task); });
}

void Log::linger(Task& task) {
  while (!poisoned_ && !closing_ && synced_end_ < end_offset_) {
    const Instant until = std::min(last_append_ + config_.unsynced_idle, sync_by_);
    if (env_.clock.now() >= until) {
      if (until == sync_by_) REACHED("log.synced_by_time");
      REACHED("log.synced_when_idle");
      request_sync();
      break;
    }
    const Result<void> waited = commit_wanted_.wait(task, until);
    if (!waited && waited.error() != ErrorCode::timed_out) break;
  }
  lingering_ = false;
}

void Log::poison(Task& task, const Error& why) {
  REACHED("log.sync_failed");
  TRACE(env_.trace, error, "log.sync_failed", {"partition", identity_.name()},
        {"synced_end", synced_end_}, {"end", end_offset_}, {"error", why.to_string()});
  poisoned_ = true;
  failure_ = why;
  moved_.notify_all();
  commit_ended_.notify_all();
  commit_wanted_.notify_all();
  // What the page cache holds need no longer be what was written: the boot id must not vouch for
  // it.
  for (const SegmentPointer& segment : unsettled()) {
    segment->queue_mark(0);
    static_cast<void>(segment->write_entries(task));
  }
  for (const SegmentPointer& segment : segments_) segment->close_files();
}

}  // namespace flux::log
