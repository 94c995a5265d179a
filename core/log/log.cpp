#include "core/log/log.h"

#include <algorithm>
#include <map>
#include <utility>

#include "core/base/check.h"
#include "core/base/mark.h"
#include "core/base/mutant.h"
#include "core/log/names.h"
#include "core/log/segment.h"

namespace flux::log {

using env::Task;
using record::BatchView;
using record::Timestamp;

namespace {
// Positions are 31 bits in Kafka's index.
constexpr std::uint32_t kSegmentBytesMax = INT32_MAX;

// Times that a client chose may lie further apart than 63 bits say.
bool later_by_more(Timestamp time, Timestamp than, std::int64_t ms) {
  if (time <= than) return false;
  const auto apart =
      static_cast<std::uint64_t>(time.value()) - static_cast<std::uint64_t>(than.value());
  return std::cmp_greater(apart, ms);
}
}  // namespace

// What an append would do, worked out before anything changes.
struct Log::Checked {
  std::vector<Offset> bases;  // of each batch
  Offset end;
  Timestamp max_timestamp = record::kNoTimestamp;
  std::optional<ProducerBatch> duplicate;
  std::optional<Epochs> epochs;  // as they will be, when that is news
  std::size_t bytes = 0;
};

Log::Log(env::Env& env, std::string directory, LogIdentity identity, LogConfig config)
    : env_(env),
      directory_(std::move(directory)),
      identity_(std::move(identity)),
      producers_(config.producer_batches_kept) {
  set_config(config);
}

void Log::set_config(const LogConfig& config) {
  CHECK_GE(config.segment_bytes, 1u);
  CHECK_LE(config.segment_bytes, kSegmentBytesMax);
  config_ = config;
}

Log::~Log() = default;

std::string Log::path(std::string_view name) const { return directory_ + "/" + std::string(name); }

std::uint64_t Log::size_bytes() const {
  std::uint64_t sum = 0;
  for (const SegmentPointer& segment : segments_) sum += segment->size();
  return sum;
}

std::uint64_t Log::room_bytes() const {
  const Segment& segment = *segments_.back();
  const std::uint64_t by_size =
      config_.segment_bytes - std::min(segment.size(), config_.segment_bytes);
  const std::uint64_t index_bytes = segment.index_bytes() + kOffsetIndexEntryBytes;
  if (index_bytes > config_.index_bytes_max) return 0;
  const std::uint64_t entries = (config_.index_bytes_max - index_bytes) / kOffsetIndexEntryBytes;
  return std::min(by_size, entries * config_.index_interval_bytes);
}

std::unexpected<Error> Log::refuse_poisoned() const {
  return fail(ErrorCode::io_error, identity_.name() + ": a sync failed; the log takes nothing " +
                                       "until it is opened again");
}

// --- append

Result<Log::Checked> Log::check_batches(MutBytes batches, const AppendOptions* leader) {
  Checked out;
  out.end = end_offset_;
  out.bytes = batches.size();
  if (batches.empty()) return fail(ErrorCode::invalid, "an append of no batch");
  std::map<ProducerId, Producer> pending;
  for (ByteView rest = batches; !rest.empty();) {
    const BatchView batch = TRY(BatchView::take(rest));
    if (batch.last_offset_delta() < 0) return fail(ErrorCode::invalid, "a negative offset delta");
    const Offset base = leader ? out.end : batch.base_offset();
    if (base < out.end) return fail(ErrorCode::invalid, "a replica's batch goes back");
    if (leader && !batch.control() && batch.producer_id() != kNoProducerId) {
      out.duplicate = producers_.find_duplicate(batch);
      const bool again = out.duplicate && MUTANT("log.append_duplicates");
      if (again) out.duplicate.reset();
      if (out.duplicate) return out;
      const auto before = pending.find(batch.producer_id());
      const Producer* now = before == pending.end() ? nullptr : &before->second;
      if (!again) TRY(producers_.check(batch, now));
      pending[batch.producer_id()] =
          producers_.preview(now ? now : producers_.find(batch.producer_id()), batch, base);
      if (MUTANT("log.state_changed_by_check")) producers_.apply(batch, base);
    }
    out.bases.push_back(base);
    out.end = base + batch.last_offset_delta() + 1;
    out.max_timestamp = std::max(out.max_timestamp, batch.max_timestamp());
    const LeaderEpoch epoch = leader ? leader->epoch : batch.leader_epoch();
    const LeaderEpoch latest = out.epochs ? out.epochs->latest() : epochs_.latest();
    if (epoch > latest) {
      if (!out.epochs) out.epochs = epochs_;
      out.epochs->assign(epoch, base);
    }
  }
  if (leader && out.bytes > config_.append_bytes_max) {
    REACHED("log.append_too_large");
    return fail(ErrorCode::too_large, "an append of " + std::to_string(out.bytes) +
                                          " bytes; segment.bytes is " +
                                          std::to_string(config_.append_bytes_max));
  }
  if (leader && leader->log_append_time) out.max_timestamp = *leader->log_append_time;
  return out;
}

// Segments that were begun at one moment do not all end at one: each is as much younger as drawn.
std::int64_t Log::jitter_ms(const Segment& segment) const {
  const std::int64_t most = std::min(config_.segment_jitter_max, config_.segment_age_max).ms();
  if (most <= 0) return 0;
  const auto base = static_cast<std::uint64_t>(segment.base_offset().value());
  const Key drawn = key("log.segment_jitter").with(identity_.name()).with(base);
  return static_cast<std::int64_t>(env_.random.draw(drawn, static_cast<std::uint64_t>(most)));
}

bool Log::must_roll(const Checked& checked) const {
  const Segment& segment = *segments_.back();
  if (segment.size() == 0) return false;
  if (std::uint64_t{segment.size()} + checked.bytes > config_.segment_bytes) return true;
  if (checked.end - segment.base_offset() > INT32_MAX) return true;
  if (segment.index_bytes() + kOffsetIndexEntryBytes > config_.index_bytes_max) return true;
  // By record time where records have one, since then a replay of old data rolls as it did.
  const std::int64_t age_ms_max = config_.segment_age_max.ms() - jitter_ms(segment);
  const Timestamp first = segment.first_timestamp();
  if (first != record::kNoTimestamp && checked.max_timestamp != record::kNoTimestamp) {
    return later_by_more(checked.max_timestamp, first, age_ms_max);
  }
  return (env_.clock.wall_now() - segment.created()).ms() > age_ms_max;
}

Result<void> Log::prepare_active(Task& task, const Checked& checked) {
  if (checked.bytes > kSegmentBytesMax) {
    return fail(ErrorCode::too_large, "an append of " + std::to_string(checked.bytes) + " bytes");
  }
  if (must_roll(checked)) return roll_locked(task);
  return {};
}

Result<void> Log::assign_epochs(Task& task, const Checked& checked) {
  if (!checked.epochs) return {};
  REACHED("log.epoch_bump");
  TRY(env::replace_file(task, env_.disk, path(kEpochFile), as_bytes(checked.epochs->to_text())));
  epochs_ = *checked.epochs;
  epochs_.cut_before(start_offset_);  // it may have moved meanwhile
  return {};
}

Result<Appended> Log::write_batches(Task& task, MutBytes batches, const Checked& checked) {
  const SegmentPointer segment = active();
  for (ByteView rest = batches; MUTANT("log.dedup_before_write") && !rest.empty();) {
    const BatchView batch = *BatchView::take(rest);
    producers_.apply(batch, batch.base_offset());
  }
  TRY(segment->write(task, batches));
  if (poisoned_) return refuse_poisoned();
  // Nothing suspends from here on: the batches appear all at once.
  for (ByteView rest = batches; !rest.empty();) {
    const BatchView batch = *BatchView::take(rest);
    segment->accept(batch);
    producers_.apply(batch, batch.base_offset());
    producers_.hear(batch.producer_id(), env_.clock.now());
  }
  CHECK_EQ(segment->end_offset(), checked.end);
  end_offset_ = checked.end;
  moved_.notify_all();
  return Appended{.base = checked.bases.front(), .end = checked.end};
}

Result<Appended> Log::append_locked(Task& task, MutBytes batches, const AppendOptions* leader) {
  const sync::MutexGuard guard = TRY(append_mutex_.lock(task));
  if (poisoned_) return refuse_poisoned();
  if (closing_) return fail(ErrorCode::not_available, identity_.name() + ": the log is closed");
  static_cast<void>(producers_.forget_silent(env_.clock.now() - config_.producer_expiry));
  const Checked checked = TRY(check_batches(batches, leader));
  if (checked.duplicate) {
    REACHED("log.duplicate_answered");
    const ProducerBatch& original = *checked.duplicate;
    return Appended{
        .base = MUTANT("log.duplicate_answered_with_end") ? end_offset_ : original.base_offset,
        .end = original.last_offset() + 1,
        .duplicate = true,
        .log_append_time = leader->log_append_time ? original.timestamp : record::kNoTimestamp};
  }
  TRY(drop_clean_mark(task));
  TRY(prepare_active(task, checked));
  if (poisoned_) return refuse_poisoned();
  TRY(assign_epochs(task, checked));
  if (poisoned_) return refuse_poisoned();
  if (leader) {
    std::size_t at = 0;
    for (const Offset base : checked.bases) {
      const std::size_t size = BatchView::first_of(ByteView(batches).subspan(at))->size();
      const MutBytes batch = batches.subspan(at, size);
      record::set_base_offset(batch, base);
      record::set_leader_epoch(batch, leader->epoch);
      if (leader->log_append_time) record::set_log_append_time(batch, *leader->log_append_time);
      at += size;
    }
  }
  Appended out = TRY(write_batches(task, batches, checked));
  if (leader && leader->log_append_time) out.log_append_time = *leader->log_append_time;
  // Closed blocks go to the integrity file early, so that they outlive a kill; an error is met
  // again, and answered for, by the next commit.
  static_cast<void>(active()->write_entries(task));
  return out;
}

Result<Appended> Log::append(Task& task, MutBytes batches, const AppendOptions& options) {
  return append_locked(task, batches, &options);
}

Result<Appended> Log::append_replica(Task& task, MutBytes batches) {
  return append_locked(task, batches, nullptr);
}

// --- segments

Result<void> Log::start_segment(Task& task, Offset base) {
  auto segment = std::make_shared<Segment>(env_, identity_, config_, directory_, base);
  TRY(segment->create(task));
  // Before anything in it is acknowledged its names must be durable.
  if (!MUTANT("log.roll_without_directory_sync")) {
    TRY(env_.disk.sync_directory(task, directory_));
  }
  if (poisoned_) return refuse_poisoned();
  segments_.push_back(std::move(segment));
  return {};
}

Result<void> Log::roll_locked(Task& task) {
  TRY(drop_clean_mark(task));
  const SegmentPointer old = active();
  // What is behind its end now would be taken for the log when it is opened.
  TRY(old->cut_spoiled_tail(task));
  old->close_block();
  TRY(old->write_indexes(task));
  TRY(write_snapshot(task));
  if (poisoned_) return refuse_poisoned();
  TRY(start_segment(task, end_offset_));
  REACHED("log.roll");
  TRACE(env_.trace, info, "log.roll", {"partition", identity_.name()}, {"base", old->base_offset()},
        {"end", old->end_offset()}, {"bytes", old->size()});
  old->drop_indexes();
  if (old->settled()) old->close_files();
  request_sync();
  return {};
}

Result<void> Log::roll(Task& task) {
  const sync::MutexGuard guard = TRY(append_mutex_.lock(task));
  if (poisoned_) return refuse_poisoned();
  if (active()->size() == 0) return {};
  return roll_locked(task);
}

Result<sync::MutexGuard> Log::end_writing(Task& task) {
  closing_ = true;
  {
    const sync::MutexGuard deleting = TRY(start_mutex_.lock(task));
  }  // nobody begins anew
  sync::MutexGuard guard = TRY(append_mutex_.lock(task));
  commit_wanted_.notify_all();
  while (committing_) TRY(commit_ended_.wait(task));
  return guard;
}

Result<void> Log::halt(Task& task) {
  const sync::MutexGuard guard = TRY(end_writing(task));
  for (const SegmentPointer& segment : segments_) segment->close_files();
  return {};
}

Result<void> Log::close(Task& task) {
  const sync::MutexGuard guard = TRY(end_writing(task));
  // With its mark still there nothing has changed.
  if (!poisoned_ && !marked_clean_) {
    TRY(commit_once(task));
    TRY(make_marks_durable(task));
    TRY(active()->write_indexes(task));
    TRY(write_snapshot(task));
    TRY(leave_clean_mark(task));
  }
  for (const SegmentPointer& segment : segments_) segment->close_files();
  return poisoned_ ? Result<void>(refuse_poisoned()) : Result<void>();
}

}  // namespace flux::log
