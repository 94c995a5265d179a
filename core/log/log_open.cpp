// Opening a log: the directory, the verdict on each segment, and what follows from them.
#include <algorithm>
#include <set>
#include <utility>

#include "core/base/check.h"
#include "core/base/mark.h"
#include "core/log/integrity.h"
#include "core/log/log.h"
#include "core/log/names.h"
#include "core/log/recovery.h"
#include "core/log/segment.h"
#include "core/log/start_file.h"

namespace flux::log {

using env::Task;

namespace {
constexpr std::uint64_t kSmallFileMax = 16U << 20;

Result<void> remove_if_there(Task& task, env::Disk& disk, const std::string& path) {
  Result<void> removed = disk.remove(task, path);
  if (!removed && removed.error() == ErrorCode::not_found) return {};
  return removed;
}
}  // namespace

Result<Uuid> read_topic_id(Task& task, env::Disk& disk, std::string_view directory) {
  const std::string path = std::string(directory) + "/" + std::string(kMetadataFile);
  const Bytes text = TRY(env::read_file(task, disk, path, kSmallFileMax));
  const Result<Uuid> id = parse_partition_metadata(as_text(text));
  if (!id) return std::unexpected(id.error().in(path));
  return *id;
}

class Opening {
 public:
  explicit Opening(Log& log) : log_(log), disk_(log.env_.disk) {}

  Result<void> run(Task& task) {
    TRY(prepare_directory(task));
    TRY(read_start(task));
    std::vector<Offset> bases = TRY(list_segments(task));
    if (!TRY(open_clean(task, bases))) {
      TRY(drop_leftovers(task, bases));
      load_first_snapshot(task, bases);
      TRY(recover_segments(task, bases));
      TRY(drop_snapshots(task));
      if (!bases.empty()) TRY(settle_names(task));
    }
    TRY(finish(task));
    TRACE(log_.env_.trace, info, "log.opened", {"partition", log_.identity_.name()},
          {"start", log_.start_offset_}, {"end", log_.end_offset_},
          {"batches", log_.report_.batches}, {"torn_bytes", log_.report_.torn_bytes_cut},
          {"rotten_ranges", log_.report_.rotten_ranges}, {"clean", log_.report_.clean});
    return {};
  }

 private:
  Result<void> prepare_directory(Task& task);
  Result<bool> has_own_segment(Task& task);
  Result<void> read_start(Task& task);
  Result<void> settle_start(Task& task);
  Result<std::vector<Offset>> list_segments(Task& task);
  Result<bool> open_clean(Task& task, const std::vector<Offset>& bases);
  Result<void> drop_leftovers(Task& task, std::vector<Offset>& bases);
  Result<std::vector<LaterSegments>> look_ahead(Task& task, const std::vector<Offset>& bases);
  Result<void> recover_segments(Task& task, const std::vector<Offset>& bases);
  Result<void> drop_from(Task& task, const std::vector<Offset>& bases, std::size_t first);
  Result<void> begin_at_start(Task& task);
  void load_first_snapshot(Task& task, const std::vector<Offset>& bases);
  Result<void> drop_snapshots(Task& task);
  Result<void> finish(Task& task);
  Result<void> settle_names(Task& task);
  Result<void> settle_epochs(Task& task);

  Log& log_;
  env::Disk& disk_;
  LogStart start_;
  std::set<Offset> snapshots_;
  bool marked_ = false;       // closed in order, perhaps
  bool rotten_ = false;       // anywhere
  bool last_rotten_ = false;  // in the segment that would be appended to
};

Result<void> Opening::prepare_directory(Task& task) {
  const Result<Uuid> id = read_topic_id(task, disk_, log_.directory_);
  if (id && *id == log_.identity_.topic_id) return {};
  const bool missing = !id && id.error() == ErrorCode::not_found;
  if (!missing && !TRY(has_own_segment(task))) {
    if (!id) return std::unexpected(id.error());
    return fail(ErrorCode::invalid, log_.directory_ + " belongs to topic id " + id->to_string() +
                                        ", not " + log_.identity_.topic_id.to_string());
  }
  if (!missing) REACHED("log.topic_id_spoiled");
  // The id comes after the directory's name is durable: where it stands, so is the name.
  TRY(env::settle_directory(task, disk_, log_.directory_));
  return env::replace_file(task, disk_, log_.path(kMetadataFile),
                           as_bytes(partition_metadata_text(log_.identity_.topic_id)));
}

// Kafka's file with the topic id has no checksum; the integrity files, which name it too, have one.
// A byte that rotted must not pass for another topic.
Result<bool> Opening::has_own_segment(Task& task) {
  for (const env::DirectoryEntry& entry : TRY(disk_.list(task, log_.directory_))) {
    const auto base = base_of_file(entry.name, kIntegritySuffix);
    if (!base) continue;
    const auto file = disk_.open(task, log_.path(entry.name), env::Open::read);
    if (!file) continue;
    Bytes header(kIntegrityHeaderBytes);
    if (!read_whole(task, **file, 0, header)) continue;
    if (IntegrityCodec(log_.identity_, *base).check_header(header)) return true;
  }
  return false;
}

Result<void> Opening::read_start(Task& task) {
  const std::string path = log_.path(kStartFile);
  const auto read = [&]() -> Result<FoundStart> {
    const Bytes bytes = TRY(env::read_file(task, disk_, path, kSmallFileMax));
    return decode_start(log_.identity_, bytes);
  };
  Result<FoundStart> found = read();
  if (!found && found.error() == ErrorCode::not_found) return {};
  if (!found || found->damaged) found = read();  // perhaps it was read wrong, once
  if (!found && found.error() == ErrorCode::corrupt) {
    // Records that were deleted may be back. That is better than none: this file is the first to
    // go when a disk says of a sync what is not so.
    REACHED("log.start_lost");
    TRACE(log_.env_.trace, error, "log.start_lost", {"partition", log_.identity_.name()},
          {"error", found.error().to_string()});
    return {};
  }
  if (!found) return std::unexpected(found.error().in(path));
  start_ = found->at;
  if (!found->damaged) return {};
  REACHED("log.start_copy_damaged");
  return write_start_file(task, disk_, path, log_.identity_, start_);
}

// A process that died may have written it and not come to make it durable. By what it says files
// go, of which a power cut would bring back some and not others if it brought back an older start.
Result<void> Opening::settle_start(Task& task) {
  const auto file = TRY(disk_.open(task, log_.path(kStartFile), env::Open::read_write));
  TRY(file->sync(task));
  return disk_.sync_directory(task, log_.directory_);
}

Result<std::vector<Offset>> Opening::list_segments(Task& task) {
  std::set<Offset> bases;
  std::vector<std::string> deleted;
  for (const env::DirectoryEntry& entry : TRY(disk_.list(task, log_.directory_))) {
    if (entry.is_directory) continue;
    const auto any = base_of_file(entry.name);
    if (any && *any < start_.segment) {
      deleted.push_back(entry.name);
    } else if (entry.name.ends_with(kTemporarySuffix)) {
      TRY(remove_if_there(task, disk_, log_.path(entry.name)));
    } else if (const auto base = base_of_file(entry.name, kLogSuffix)) {
      bases.insert(*base);
    } else if (const auto other = base_of_file(entry.name, kIntegritySuffix)) {
      bases.insert(*other);
    } else if (const auto at = base_of_file(entry.name, kSnapshotSuffix)) {
      snapshots_.insert(*at);
    } else if (entry.name == kCleanFile) {
      marked_ = true;
    }
  }
  if (start_ != LogStart() && (!marked_ || !deleted.empty())) TRY(settle_start(task));
  for (const std::string& name : deleted) {
    REACHED("log.deleted_segment_found");
    TRY(remove_if_there(task, disk_, log_.path(name)));
  }
  return std::vector<Offset>(bases.begin(), bases.end());
}

// A mark that is not believed goes before anything changes: it must not be right again by chance.
Result<bool> Opening::open_clean(Task& task, const std::vector<Offset>& bases) {
  if (!marked_) return false;
  const Result<void> opened = log_.open_as_marked(task, bases, start_.start);
  log_.report_.clean = opened.has_value();
  if (opened) {
    REACHED("log.opened_clean");
    return true;
  }
  REACHED("log.clean_mark_not_believed");
  TRACE(log_.env_.trace, info, "log.clean_mark_not_believed", {"partition", log_.identity_.name()},
        {"why", opened.error().to_string()});
  TRY(remove_if_there(task, disk_, log_.path(kCleanFile)));
  TRY(disk_.sync_directory(task, log_.directory_));
  return false;
}

// A roll that fails half-way leaves files, and the log may have gone on past their offset in the
// segment before. Never the first: it was not made by a roll, and where it starts the log starts.
Result<void> Opening::drop_leftovers(Task& task, std::vector<Offset>& bases) {
  std::vector<Offset> kept;
  for (std::size_t i = 0; i < bases.size(); ++i) {
    const bool between = i > 0 && i + 1 < bases.size();
    if (between && TRY(SegmentRecovery::is_empty(task, log_.env_, log_.identity_, log_.directory_,
                                                 bases[i]))) {
      REACHED("log.leftover_dropped");
      TRY(remove_segment_files(task, disk_, log_.directory_, bases[i]));
    } else {
      kept.push_back(bases[i]);
    }
  }
  bases = std::move(kept);
  return {};
}

// What the segments after each one say about it. From the end: one that was synced settles it for
// all before.
Result<std::vector<LaterSegments>> Opening::look_ahead(Task& task,
                                                       const std::vector<Offset>& bases) {
  std::vector<LaterSegments> out(bases.size());
  bool synced = false;
  for (std::size_t i = bases.size(); i-- > 0;) {
    out[i].synced = synced;
    if (!synced) {
      synced = TRY(
          SegmentRecovery::has_synced(task, log_.env_, log_.identity_, log_.directory_, bases[i]));
    }
    if (i == 0) break;
    if (synced || !TRY(SegmentRecovery::is_empty(task, log_.env_, log_.identity_, log_.directory_,
                                                 bases[i]))) {
      out[i - 1].next_base = bases[i];
    }
  }
  return out;
}

Result<void> Opening::recover_segments(Task& task, const std::vector<Offset>& bases) {
  const std::vector<LaterSegments> later = TRY(look_ahead(task, bases));
  RecoveryFold fold{log_.producers_, log_.epochs_, log_.report_};
  for (std::size_t i = 0; i < bases.size(); ++i) {
    if (i > 0 && bases[i] != log_.end_offset_) {
      // A hole before anything that was synced is the disk's doing.
      if (!later[i - 1].synced) return drop_from(task, bases, i);
      CHECK_GT(bases[i], log_.end_offset_);  // a segment is bounded by the next one
      REACHED("log.lost_range_found");
      TRACE(log_.env_.trace, error, "log.rot", {"partition", log_.identity_.name()},
            {"from", log_.end_offset_}, {"to", bases[i]});
      ++log_.report_.rotten_ranges;
      rotten_ = true;
    }
    SegmentRecovery recovery(log_.env_, log_.identity_, log_.config_, log_.directory_, bases[i],
                             later[i]);
    SegmentVerdict verdict = TRY(recovery.run(task, fold));
    last_rotten_ = verdict.rotten;
    rotten_ = rotten_ || verdict.rotten;
    auto segment = std::make_shared<Segment>(log_.env_, log_.identity_, log_.config_,
                                             log_.directory_, bases[i]);
    segment->restore(std::move(verdict.found));
    log_.end_offset_ = segment->end_offset();
    log_.segments_.push_back(std::move(segment));
    if (verdict.torn) return drop_from(task, bases, i + 1);
  }
  return {};
}

// Nothing in these was ever vouched for, and the log was cut before them: what a sync covered
// vouches for all that stands before it.
Result<void> Opening::drop_from(Task& task, const std::vector<Offset>& bases, std::size_t first) {
  if (first >= bases.size()) return {};
  REACHED("log.segment_dropped");
  // Newest first, so that what a crash leaves is again a log and its dropped end.
  for (std::size_t i = bases.size(); i-- > first;) {
    TRY(remove_segment_files(task, disk_, log_.directory_, bases[i]));
    ++log_.report_.segments_dropped;
  }
  return disk_.sync_directory(task, log_.directory_);
}

// What stood before the first segment, of which the log itself tells no more. All else is folded
// from the log, which is never wrong.
void Opening::load_first_snapshot(Task& task, const std::vector<Offset>& bases) {
  if (bases.empty() || !snapshots_.contains(bases.front())) return;
  const Result<void> loaded = log_.load_snapshot(task, bases.front());
  if (loaded) {
    REACHED("log.snapshot_loaded");
    return;
  }
  REACHED("log.snapshot_ignored");
  TRACE(log_.env_.trace, warning, "log.snapshot_ignored", {"partition", log_.identity_.name()},
        {"why", loaded.error().to_string()});
}

// Those that no segment begins at. One above the end would be wrong once the log comes there again.
Result<void> Opening::drop_snapshots(Task& task) {
  for (const auto& segment : log_.segments_) snapshots_.erase(segment->base_offset());
  for (const Offset at : snapshots_) {
    REACHED("log.snapshot_dropped");
    TRY(remove_if_there(task, disk_, log_.path(segment_file(at, kSnapshotSuffix))));
  }
  return {};
}

// Names are durable before anything in their files is acknowledged. A process that died may have
// made files and not come to this. (A log without files begins by making its first ones durable.)
Result<void> Opening::settle_names(Task& task) {
  REACHED("log.names_synced_at_open");
  return disk_.sync_directory(task, log_.directory_);
}

// The checkpoint is believed only for what rot has hidden from the scan, and for the epoch in which
// the log starts, whose batches may all be deleted.
Result<void> Opening::settle_epochs(Task& task) {
  const auto text = env::read_file(task, disk_, log_.path(kEpochFile), kSmallFileMax);
  const std::string before = text ? std::string(as_text(*text)) : std::string();
  const Offset start = log_.start_offset_;
  if (text && (rotten_ || start > Offset(0))) {
    if (const Result<Epochs> stored = Epochs::parse(before)) {
      Epochs merged;
      const std::vector<EpochStart>& seen = log_.epochs_.entries();
      std::vector<EpochStart> all = seen;
      for (const EpochStart& entry : stored->entries()) {
        const bool hidden = rotten_ && entry.start < log_.end_offset_;
        const bool deleted = entry.start <= start && (seen.empty() || entry < seen.front());
        if (hidden || deleted) all.push_back(entry);
      }
      std::sort(all.begin(), all.end());
      for (const EpochStart& entry : all) merged.assign(entry.epoch, entry.start);
      log_.epochs_ = std::move(merged);
    }
  }
  log_.epochs_.cut_before(start);
  if (text && before == log_.epochs_.to_text()) return {};
  if (!text && log_.epochs_.entries().empty()) return {};
  return env::replace_file(task, disk_, log_.path(kEpochFile), as_bytes(log_.epochs_.to_text()));
}

// The tail was lost further back than where the front was deleted: what is left lies between.
Result<void> Opening::begin_at_start(Task& task) {
  REACHED("log.start_beyond_end");
  TRACE(log_.env_.trace, warning, "log.start_beyond_end", {"partition", log_.identity_.name()},
        {"start", start_.start}, {"end", log_.end_offset_});
  std::vector<Offset> bases;
  for (const auto& segment : log_.segments_) bases.push_back(segment->base_offset());
  TRY(drop_from(task, bases, 0));
  log_.segments_.clear();
  log_.end_offset_ = start_.start;
  last_rotten_ = false;
  return {};
}

Result<void> Opening::finish(Task& task) {
  if (log_.end_offset_ < start_.start) TRY(begin_at_start(task));
  for (const auto& segment : log_.segments_) {
    if (log_.report_.clean) break;
    if (TRY(segment->check_indexes(task))) ++log_.report_.indexes_rebuilt;
    env::yield_if_due(task);
  }
  if (log_.segments_.empty() || last_rotten_) {
    if (last_rotten_) REACHED("log.rolled_after_rot");
    // As at every roll: what stands before it may be deleted.
    TRY(log_.write_snapshot(task));
    TRY(log_.start_segment(task, log_.end_offset_));
  }
  for (std::size_t i = 0; i + 1 < log_.segments_.size(); ++i) log_.segments_[i]->drop_indexes();
  log_.active()->close_files();
  log_.start_offset_ = std::max(log_.segments_.front()->base_offset(), start_.start);
  log_.start_segment_ = start_.segment;
  log_.synced_end_ = log_.end_offset_;
  log_.hear_recovered(task);
  return settle_epochs(task);
}

Result<std::shared_ptr<Log>> Log::open(Task& task, env::Env& env, std::string directory,
                                       LogIdentity identity, LogConfig config) {
  std::shared_ptr<Log> log(
      new Log(env, std::move(directory), std::move(identity), std::move(config)));
  TRY(Opening(*log).run(task));
  return log;
}

}  // namespace flux::log
