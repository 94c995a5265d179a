// Segment: one `.log` file, its indexes and its integrity file.
//
// Invariants:
//   - size() and end_offset() cover exactly the batches that were accepted after being written;
//   - bytes are in one of three states: verified since opening, rotten, or not yet judged;
//     appended bytes count as verified. Rotten bytes are never given out;
//   - blocks follow each other without a gap from position 0, except over rot; the last, open block
//     is only in memory until a commit or its size closes it.
//
// Owned by its Log, which serialises write/accept; reading and syncing may run at any time. The
// files are opened when first needed. Writing keeps them open until close_files(), reading only for
// as long as the reader holds them. It starts no task except while syncing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/env/env.h"
#include "core/log/clean_mark.h"
#include "core/log/config.h"
#include "core/log/index.h"
#include "core/log/integrity.h"
#include "core/log/ranges.h"
#include "core/record/batch.h"
#include "core/sync/mutex.h"

namespace flux::log {

struct RotRange {
  Range at;
  Offset base;  // offsets [base, end) are lost
  Offset end;
  // The device gives an error for them, rather than other bytes.
  bool unreadable = false;
  // The device's error may pass: asked again at each read. Rot, once seen, is never served; nor is
  // what could not be read at opening and had lost its entry, until the next one.
  bool may_pass = false;
};

// A batch in place in its segment.
struct BatchAt {
  std::uint32_t position = 0;
  std::uint32_t size = 0;
  Offset base;
  Offset next;
  std::uint32_t end() const { return position + size; }
};

// A place between two batches.
struct Edge {
  std::uint32_t position = 0;
  Offset offset;  // of the next batch's first record
};

struct SegmentSlice {
  BatchAt first;
  Edge end;
  std::optional<Bytes> bytes;
};

class Segment {
 public:
  Segment(env::Env& env, const LogIdentity& identity, const LogConfig& config,
          std::string_view directory, Offset base);
  ~Segment();
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  Offset base_offset() const { return base_; }
  Offset end_offset() const { return end_; }
  std::uint32_t size() const { return size_; }
  std::uint32_t synced_position() const { return synced_position_; }
  bool dirty() const { return synced_position_ < size_; }
  record::Timestamp max_timestamp() const { return indexer_.max_timestamp; }
  // Of the first batch: segment.ms counts from there.
  record::Timestamp first_timestamp() const { return indexer_.first_timestamp; }
  WallTime created() const { return created_; }
  std::size_t index_bytes() const { return indexer_.offsets.bytes(); }
  const std::vector<RotRange>& rot() const { return rot_; }
  std::string path(std::string_view suffix) const;

  // Makes the files, empty but for the integrity file's header. The caller syncs the directory
  // before anything in them is acknowledged.
  Result<void> create(env::Task& task);
  // A run of blocks that are verified together: one for each block_bytes or so.
  struct Group {
    std::uint32_t offset = 0;  // relative
    std::uint32_t position = 0;
    std::uint32_t entry = 0;  // index of its first entry
  };
  // Takes the next block of a segment into its groups.
  static void add_to_groups(std::vector<Group>& groups, const IntegrityEntry& block,
                            std::uint32_t index, Offset segment_base, std::uint32_t block_bytes);
  // An existing segment as recovery found it.
  struct Found {
    std::uint32_t size = 0;
    Offset end;
    std::uint32_t entries = 0;  // in the integrity file
    std::vector<Group> groups;  // of its blocks
    std::vector<RotRange> rot;
    Indexer indexer;
  };
  void restore(Found found);
  // What a clean mark says of a segment with nothing left to write and no rot; nothing otherwise.
  std::optional<CleanSegment> clean() const;
  // The indexes of a segment that was restored without them, for the one that is appended to.
  // Corrupt when the files are not those.
  Result<void> load_indexes_of(env::Task& task, const IndexDigests& digests);
  // They are loaded when needed.
  void leave_indexes(const IndexDigests& digests);

  // segment.cpp: appending
  Result<void> write(env::Task& task, ByteView batches);  // at size(); accept() follows for each
  // Bytes that a failed write has left after size() go: they could pass for a batch.
  Result<void> cut_spoiled_tail(env::Task& task);
  void accept(const record::BatchView& batch);
  void close_block();
  // Puts closed blocks and marks into the integrity file; after an error they are still to be put.
  Result<void> write_entries(env::Task& task);
  Result<void> open_files(env::Task& task);
  // Both files, opened before, at the same time. After an error the state of both is unknown.
  Result<void> sync(env::Task& task);
  // A sync that covers these completed; the next entry says so.
  void note_synced(std::uint32_t position, Offset offset);
  void queue_mark(std::uint64_t boot_id);
  // What is synced stands in no entry yet, or in one that is not known to be durable.
  bool mark_due() const { return mark_due_; }
  bool mark_pending() const { return mark_pending_; }
  bool settled() const { return !dirty() && !mark_due_ && !mark_pending_; }
  Result<void> sync_mark(env::Task& task);
  Result<void> write_indexes(env::Task& task);
  // After recovery: true when a file did not fit the log and was written again.
  Result<bool> check_indexes(env::Task& task);
  // Of a segment that is no longer appended to; they are read back when needed.
  void drop_indexes();
  // Gives the writer's files back; they are opened again when needed. Readers keep theirs.
  void close_files();
  Result<std::shared_ptr<env::File>> data(env::Task& task);

  // segment_read.cpp: reading
  // The batch that holds the offset, base_offset() <= offset < end_offset(); corrupt in rot.
  Result<BatchAt> find(env::Task& task, Offset offset);
  // Batches from that offset, ending at or before `limit` and within bytes_max, verified.
  Result<SegmentSlice> slice(env::Task& task, Offset offset, Offset limit, std::size_t bytes_max,
                             bool at_least_one);
  // Both files, to be held over many reads.
  struct Held {
    std::shared_ptr<env::File> data;
    std::shared_ptr<env::File> integrity;
  };
  Result<Held> hold_files(env::Task& task);
  // Verifies the next run of blocks from a position on as though it had not been verified since
  // opening, and returns where it lies; nothing when none ends at or before that offset.
  Result<std::optional<Range>> scrub(env::Task& task, std::uint32_t position, Offset until);
  // The first offset at or after this one that is not in rot.
  Offset skip_rot(Offset offset) const;
  // A relative offset to start from when looking for a timestamp.
  Result<std::int32_t> offset_hint(env::Task& task, record::Timestamp at_least);

 private:
  struct OpenBlock {
    std::uint32_t position = 0;
    Offset base;
    std::uint64_t digest = 0;
  };

  struct OpenFile {
    std::shared_ptr<env::File> kept;  // for the writer
    std::weak_ptr<env::File> in_use;  // by whoever reads
  };
  Result<std::shared_ptr<env::File>> open_file(env::Task& task, std::string_view suffix,
                                               OpenFile& slot);
  Result<std::shared_ptr<env::File>> integrity(env::Task& task);
  void queue_entry(const IntegrityEntry& entry);

  std::size_t group_at(std::uint32_t position) const;
  std::uint32_t closed_end() const { return open_block_ ? open_block_->position : size_; }
  Offset closed_end_offset() const { return open_block_ ? open_block_->base : end_; }
  std::uint32_t group_end(std::size_t group) const;
  std::uint32_t group_entries_end(std::size_t group) const;
  Result<std::vector<IntegrityEntry>> entries_between(env::Task& task, std::uint32_t first,
                                                      std::uint32_t last);
  Result<void> verify(env::Task& task, Range range);
  // `suspected`: what a reading before this one found unsound.
  Result<void> verify_group(env::Task& task, std::size_t group,
                            const std::vector<RotRange>* suspected = nullptr);
  std::vector<RotRange> judge(ByteView bytes, std::uint32_t position, Offset base, Offset end,
                              const std::vector<IntegrityEntry>& entries);
  bool condemn(const std::vector<RotRange>& suspected, const std::vector<RotRange>& unsound);
  Offset group_base(std::size_t group) const { return base_ + groups_[group].offset; }
  Offset group_end_offset(std::size_t group) const;
  void add_rot(const RotRange& rot);
  Result<void> verify_alone(env::Task& task, Range at, Offset base, Offset end,
                            const std::vector<IntegrityEntry>& entries);
  bool doubtful(Range range) const;
  void forget_what_may_pass(Range range);
  const RotRange* rot_with(Offset offset) const;
  Edge rot_after(std::uint32_t position) const;
  std::uint32_t start_of_walk(Offset offset) const;
  Result<BatchAt> walk_to(env::Task& task, Offset offset);
  Result<Edge> edge_of_limit(env::Task& task, Offset limit);
  Result<Edge> align(env::Task& task, const BatchAt& first, std::uint32_t cap, Edge bound);
  Result<Bytes> load_verified(env::Task& task, Range range);
  std::uint32_t end_of_piece(Range range) const;
  // The blocks around a range, as far as they are known, and what they should hold.
  struct Piece {
    Range at;
    std::uint32_t closed = 0;  // where the open block began
    Offset base;
    Offset end;
    std::vector<IntegrityEntry> entries;
  };
  Result<Piece> piece_around(env::Task& task, Range range);
  Result<Bytes> load_piece(env::Task& task, Range range);
  Result<void> load_indexes(env::Task& task);
  Result<void> read_indexes(env::Task& task);
  Result<void> rebuild_indexes(env::Task& task);

  env::Env& env_;
  const LogIdentity& identity_;
  const LogConfig& config_;
  const std::string directory_;
  const Offset base_;
  const IntegrityCodec codec_;
  WallTime created_;

  OpenFile data_;
  OpenFile integrity_;
  bool tail_spoiled_ = false;  // a failed write may have left bytes after size_

  std::uint32_t size_ = 0;
  Offset end_;
  std::uint32_t synced_position_ = 0;
  Offset synced_offset_;

  Indexer indexer_;
  bool indexes_loaded_ = true;
  bool indexes_from_file_ = false;
  IndexDigests index_digests_;  // of the files

  std::vector<Group> groups_;
  std::optional<OpenBlock> open_block_;
  std::vector<IntegrityEntry> unwritten_;  // their first has index entries_written_
  std::uint32_t entries_written_ = 0;
  sync::Mutex entries_mutex_;
  bool mark_due_ = false;
  bool mark_pending_ = false;

  Ranges judged_;  // verified or rotten
  std::vector<RotRange> rot_;
};

// Walks batches by their headers; the bytes in between must have been verified. Headers that a disk
// gives wrong all the same are an error when they cannot be right.
class BatchWalker {
 public:
  // From one edge to the other; the offset at `from` may be lower than that of the batch there.
  BatchWalker(std::shared_ptr<env::File> file, Edge from, Edge end)
      : file_(std::move(file)),
        position_(from.position),
        offset_(from.offset),
        end_(end.position),
        end_offset_(end.offset) {}

  bool done() const { return position_ >= end_; }
  std::uint32_t position() const { return position_; }
  Result<BatchAt> next(env::Task& task);

 private:
  std::shared_ptr<env::File> file_;
  std::uint32_t position_;
  Offset offset_;
  std::uint32_t end_;
  Offset end_offset_;
  Bytes buffer_;
  std::uint32_t buffer_at_ = 0;
};

// Fills `into` from the file; corrupt when the file ends before.
Result<void> read_whole(env::Task& task, env::File& file, std::uint64_t at, MutBytes into);

// As much as the device gives. Sectors that cannot be read are zeros, which no check fits.
struct ReadAround {
  std::size_t bytes = 0;  // fewer than asked for at the end of the file
  bool whole = true;
};
Result<ReadAround> read_around_errors(env::Task& task, env::File& file, std::uint64_t at,
                                      MutBytes into);

}  // namespace flux::log
