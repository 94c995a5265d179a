#include "core/broker/partition.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/base/mark.h"
#include "core/base/mutant.h"
#include "core/broker/reserve.h"

namespace flux::broker {

namespace {

ProducerId producer_of(const Append& append) {
  const auto batch = record::BatchView::first_of(append.batch);
  CHECK(batch.has_value(), "a queued batch does not parse");
  return batch->producer_id();
}

std::int64_t record_count(const Append& append) {
  const auto batch = record::BatchView::first_of(append.batch);
  CHECK(batch.has_value(), "a running batch does not parse");
  return batch->last_offset_delta() + 1;
}

// Found out before anything was written, and no matter of other producers.
bool of_one_producer(FaultKind kind) {
  return kind == FaultKind::out_of_order_sequence || kind == FaultKind::invalid_producer_epoch;
}

bool forgets_syncs() { return MUTANT("broker.high_watermark_unsynced"); }

}  // namespace

Partition::Partition(PartitionHost& host, std::string directory, log::LogIdentity identity,
                     const controller::TopicConfig& config, LeaderEpoch epoch)
    : host_(host),
      directory_(std::move(directory)),
      identity_(std::move(identity)),
      config_(config),
      epoch_(epoch) {}

void Partition::set_config(const controller::TopicConfig& config) {
  if (config == config_) return;
  const controller::Durability opened_with = config_.durability;
  config_ = config;
  if (log_ == nullptr) return;
  if (MUTANT("broker.durability_as_opened")) config_.durability = opened_with;
  log_->set_config(log_config());
  // A topic that now waits for the disk keeps what was shown: the watermark never goes back. What
  // lies below it without a sync gets one.
  advance_high_watermark();
  start_committing();
}

PartitionStatus Partition::status() const {
  return {.log_start = log_ != nullptr ? log_->start_offset() : Offset(0),
          .high_watermark = high_watermark_,
          .leader_epoch = epoch_};
}

log::LogConfig Partition::log_config() const {
  const auto clamp = [](std::int64_t value) {
    return static_cast<std::uint32_t>(std::min<std::int64_t>(value, UINT32_MAX));
  };
  log::LogConfig out;
  out.segment_bytes = clamp(config_.segment_bytes);
  out.append_bytes_max = clamp(config_.append_bytes_max);
  const std::int64_t age_ms_max = Duration::max().ms();
  out.segment_age_max = milliseconds(std::min(config_.segment_ms, age_ms_max));
  out.segment_jitter_max = milliseconds(std::min(config_.segment_jitter_ms, age_ms_max));
  out.index_interval_bytes = clamp(config_.index_interval_bytes);
  out.index_bytes_max = clamp(config_.index_bytes_max);
  out.read_verify = host_.knobs.read_verify;
  out.block_bytes = host_.knobs.block_bytes;
  out.mark_idle = host_.knobs.mark_idle;
  out.lose_unreadable = failed_openings_ >= host_.knobs.patient_openings;
  out.producer_expiry = host_.knobs.producer_expiry;
  return out;
}

Result<std::shared_ptr<log::Log>> Partition::open_log(env::Task& task) {
  TRY(host_.await_former(task, directory_));
  if (retired_) return fail(ErrorCode::not_found, identity_.name() + " was removed");
  auto opened = log::Log::open(task, host_.env, directory_, identity_, log_config());
  if (opened || opened.error() != ErrorCode::invalid) return opened;
  // A topic of this name was deleted and its directory is still here.
  REACHED("broker.stray_directory");
  TRY(host_.move_stray(task, directory_));
  return log::Log::open(task, host_.env, directory_, identity_, log_config());
}

void Partition::count_opened(const log::RecoveryReport& report) {
  BrokerMetrics& metrics = host_.metrics;
  metrics.logs_opened.add();
  metrics.recovered_bytes.add(report.bytes);
  metrics.torn_bytes.add(report.torn_bytes_cut);
  metrics.rotten_ranges.add(report.rotten_ranges);
  metrics.indexes_rebuilt.add(report.indexes_rebuilt);
}

// A removed partition is nobody's trouble any more.
void Partition::set_failed(bool failed) {
  if (failed_ == failed || (failed && retired_)) return;
  failed_ = failed;
  if (failed) {
    ++host_.metrics.partitions_failed;
  } else {
    --host_.metrics.partitions_failed;
  }
}

Outcome<std::shared_ptr<log::Log>> Partition::open(env::Task& task) {
  if (retired_) return fault(FaultKind::unknown_topic_or_partition);
  // A sync in the background may have failed while nobody appended.
  if (const std::shared_ptr<log::Log> log = log_; log && log->poisoned()) drop_log(log);
  if (log_ != nullptr) return log_;
  auto guard = opening_.lock(task);
  if (!guard) return std::unexpected(fault_of(guard.error()));
  if (log_ != nullptr) return log_;
  if (retired_) return fault(FaultKind::unknown_topic_or_partition);
  if (open_failure_ && host_.env.clock.now() < retry_open_at_) {
    return std::unexpected(*open_failure_);
  }
  if (dropped_) {
    // Two logs must not write to the same files.
    if (auto halted = dropped_->halt(task); !halted) {
      return std::unexpected(fault_of(halted.error()));
    }
    dropped_.reset();
  }
  if (epoch_stale_) {
    const Outcome<LeaderEpoch> renewed = host_.renew_leadership(task, identity_);
    if (!renewed) return std::unexpected(renewed.error());
    set_epoch(*renewed);
    epoch_stale_ = false;
  }
  // Its topic may be gone since.
  if (retired_) return fault(FaultKind::unknown_topic_or_partition);
  auto opened = open_log(task);
  // abandon() has waited for this, and what is on disk is deleted now.
  if (retired_) return fault(FaultKind::unknown_topic_or_partition);
  if (!opened) {
    REACHED("broker.open_failed");
    TRACE(host_.env.trace, error, "partition.open_failed", {"partition", identity_.name()},
          {"why", opened.error().to_string()});
    ++failed_openings_;
    host_.metrics.log_open_failures.add();
    set_failed(true);
    open_failure_ = fault_of(opened.error());
    // Whatever kept it from opening is this broker's trouble, not the request's.
    open_failure_->kind = FaultKind::storage;
    retry_open_at_ = MUTANT("broker.open_failure_is_final")
                         ? Instant::max()
                         : host_.env.clock.now() + host_.knobs.reopen_after;
    return std::unexpected(*open_failure_);
  }
  open_failure_.reset();
  failed_openings_ = 0;
  log_ = std::move(*opened);
  set_failed(false);
  count_opened(log_->recovery());
  ++generation_;
  high_watermark_ =
      MUTANT("broker.high_watermark_forgotten_at_open") ? log_->start_offset() : log_->end_offset();
  TRACE(host_.env.trace, debug, "partition.open", {"partition", identity_.name()},
        {"start", log_->start_offset()}, {"end", log_->end_offset()});
  return log_;
}

std::shared_ptr<Append> Partition::enqueue(MutBytes batch, std::shared_ptr<const void> owner,
                                           bool log_append_time) {
  auto append = std::make_shared<Append>();
  append->batch = batch;
  append->owner = std::move(owner);
  append->log_append_time = log_append_time;
  if (retired_) {
    append->state = Append::State::done;
    append->outcome = fault(FaultKind::unknown_topic_or_partition);
    append->ended.set();
    return append;
  }
  queue_.push_back(append);
  start_appending();
  return append;
}

void Partition::start_appending() {
  if (appending_) return;
  appending_ = true;
  host_.work.spawn(
      "partition.append",
      [self = shared_from_this()](env::Task& task) {
        self->append_loop(task);
        self->appending_ = false;
        self->quiet_.notify_all();
      },
      env::StackSize::large);
}

void Partition::append_loop(env::Task& task) {
  const env::Shield shield(task);
  while (!queue_.empty()) {
    const Group group = take_group();
    const bool together = group.size() > 1 && carry_out_together(task, group);
    for (const std::shared_ptr<Append>& append : group) {
      if (!together) append->outcome = carry_out(task, *append);
      append->state = Append::State::done;
      append->owner.reset();
      append->ended.set();
    }
  }
}

// Of many small batches that wait, each would cost a write of its own. Not beyond what is left of
// the segment: where the next one begins does not depend on how fast they came.
Partition::Group Partition::take_group() {
  const std::uint64_t room =
      log_ != nullptr ? std::min<std::uint64_t>(kGroupBytesMax, log_->room_bytes()) : 0;
  Group out;
  std::size_t bytes = 0;
  while (!queue_.empty()) {
    const Append& next = *queue_.front();
    bytes += next.batch.size();
    const bool alike = out.empty() || next.log_append_time == out.front()->log_append_time;
    if (!out.empty() && (bytes > room || !alike)) break;
    out.push_back(std::move(queue_.front()));
    queue_.pop_front();
    out.back()->state = Append::State::running;
  }
  return out;
}

bool Partition::carry_out_together(env::Task& task, const Group& group) {
  REACHED("broker.appended_together");
  Bytes batches;
  for (const std::shared_ptr<Append>& append : group) flux::append(batches, append->batch);
  Append all;
  all.batch = batches;
  all.log_append_time = group.front()->log_append_time;
  const Outcome<log::Appended> appended = carry_out(task, all);
  // One of them is to be refused, or was stored before: the others have nothing to do with it.
  if (appended ? appended->duplicate : of_one_producer(appended.error().kind)) {
    REACHED("broker.appended_one_by_one");
    return false;
  }
  Offset base = appended ? appended->base : Offset(0);
  for (const std::shared_ptr<Append>& append : group) {
    append->generation = all.generation;
    append->outcome = appended;
    if (!appended) continue;
    append->outcome->base = base;
    base = base + record_count(*append);
    append->outcome->end = base;
  }
  CHECK(!appended || base == appended->end);
  return true;
}

Outcome<log::Appended> Partition::carry_out(env::Task& task, Append& append) {
  if (host_.reserve != nullptr && host_.reserve->full()) {
    REACHED("broker.refused_on_full_disk");
    return fault(FaultKind::storage, "the disk is full: it takes deletions and no records");
  }
  const Outcome<std::shared_ptr<log::Log>> opened = open(task);
  if (!opened) return std::unexpected(opened.error());
  const std::shared_ptr<log::Log> log = *opened;
  append.generation = generation_;
  log::AppendOptions options{.epoch = epoch_};
  if (append.log_append_time && !MUTANT("broker.append_time_ignored")) {
    options.log_append_time = record::Timestamp(host_.env.clock.wall_now().ms());
  }
  const Instant begun = host_.env.clock.now();
  auto appended = log->append(task, append.batch, options);
  host_.metrics.append_duration.observe(host_.env.clock.now() - begun);
  if (log->poisoned()) drop_log(log);
  if (!appended) {
    REACHED("broker.append_failed");
    return std::unexpected(fault_of(appended.error()));
  }
  if (log != log_) return fault(FaultKind::storage, "the log was lost while it was written to");
  if (!appended->duplicate) {
    host_.metrics.produced_batches.add();
    host_.metrics.produced_bytes.add(append.batch.size());
    host_.metrics.produced_records.add(static_cast<std::uint64_t>(appended->end - appended->base));
  }
  start_committing();
  if (!synced_topic()) {
    advance_high_watermark();  // as far as no sync is due first
    log->sync_when_idle(flush_interval());
  }
  return *appended;
}

bool Partition::sync_due() const {
  const std::int64_t unsynced = log_->end_offset() - log_->synced_end();
  return synced_topic() ? unsynced > 0 : unsynced >= config_.flush_messages;
}

Duration Partition::flush_interval() const {
  return milliseconds(std::min(config_.flush_ms, Duration::max().ms()));
}

void Partition::start_committing() {
  if (committing_) return;
  if (!sync_due()) {
    // The commit that a roll asks for may have been faster, and nobody else would look.
    if (synced_topic()) REACHED("broker.synced_before_asked");
    return advance_high_watermark();
  }
  committing_ = true;
  if (host_.committing < kCommitsMax) return spawn_commit();
  REACHED("broker.commit_in_line");
  host_.commit_line.push_back(shared_from_this());
}

void Partition::spawn_commit() {
  ++host_.committing;
  host_.work.spawn("partition.commit", [self = shared_from_this()](env::Task& task) {
    self->commit_loop(task);
    self->committing_ = false;
    self->quiet_.notify_all();
    PartitionHost& host = self->host_;
    --host.committing;
    if (host.commit_line.empty()) return;
    const std::shared_ptr<Partition> next = std::move(host.commit_line.front());
    host.commit_line.pop_front();
    next->spawn_commit();
  });
}

// The watermark of an fsync topic follows the sync, whether or not a producer waits for it.
void Partition::commit_loop(env::Task& task) {
  const env::Shield shield(task);
  while (log_ != nullptr && sync_due()) {
    const std::shared_ptr<log::Log> log = log_;
    const Instant begun = host_.env.clock.now();
    auto synced = log->sync(task, log->end_offset());
    host_.metrics.commit_duration.observe(host_.env.clock.now() - begun);
    if (log->poisoned()) drop_log(log);
    if (log != log_) continue;  // opened anew
    const Offset shown = high_watermark_;
    advance_high_watermark();
    if (high_watermark_ == shown) watches_.raise();  // who waits for the sync of what is shown
    if (!synced) {
      REACHED("broker.sync_failed");
      if (stopping_ || retired_) return;
      // Whatever kept the commit from beginning may pass, and nobody else need come to ask again.
      const Instant again = host_.env.clock.now() + host_.knobs.reopen_after;
      if (!env::sleep_until(task, again)) return;
    }
  }
  if (log_ != nullptr) advance_high_watermark();  // somebody else's commit may have been faster
}

void Partition::advance_high_watermark() {
  // With flush.messages an acknowledgement of all says that the sync was done, as Kafka's does.
  const bool synced_only = sync_due() && !forgets_syncs();
  const Offset reached = synced_only ? log_->synced_end() : log_->end_offset();
  if (reached <= high_watermark_) return;
  high_watermark_ = reached;
  watches_.raise();
}

void Partition::drop_log(const std::shared_ptr<log::Log>& log) {
  if (log_ != log || MUTANT("broker.poisoned_log_kept")) return;
  REACHED("broker.log_lost");
  TRACE(host_.env.trace, error, "partition.log_lost", {"partition", identity_.name()},
        {"synced", log->synced_end()}, {"end", log->end_offset()});
  host_.metrics.logs_lost.add();
  set_failed(true);
  dropped_ = give_up_log();
  epoch_stale_ = true;
}

Outcome<log::Appended> Partition::wait_appended(env::Task& task,
                                                const std::shared_ptr<Append>& append,
                                                Instant until) {
  auto waited = append->ended.wait(task, until);
  if (waited) return append->outcome;
  host_.metrics.appends_timed_out.add();
  if (append->state == Append::State::queued) {
    REACHED("broker.append_withdrawn");
    withdraw(append);
  } else {
    REACHED("broker.append_timed_out");
  }
  return fault(FaultKind::timed_out, "the disk did not take the records in time");
}

// A producer that nothing is known of may begin with any sequence: without its first batch the ones
// behind it would be taken, and the first one refused when it is sent again.
void Partition::withdraw(const std::shared_ptr<Append>& append) {
  const ProducerId producer = producer_of(*append);
  const auto first = std::ranges::find(queue_, append);
  CHECK(first != queue_.end());
  const auto goes = [&](const std::shared_ptr<Append>& queued) {
    return queued == append || (producer != kNoProducerId && producer_of(*queued) == producer);
  };
  for (auto at = first; at != queue_.end(); ++at) {
    if (!goes(*at)) continue;
    if (*at != append) REACHED("broker.append_withdrawn_behind");
    (*at)->state = Append::State::withdrawn;
    (*at)->owner.reset();
    (*at)->ended.set();
  }
  // By their state, for their bytes are gone.
  std::erase_if(queue_, [](const std::shared_ptr<Append>& queued) {
    return queued->state == Append::State::withdrawn;
  });
}

// The watermark may be ahead of the disk, where the topic has come to wait for it only now.
bool Partition::committed(Offset end) const {
  if (high_watermark_ < end) return false;
  if (log_ == nullptr || !synced_topic() || forgets_syncs()) return true;
  return log_->synced_end() >= end;
}

Outcome<void> Partition::wait_committed(env::Task& task, const Append& append, Instant until) {
  const Offset end =
      MUTANT("broker.committed_from_its_base") ? append.outcome->base : append.outcome->end;
  if (committed(end) && generation_ == append.generation) return {};
  Signal signal;
  const Watch watch(watches_, signal);
  for (;;) {
    if (retired_) return fault(FaultKind::unknown_topic_or_partition);
    if (generation_ != append.generation) {
      return fault(FaultKind::storage, "the sync failed; nothing is known about the records");
    }
    if (committed(end)) return {};
    if (auto waited = signal.wait(task, until); !waited) {
      REACHED("broker.commit_timed_out");
      host_.metrics.commits_timed_out.add();
      return fault(FaultKind::timed_out, "the records were not durable in time");
    }
  }
}

void Partition::retire() {
  if (retired_) return;
  retired_ = true;
  set_failed(false);
  for (const std::shared_ptr<Append>& append : queue_) {
    append->state = Append::State::done;
    append->outcome = fault(FaultKind::unknown_topic_or_partition);
    append->owner.reset();
    append->ended.set();
  }
  queue_.clear();
  watches_.raise();
}

Result<void> Partition::abandon(env::Task& task) {
  CHECK(retired_);
  while (appending_ || committing_) TRY(quiet_.wait(task));
  auto opened_by_nobody = TRY(opening_.lock(task));
  // Their commits may be under way, and open files by names that may soon be another topic's.
  if (dropped_) TRY(dropped_->halt(task));
  if (log_) TRY(log_->halt(task));
  dropped_.reset();
  log_.reset();
  ++generation_;
  return {};
}

std::shared_ptr<log::Log> Partition::give_up_log() {
  std::shared_ptr<log::Log> out = std::exchange(log_, nullptr);
  ++generation_;
  watches_.raise();
  return out;
}

Result<void> Partition::close_unused(env::Task& task, Offset end) {
  auto opened_by_nobody = TRY(opening_.lock(task));
  if (retired_ || log_.use_count() != 1 || log_->poisoned() || log_->end_offset() != end) return {};
  if (appending_ || committing_) return {};
  const std::shared_ptr<log::Log> log = give_up_log();
  Result<void> closed = log->close(task);
  if (!closed) dropped_ = log;
  return closed;
}

Result<void> Partition::close(env::Task& task) {
  CHECK(!appending_ && !committing_);
  return log_ == nullptr ? Result<void>() : give_up_log()->close(task);
}

}  // namespace flux::broker
