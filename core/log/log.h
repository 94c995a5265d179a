// Log: one partition on disk.
//
// Record batches as they were received, in Kafka's directory layout, with an integrity file beside
// each segment that tells rot from a torn tail (docs/formats/log.md; why one flush is enough for an
// acknowledgement: docs/decisions/0002-synced-mark.md).
//
//   auto log = TRY(Log::open(task, env, "data/orders-0", {"orders", PartitionIndex(0), id},
//   config)); auto appended = TRY(log->append(task, batch, {.epoch = LeaderEpoch(3)}));  // not
//   durable yet TRY(log->sync(task, appended.end));                     // durable: acks=all may be
//   answered auto slice = TRY(log->read(task, Offset(0), {.bytes_max = 1 << 20}));
//   TRY(env::send_range_all(task, connection, *slice.file, slice.position, slice.length));
//
// Invariants:
//   - offsets are given in order and never given twice; end_offset() moves only after the bytes
//     were written, synced_end() only after a sync that covers them completed;
//   - what sync() has vouched for is there after any crash, or, if the disk has spoiled it, is an
//     error to read: it is never cut off and never replaced;
//   - start_offset() never goes back, over any crash: it moves once that is durable, and segments
//     go after that;
//   - a failed sync poisons the log: nothing is acknowledged or appended until it is opened again,
//     and the failed sync is never retried;
//   - the producer state is a fold of the batches in the log, begun with the snapshot at its first
//     segment's base for what stood before, less the producers that were silent for too long.
//
// Held by shared_ptr: a commit in the background keeps it alive. Any number of tasks may call it;
// appends are served one at a time. While idle it costs no task, no timer and no open file: the
// writer gives its files back once all is synced and marked, a reader with its slice.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/env/env.h"
#include "core/log/config.h"
#include "core/log/epochs.h"
#include "core/log/producer_state.h"
#include "core/record/batch.h"
#include "core/sync/condition.h"
#include "core/sync/mutex.h"

namespace flux::log {

class Segment;
struct CleanMark;

struct AppendOptions {
  LeaderEpoch epoch{0};
  // Set on a topic with log append time: each batch gets it.
  std::optional<record::Timestamp> log_append_time;
};

struct Appended {
  Offset base;             // of the first record
  Offset end;              // one after the last: wait for sync() up to here before acknowledging
  bool duplicate = false;  // stored earlier; base and end are the original's
  // What the answer reports: the broker's time if it set one, the original's for a duplicate there.
  record::Timestamp log_append_time = record::kNoTimestamp;
};

struct ReadLimits {
  std::size_t bytes_max = 1U << 20;
  Offset end{INT64_MAX};     // batches from here on are not wanted (high watermark)
  bool at_least_one = true;  // the first batch even if it is larger than bytes_max
};

// Whole batches, consecutive, the first holding the offset asked for (and perhaps earlier ones).
struct Slice {
  Offset first;  // of the first batch
  Offset next;   // read on from here; equal to the offset asked for when there is nothing
  std::shared_ptr<env::File> file;
  std::uint64_t position = 0;
  std::size_t length = 0;
  // Set with read_verify=always: these bytes were verified, the file's may have changed since.
  std::optional<Bytes> bytes;

  bool empty() const { return length == 0; }
};

// How far a scrub of a log has come, and where it ends: at the synced end when it began. What is
// written later was verified by whoever wrote it, and comes with the next scrub.
struct ScrubPlace {
  Offset until;
  Offset segment{0};  // its base
  std::uint32_t position = 0;
};

struct Scrubbed {
  std::uint64_t bytes = 0;
  std::size_t rotten = 0;  // ranges that were not known to be
};

// Offsets that stood in the log and cannot be read any more, for all that is known now.
struct Damage {
  Offset from;
  Offset to;  // exclusive

  friend bool operator==(const Damage&, const Damage&) = default;
};

struct TimestampOffset {
  record::Timestamp timestamp;
  Offset offset;
  LeaderEpoch epoch;
};

// What opening found, for reports and tests.
struct RecoveryReport {
  std::uint64_t batches = 0;
  std::uint64_t bytes = 0;
  std::uint64_t torn_bytes_cut = 0;
  std::uint64_t segments_dropped = 0;
  std::uint64_t rotten_ranges = 0;
  std::uint64_t indexes_rebuilt = 0;
  bool clean = false;  // closed in order: the segments were not read
};

class Log : public std::enable_shared_from_this<Log> {
 public:
  // Opens or makes the partition's directory and recovers it. When it returns, everything that it
  // holds is durable; for the directory's parent the caller has seen to that. Errors: those of the
  // disk; invalid when the directory belongs to another topic id; unsupported when it is of a newer
  // format. An open that failed may be tried again.
  static Result<std::shared_ptr<Log>> open(env::Task& task, env::Env& env, std::string directory,
                                           LogIdentity identity, LogConfig config);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Appends a leader's batches, valid ones (record/validate.h), patching offsets and epoch in
  // place. All or nothing. Errors: out_of_order_sequence, invalid_producer_epoch, too_large (all
  // together more than append_bytes_max; what was stored before is answered as a duplicate at any
  // size), not_available (closed), io_error (poisoned), those of the disk. After a disk error the
  // batches may or may not be found by a later recovery, but they are not in this log.
  Result<Appended> append(env::Task& task, MutBytes batches, const AppendOptions& options);
  // Appends batches as the leader numbered them; they begin at or after end_offset().
  Result<Appended> append_replica(env::Task& task, MutBytes batches);

  // Returns once everything before `up_to` is durable (up_to <= end_offset()). One device flush
  // serves all who wait. Errors: io_error when the sync failed or the log is poisoned, timed_out,
  // cancelled: then nothing is known about it.
  Result<void> sync(env::Task& task, Offset up_to);
  // Starts a sync of what is there now and does not wait.
  void request_sync();
  // After an append that nobody will sync: starts one once nothing was appended for a while, so
  // that the log can give its files back, and at the latest `within` after the first such append
  // (flush.ms).
  void sync_when_idle(Duration within = Duration::max());

  // Batches from `from` on, start_offset() <= from <= end_offset(), else out_of_range; corrupt when
  // the range that holds `from` is rotten; io_error while the disk cannot read it. Batches behind
  // such a range can be read.
  Result<Slice> read(env::Task& task, Offset from, const ReadLimits& limits = {});
  // The slice as bytes.
  Result<Bytes> bytes_of(env::Task& task, const Slice& slice);

  // The first record at or after start_offset() with at least this timestamp; nothing if none.
  Result<std::optional<TimestampOffset>> offset_for_timestamp(env::Task& task,
                                                              record::Timestamp at_least);
  // The record with the largest timestamp.
  Result<std::optional<TimestampOffset>> offset_of_max_timestamp(env::Task& task);

  // Reads the next runs of blocks again, up to that many bytes and one run at least, holds them
  // against their digests, whatever was verified before, and moves the place behind them: what a
  // disk has spoiled since is logged, and not served any more. Changes nothing on disk. Nothing at
  // the end. Errors: not_available (closed, poisoned); those of the disk, where they are not of the
  // bytes alone.
  Result<std::optional<Scrubbed>> scrub(env::Task& task, ScrubPlace& place,
                                        std::uint64_t bytes_max);
  // What opening, readers and scrubs have found rotten or missing and readers are refused, in order
  // of offsets. A repair begins here.
  std::vector<Damage> damage() const;

  // Deletes what lies before `to`: once it returns the log starts there, for good, over any crash;
  // nothing happens when it starts later. Errors: out_of_range above end_offset(); not_available
  // (closed, poisoned); those of the disk: then nothing changed, but a later opening may find that
  // it did.
  Result<void> advance_start(env::Task& task, Offset to);
  // Deletes whole segments from the front, below `limit` (the high watermark), by Kafka's rules:
  // while the others are as large as `bytes`, and while their newest record is older than `ms`. The
  // active segment goes too, if all of it is too old: another takes its place.
  Result<void> expire(env::Task& task, const Retention& retention, Offset limit);
  // Lets go of segments below the start, and removes the files of those let go of at least `delay`
  // ago (file.delete.delay.ms; who reads from an open file keeps it). Returns when there is more to
  // remove; nothing when there is not.
  Result<std::optional<Instant>> remove_deleted(env::Task& task, Duration delay);
  // Producers that were silent for producer_expiry. An append forgets some of them as well; of a
  // log that nobody appends to somebody else has to think.
  void forget_silent_producers(env::Task& task);

  // Closes the active segment and starts another, if it holds anything.
  Result<void> roll(env::Task& task);
  // Syncs, makes the marks durable, writes the indexes and gives the files back. Nothing but
  // destruction may follow.
  Result<void> close(env::Task& task);
  // Lets nothing more be written and returns once nothing is being written: from then on the files
  // may be opened by another Log, or removed. What was not synced may be lost.
  Result<void> halt(env::Task& task);

  Offset start_offset() const { return start_offset_; }
  Offset end_offset() const { return end_offset_; }
  Offset synced_end() const { return synced_end_; }
  bool poisoned() const { return poisoned_; }
  const Epochs& epochs() const { return epochs_; }
  const ProducerState& producers() const { return producers_; }
  const LogIdentity& identity() const { return identity_; }
  const LogConfig& config() const { return config_; }
  // From the next append and the next commit on. What a segment already has stays: its index, its
  // blocks.
  void set_config(const LogConfig& config);
  const std::string& directory() const { return directory_; }
  const RecoveryReport& recovery() const { return report_; }
  std::uint64_t size_bytes() const;
  // Bytes of batches that the active segment takes before one of them has to begin another: by its
  // size, and by its index as though each stretch that may have an entry had one.
  std::uint64_t room_bytes() const;
  std::size_t segment_count() const { return segments_.size(); }
  // Notified when end_offset() or synced_end() moved, and when the log was poisoned.
  sync::Condition& moved() { return moved_; }

 private:
  friend class Opening;

  Log(env::Env& env, std::string directory, LogIdentity identity, LogConfig config);

  struct Checked;
  using SegmentPointer = std::shared_ptr<Segment>;

  // log.cpp
  Result<Checked> check_batches(MutBytes batches, const AppendOptions* leader);
  Result<void> prepare_active(env::Task& task, const Checked& checked);
  Result<void> assign_epochs(env::Task& task, const Checked& checked);
  Result<Appended> write_batches(env::Task& task, MutBytes batches, const Checked& checked);
  Result<Appended> append_locked(env::Task& task, MutBytes batches, const AppendOptions* leader);
  std::int64_t jitter_ms(const Segment& segment) const;
  bool must_roll(const Checked& checked) const;
  Result<void> roll_locked(env::Task& task);
  Result<void> start_segment(env::Task& task, Offset base);

  // log_snapshot.cpp
  // Of the producers at end_offset().
  Result<void> write_snapshot(env::Task& task);
  // Into a log that knows no producer. Corrupt when it does not fit.
  Result<void> load_snapshot(env::Task& task, Offset at);
  void hear_recovered(env::Task& task);

  // log_clean.cpp
  Result<std::optional<CleanMark>> clean_mark(env::Task& task);
  // The last act of close().
  Result<void> leave_clean_mark(env::Task& task);
  // Before anything is written that a mark may contradict.
  Result<void> drop_clean_mark(env::Task& task);
  // Restores everything as the mark has it, without reading the segments. An error when there is
  // none or it cannot be believed: then nothing has happened.
  Result<void> open_as_marked(env::Task& task, const std::vector<Offset>& bases, Offset start);
  Result<void> load_marked_snapshot(env::Task& task, const CleanMark& mark);

  // log_sync.cpp
  void start_committing();
  void commit_loop(env::Task& task);
  std::vector<SegmentPointer> unsettled() const;
  Result<void> commit_once(env::Task& task);
  Result<void> write_marks(env::Task& task);
  Result<void> make_marks_durable(env::Task& task);
  Result<void> settle(env::Task& task, Segment& segment);
  Result<void> settle_rolled(env::Task& task);
  void linger(env::Task& task);
  void poison(env::Task& task, const Error& why);

  // log_retention.cpp
  Result<void> advance_locked(env::Task& task, Offset to);
  Result<void> write_start(env::Task& task, Offset start, Offset segment);
  Offset expired_end(const Retention& retention, Offset limit) const;
  Result<void> check_writable() const;
  bool too_old(const Segment& segment, std::int64_t age_ms_max) const;

  // log_scrub.cpp
  SegmentPointer segment_to_scrub(ScrubPlace& place) const;
  Result<Scrubbed> scrub_segment(env::Task& task, Segment& segment, ScrubPlace& place,
                                 std::uint64_t bytes_max);

  // log_read.cpp
  Result<std::optional<TimestampOffset>> newest_of_cut(env::Task& task, Segment& segment);
  // Calls `see` with each batch from an offset on, and that offset, until it says that it has seen
  // enough.
  using SeeBatch = std::function<Result<bool>(const record::BatchView& batch, Offset from)>;
  Result<void> see_batches(env::Task& task, Segment& segment, Offset from, const SeeBatch& see);
  SegmentPointer segment_of(Offset offset) const;
  std::unexpected<Error> refuse_offset(Offset offset) const;
  Result<Slice> read_existing(env::Task& task, Offset from, const ReadLimits& limits);
  Result<std::optional<TimestampOffset>> search_segment(env::Task& task, Segment& segment,
                                                        record::Timestamp at_least);

  SegmentPointer active() const { return segments_.back(); }
  std::string path(std::string_view name) const;
  std::unexpected<Error> refuse_poisoned() const;
  Result<sync::MutexGuard> end_writing(env::Task& task);

  env::Env& env_;
  const std::string directory_;
  const LogIdentity identity_;
  LogConfig config_;
  RecoveryReport report_;

  std::vector<SegmentPointer> segments_;  // by base offset; the last one is appended to
  Offset start_offset_;
  Offset start_segment_;  // the first that counts, as the start file has it
  Offset end_offset_;
  Offset synced_end_;
  Epochs epochs_;
  ProducerState producers_;
  bool marked_clean_ = false;          // the clean mark is there, and right
  std::optional<Offset> snapshot_at_;  // the newest that stands for what it says
  sync::Mutex append_mutex_;
  // Whoever moves the start or removes files has it; taken before append_mutex_.
  sync::Mutex start_mutex_;
  struct Deleted {
    SegmentPointer segment;
    Instant since;
  };
  std::deque<Deleted> deleted_;
  sync::Condition moved_;

  // One commit at a time: `round_` is the number of the one that runs or ran last.
  bool committing_ = false;
  bool wanted_ = false;  // somebody asked since the running commit began
  bool closing_ = false;
  bool poisoned_ = false;
  bool in_round_ = false;
  std::uint64_t round_ = 0;
  Offset round_target_;
  std::uint64_t failed_round_ = 0;
  std::uint32_t waiting_ = 0;
  bool lingering_ = false;
  Instant last_append_;
  Instant sync_by_;  // while lingering
  std::optional<Error> failure_;
  sync::Condition commit_ended_;
  sync::Condition commit_wanted_;
};

// Those that are there; the caller syncs the directory.
Result<void> remove_segment_files(env::Task& task, env::Disk& disk, std::string_view directory,
                                  Offset base);
// A directory's topic id, from its partition.metadata; not_found when it has none.
Result<Uuid> read_topic_id(env::Task& task, env::Disk& disk, std::string_view directory);

}  // namespace flux::log
