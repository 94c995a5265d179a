// StorageMap: where on the true disks each record lies, and what happened to those bytes.
//
// Built from BatchStored and DiskEvent observations alone, so that it can be built again from a
// recorded history. It answers what the contract asks: was this range truly synced, and did a fault
// take or spoil it after it was stored? It never asks a node.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sim/check/log_watch.h"
#include "sim/check/observation.h"
#include "sim/check/promise.h"

namespace flux::sim {

struct TopicPartitionName {
  std::string topic;
  PartitionIndex partition{-1};

  friend auto operator<=>(const TopicPartitionName&, const TopicPartitionName&) = default;
  std::string to_string() const { return topic + "-" + std::to_string(partition.value()); }
};

// Faults of the medium itself: they excuse any promise while one replica is all there is.
bool spoils(OmenKind kind);

// One batch as it was written once; a later one at the same offsets is another.
struct Stored {
  std::uint32_t disk = 0;
  Inode inode;
  ByteRange range;
  std::string directory;  // of the partition
  std::string segment;    // the file's path without its suffix
  Offset base;
  Offset end;  // one after the last record
  ProducerId producer = kNoProducerId;
  ProducerEpoch producer_epoch = kNoProducerEpoch;
  Sequence sequence = kNoSequence;
  std::uint64_t digest = 0;
  std::uint64_t moment = 0;  // of the row of observations
  Time at;                   // when these bytes were first written
  std::int64_t max_timestamp_ms = -1;
  bool cut = false;  // the node cut it off since
  // Whole, but of a write of several that failed: the node took none of them.
  bool refused = false;
  // Of the block that the integrity file names last with it in it, and the moment of the first
  // batch in that; empty until one does (neighbours()).
  ByteRange block;
  std::uint64_t block_moment = 0;
};

class StorageMap {
 public:
  void observe(const Observation& observation);
  // Of the latest observation; grows by one with each.
  std::uint64_t moment() const { return moment_; }

  // The batch that holds the offset, as written last. Stays good for the map's life.
  const Stored* find(const TopicPartitionName& where, Offset offset) const;
  // All batches of a partition that the node has not cut off, by base offset.
  std::vector<const Stored*> standing(const TopicPartitionName& where) const;
  // In all batches that were stored behind this one by then, whether or not they still stand.
  std::uint64_t bytes_behind(const TopicPartitionName& where, const Stored& batch,
                             Time until) const;
  std::vector<TopicPartitionName> partitions() const;
  // Those of one file that reach beyond `from`.
  std::vector<const Stored*> standing_beyond(std::uint32_t disk, Inode inode,
                                             std::uint64_t from) const;

  // Every byte is durable, by a sync or because it was written back; or a sync claimed so falsely
  // (`lied` is then set).
  bool synced(const Stored& batch, bool* lied = nullptr) const;
  // A true sync covered it. (What merely was written back may lie behind a hole.)
  bool truly_synced(const Stored& batch) const;

  // Why this batch, stored under this promise, may be unreadable: the name of the fault that took
  // or spoiled it. Nothing: it is owed.
  std::optional<std::string> excuse(const Stored& batch, Promise promise) const;
  // Why its partition, or all of its broker, may be unable to open: the medium spoiled a file
  // beside the segments that cannot be made anew, and that lies there still.
  std::optional<std::string> closed(const Stored& batch) const;
  bool broker_closed(std::uint32_t disk) const;
  // Whether a read that was asked for at moment `asked`, from this offset on, may have met wrong
  // bytes: the disk gave some during it, or its segment went wrong there since `life`.
  bool spoiled(const TopicPartitionName& where, Offset from, std::uint64_t life,
               std::uint64_t asked) const;
  // The first offset of the partition that a fault took or spoiled since `since`, where the promise
  // excuses it: what a node reports of the partition may go back to there.
  std::optional<Offset> loss_from(const TopicPartitionName& where, std::uint64_t since,
                                  Promise promise) const;
  // Whether the medium took the file that says where the log starts, since that moment.
  bool start_lost(const TopicPartitionName& where, std::uint64_t since) const;

 private:
  struct Mishap {
    OmenKind kind;
    ByteRange range;
    std::uint64_t moment = 0;
  };
  struct FileState {
    ByteRanges synced;  // by a true sync
    ByteRanges kept;    // durable without one: written back in time, or healed
    std::vector<Mishap> mishaps;
    std::uint64_t sync_failed = 0;  // when one last did
  };
  // A power cut took bytes from the batch at `base`, or took away who vouched for wrong ones.
  struct Hole {
    Offset base;
    std::uint64_t moment = 0;
    bool lied = false;  // of which a sync had said that they were durable
  };
  struct Spoil {
    std::uint32_t disk = 0;
    Inode inode;
    ByteRange range;
    bool lasting = true;
    std::uint64_t moment = 0;
  };
  // Of one file beside the segments; moments are 0 for never.
  struct SideFault {
    bool lied = false;          // a sync did
    std::uint64_t lost = 0;     // since when what was lied of is gone
    std::uint64_t spoiled = 0;  // since when bytes are wrong
  };
  using SideFaults = std::map<Inode, SideFault>;
  struct StartFault {
    std::set<Inode> lied;      // a sync of it did
    std::uint64_t moment = 0;  // when it last was lost or spoiled
  };
  using FileName = std::pair<std::uint32_t, Inode>;

  const SideFaults& side_faults(std::uint32_t disk, const std::string& scope) const;
  // The moment since which bad bytes before it may have taken it along, as entries are lost; or 0.
  std::uint64_t entries_loss(const Stored& batch) const;
  // Of all files beside it: the moment since which what it needs is lost.
  std::uint64_t side_loss(const Stored& batch) const;
  void stored(const BatchStored& batch);
  void disk(const DiskEvent& event);
  void side_file(const DiskEvent& event);
  void start_file(const DiskEvent& event);
  void sync_failed(const DiskEvent& event);
  void named(const BlockStored& block);
  void lost(const FileName& file, ByteRange range);
  void power_cut(std::uint32_t disk);
  void spoiled_unvouched(const Spoil& spoil);
  bool lied_of(const Stored& batch, ByteRange range) const;
  // The moment since which it is; 0: it is not.
  std::uint64_t behind_a_hole(const Stored& batch, bool lied_only = false) const;
  // What may lie in one block with a batch that lies in none yet.
  struct Neighbours {
    ByteRange range;
    std::uint64_t first = 0;  // the moment of the earliest of them
  };
  Neighbours neighbours(const Stored& batch) const;
  std::uint64_t last_mishap(const Stored& batch) const;
  void cut(const FileName& file, std::uint64_t from);
  void refuse(const FileName& file, const ByteRange& range);

  std::uint64_t moment_ = 0;
  std::map<TopicPartitionName, std::map<Offset, std::vector<std::unique_ptr<Stored>>>> batches_;
  std::int64_t longest_batch_ = 0;  // in offsets
  std::map<FileName, std::vector<Stored*>> by_file_;
  std::map<std::pair<std::uint32_t, std::string>, Inode> by_segment_;
  std::map<FileName, FileState> files_;
  std::map<std::pair<std::uint32_t, std::string>, std::vector<Hole>> holes_;  // by directory
  std::map<TopicPartitionName, std::vector<Spoil>> spoils_;
  std::map<std::uint32_t, std::uint64_t> power_cuts_;  // of a disk: the last one
  // Faults of files beside the segments, by what they can make unreadable: a segment, a partition's
  // directory, or all of the disk ("").
  std::map<std::pair<std::uint32_t, std::string>, SideFaults> side_faults_;
  const SideFaults no_faults_;
  std::map<std::pair<std::uint32_t, std::string>, StartFault> start_faults_;  // by directory
  std::map<std::uint32_t, std::uint64_t> disk_mishaps_;  // wiped, rolled back: the last one
};

}  // namespace flux::sim
