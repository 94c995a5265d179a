// MetadataLog: the cluster's metadata on disk, as one partition of the log and its snapshots.
//
// `__cluster_metadata-0` in Kafka's layout: each decision is one batch, so that it is there whole
// or not at all; a leadership begins with a control batch (LeaderChange) under a new epoch; the
// first record ever is the feature level. `<offset>-<epoch>.checkpoint` beside it holds the image
// at that offset: a file of batches between a header and a footer.
//
// Invariants: a record is applied to an image that others see only once it is synced; a snapshot
// covers synced records only and is found whole or not at all; what is read back is verified.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/controller/image.h"
#include "core/controller/record_codec.h"
#include "core/env/env.h"
#include "core/log/log.h"

namespace flux::controller {

// Fixed by Kafka.
inline constexpr Uuid kMetadataTopicId{0, 1};
inline constexpr std::size_t kMetadataBatchSizeMax = 8u << 20;

struct MetadataLogConfig {
  std::string data_directory;
  NodeId node{1};
  Uuid directory;
  std::int64_t records_between_snapshots = 10'000;
  std::uint32_t snapshots_kept = 2;
  log::LogConfig log;
};

class MetadataLog {
 public:
  // Opens or makes it, and folds snapshot and log into `metadata`. Errors: those of the log,
  // corrupt when a needed range is rotten, unsupported when a newer release wrote it.
  static Result<std::unique_ptr<MetadataLog>> open(env::Task& task, env::Env& env,
                                                   const RecordCodec& codec,
                                                   const MetadataLogConfig& config,
                                                   Metadata& metadata);

  // Begins a new leadership: durable when it returns.
  Result<void> lead(env::Task& task);

  // One batch; returns the offset after it. Not durable yet.
  Result<Offset> append(env::Task& task, std::span<const Record> records);
  // Until everything before `up_to` is durable.
  Result<void> sync(env::Task& task, Offset up_to) { return log_->sync(task, up_to); }

  // After enough records since the last one.
  bool snapshot_due(Offset committed) const {
    return committed - snapshot_end_ >= config_.records_between_snapshots;
  }
  Result<void> write_snapshot(env::Task& task, const Image& image);

  Result<void> close(env::Task& task) { return log_->close(task); }
  // Returns once nothing of it is being written.
  Result<void> halt(env::Task& task) { return log_->halt(task); }

  Offset end() const { return log_->end_offset(); }
  Offset synced_end() const { return log_->synced_end(); }
  bool poisoned() const { return log_->poisoned(); }
  LeaderEpoch epoch() const { return epoch_; }
  Offset snapshot_end() const { return snapshot_end_; }

 private:
  MetadataLog(env::Env& env, const RecordCodec& codec, const MetadataLogConfig& config)
      : env_(env), codec_(codec), config_(config) {}

  Result<void> load(env::Task& task, Metadata& metadata);
  Result<void> load_snapshots(env::Task& task, Metadata& metadata);
  Result<void> load_snapshot(env::Task& task, const std::string& name, Metadata& metadata);
  Result<void> fold(env::Task& task, ByteView batches, Metadata& metadata);
  Result<Offset> append_batch(env::Task& task, Bytes batch);
  Result<void> remove_old_snapshots(env::Task& task);
  Result<Bytes> snapshot_bytes(env::Task& task, const Image& image);
  std::string directory() const;
  std::int64_t now_ms() { return env_.clock.wall_now().ms(); }

  env::Env& env_;
  const RecordCodec& codec_;
  MetadataLogConfig config_;
  std::shared_ptr<log::Log> log_;
  LeaderEpoch epoch_{0};
  Offset snapshot_end_{0};
};

// "00000000000000000042-0000000003.checkpoint"
std::string snapshot_name(Offset end, LeaderEpoch epoch);
struct SnapshotId {
  Offset end;
  LeaderEpoch epoch;
  friend auto operator<=>(const SnapshotId&, const SnapshotId&) = default;
};
// invalid for any other name.
Result<SnapshotId> parse_snapshot_name(std::string_view name);

}  // namespace flux::controller
