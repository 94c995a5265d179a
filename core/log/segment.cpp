#include "core/log/segment.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/base/mark.h"
#include "core/base/mutant.h"
#include "core/log/cost.h"
#include "core/log/names.h"
#include "core/sync/task_group.h"

namespace flux::log {

using env::File;
using env::Task;
using record::BatchView;

Segment::Segment(env::Env& env, const LogIdentity& identity, const LogConfig& config,
                 std::string_view directory, Offset base)
    : env_(env),
      identity_(identity),
      config_(config),
      directory_(directory),
      base_(base),
      codec_(identity, base),
      created_(env.clock.wall_now()),
      end_(base),
      synced_offset_(base) {}

Segment::~Segment() = default;

std::string Segment::path(std::string_view suffix) const {
  return directory_ + "/" + segment_file(base_, suffix);
}

Result<std::shared_ptr<File>> Segment::open_file(Task& task, std::string_view suffix,
                                                 OpenFile& slot) {
  if (slot.kept) return slot.kept;
  if (std::shared_ptr<File> file = slot.in_use.lock()) return file;
  std::shared_ptr<File> file = TRY(env_.disk.open(task, path(suffix), env::Open::read_write));
  slot.in_use = file;
  return file;
}
Result<std::shared_ptr<File>> Segment::data(Task& task) {
  return open_file(task, kLogSuffix, data_);
}
Result<std::shared_ptr<File>> Segment::integrity(Task& task) {
  return open_file(task, kIntegritySuffix, integrity_);
}

void Segment::close_files() {
  data_.kept.reset();
  integrity_.kept.reset();
}

Result<void> Segment::create(Task& task) {
  // What an attempt that failed left behind holds nothing that was acknowledged.
  data_.kept = TRY(env_.disk.open(task, path(kLogSuffix), env::Open::create_empty));
  integrity_.kept = TRY(env_.disk.open(task, path(kIntegritySuffix), env::Open::create_empty));
  TRY(integrity_.kept->write_at(task, 0, codec_.header()));
  return {};
}

void Segment::restore(Found found) {
  CHECK_EQ(size_, 0u);
  size_ = found.size;
  end_ = found.end;
  synced_position_ = found.size;  // recovery ends with everything durable
  synced_offset_ = found.end;
  indexer_ = std::move(found.indexer);
  rot_ = std::move(found.rot);
  for (const RotRange& rot : rot_) {
    if (!rot.may_pass) judged_.add(rot.at);
  }
  groups_ = std::move(found.groups);
  entries_written_ = found.entries;
}

void Segment::add_to_groups(std::vector<Group>& groups, const IntegrityEntry& block,
                            std::uint32_t index, Offset segment_base, std::uint32_t block_bytes) {
  if (!groups.empty() && block.position - groups.back().position < block_bytes) return;
  groups.push_back({.offset = static_cast<std::uint32_t>(block.base - segment_base),
                    .position = block.position,
                    .entry = index});
}

Result<void> Segment::write(Task& task, ByteView batches) {
  TRY(cut_spoiled_tail(task));
  const std::shared_ptr<File> file = TRY(data(task));
  tail_spoiled_ = true;
  Result<void> written = file->write_at(task, size_, batches);
  if (!written) {
    REACHED("log.write_failed");
    // The next append may be long in coming, and what this one took is wanted.
    if (written.error() == ErrorCode::no_space) static_cast<void>(cut_spoiled_tail(task));
    return written;
  }
  tail_spoiled_ = false;
  data_.kept = file;  // whatever became of it meanwhile: these bytes are to be synced
  return {};
}

Result<void> Segment::cut_spoiled_tail(Task& task) {
  if (!tail_spoiled_) return {};
  const std::shared_ptr<File> file = TRY(data(task));
  TRY(file->truncate(task, size_));
  tail_spoiled_ = false;
  return {};
}

void Segment::accept(const BatchView& batch) {
  CHECK_GE(batch.base_offset(), end_);
  CHECK_GE(batch.last_offset_delta(), 0);
  if (!open_block_) {
    open_block_ = OpenBlock{.position = size_,
                            .base = batch.base_offset(),
                            .digest = codec_.begin_digest(batch.base_offset())};
  }
  open_block_->digest = IntegrityCodec::extend_digest(open_block_->digest, batch.bytes());
  env_.scheduler.charge(checksum_cost(batch.size()));
  const auto size = static_cast<std::uint32_t>(batch.size());
  indexer_.add(batch, size, size_, base_, config_.index_interval_bytes);
  judged_.add({size_, size_ + size});
  size_ += size;
  end_ = batch.next_offset();
  if (size_ - open_block_->position >= config_.block_bytes) close_block();
}

void Segment::close_block() {
  if (!open_block_) return;
  const IntegrityEntry entry{.kind = IntegrityKind::block,
                             .position = open_block_->position,
                             .length = size_ - open_block_->position,
                             .synced_position = synced_position_,
                             .base = open_block_->base,
                             .end = end_,
                             .synced_offset = synced_offset_,
                             .boot_id = env_.disk.boot_id(),
                             .digest = open_block_->digest};
  open_block_.reset();
  add_to_groups(groups_, entry, entries_written_ + static_cast<std::uint32_t>(unwritten_.size()),
                base_, config_.block_bytes);
  queue_entry(entry);
}

void Segment::queue_entry(const IntegrityEntry& entry) {
  unwritten_.push_back(entry);
  if (std::exchange(mark_due_, false)) mark_pending_ = true;
}

void Segment::queue_mark(std::uint64_t boot_id) {
  const Offset end = closed_end_offset();
  queue_entry({.kind = IntegrityKind::mark,
               .position = closed_end(),
               .synced_position = synced_position_,
               .base = end,
               .end = end,
               .synced_offset = synced_offset_,
               .boot_id = boot_id});
}

void Segment::note_synced(std::uint32_t position, Offset offset) {
  CHECK_LE(position, size_);
  CHECK_GE(position, synced_position_);
  mark_due_ = mark_due_ || position > synced_position_;
  synced_position_ = position;
  synced_offset_ = offset;
}

Result<void> Segment::write_entries(Task& task) {
  const sync::MutexGuard guard = TRY(entries_mutex_.lock(task));
  if (unwritten_.empty()) return {};
  const std::shared_ptr<File> file = TRY(integrity(task));
  const std::size_t count = unwritten_.size();  // more may join while this is being written
  Bytes bytes;
  bytes.reserve(count * kIntegrityEntryBytes);
  for (std::size_t i = 0; i < count; ++i) {
    codec_.append_entry(bytes, entries_written_ + static_cast<std::uint32_t>(i), unwritten_[i]);
  }
  TRY(file->write_at(task, integrity_entry_at(entries_written_), bytes));
  integrity_.kept = file;
  entries_written_ += static_cast<std::uint32_t>(count);
  unwritten_.erase(unwritten_.begin(), unwritten_.begin() + static_cast<std::ptrdiff_t>(count));
  return {};
}

Result<void> Segment::open_files(Task& task) {
  data_.kept = TRY(data(task));
  integrity_.kept = TRY(integrity(task));
  return {};
}

Result<void> Segment::sync(Task& task) {
  const std::shared_ptr<File> data_file = data_.kept;
  const std::shared_ptr<File> integrity_file = integrity_.kept;
  CHECK(data_file && integrity_file, "open_files() comes first: that it fails is no failed sync");
  const bool carried = mark_pending_;
  // Side by side the device can serve both with one flush.
  Result<void> other;
  sync::TaskGroup group(env_.scheduler);
  const bool beside = env_.scheduler.room_for(env::StackSize::normal);
  if (beside) {
    group.spawn("log.sync.integrity", [&](Task& child) { other = integrity_file->sync(child); });
  }
  Result<void> own = data_file->sync(task);
  if (!beside && own) {
    REACHED("log.sync_in_turn");
    other = integrity_file->sync(task);
  }
  {
    // The child works on this stack: it is waited for even by a task that was told to stop.
    const env::Shield shield(task);
    while (group.running() > 0) static_cast<void>(group.wait(task));
  }
  TRY(std::move(own));
  if (other && carried) mark_pending_ = false;
  return other;
}

Result<void> Segment::sync_mark(Task& task) {
  const std::shared_ptr<File> file = integrity_.kept;
  CHECK(file);
  const Result<void> synced = file->sync(task);
  if (synced) mark_pending_ = false;
  return synced;
}

Result<void> Segment::write_indexes(Task& task) {
  indexer_.finish();
  const Bytes offsets = indexer_.offsets.encode();
  const Bytes times = indexer_.times.encode();
  index_digests_ = {hash_bytes(offsets), hash_bytes(times)};
  for (const auto& [suffix, bytes] :
       {std::pair{kIndexSuffix, ByteView(offsets)}, std::pair{kTimeIndexSuffix, ByteView(times)}}) {
    const std::shared_ptr<File> file =
        TRY(env_.disk.open(task, path(suffix), env::Open::create_empty));
    if (!bytes.empty()) TRY(file->write_at(task, 0, bytes));
  }
  return {};
}

Result<bool> Segment::check_indexes(Task& task) {
  if (MUTANT("log.index_trusted")) return false;
  indexer_.finish();
  const auto differs = [&](std::string_view suffix, const Bytes& expected, std::uint64_t& digest) {
    digest = hash_bytes(expected);
    const Result<Bytes> found = env::read_file(task, env_.disk, path(suffix), expected.size());
    if (!found && found.error() == ErrorCode::not_found) return !expected.empty();
    return !found || !equal(*found, expected);
  };
  if (!differs(kIndexSuffix, indexer_.offsets.encode(), index_digests_.offsets) &&
      !differs(kTimeIndexSuffix, indexer_.times.encode(), index_digests_.times)) {
    return false;
  }
  REACHED("log.index_rebuilt");
  TRY(write_indexes(task));
  return true;
}

std::optional<CleanSegment> Segment::clean() const {
  if (!settled() || open_block_ || !unwritten_.empty() || tail_spoiled_) return std::nullopt;
  if (!rot_.empty()) return std::nullopt;
  return CleanSegment{.base = base_,
                      .end = end_,
                      .size = size_,
                      .entries = entries_written_,
                      .first_timestamp = indexer_.first_timestamp,
                      .max_timestamp = indexer_.max_timestamp,
                      .max_timestamp_offset = indexer_.max_timestamp_offset,
                      .bytes_since_entry = indexer_.bytes_since_entry,
                      .indexes = index_digests_};
}

Result<void> Segment::load_indexes_of(Task& task, const IndexDigests& digests) {
  leave_indexes(digests);
  return read_indexes(task);
}

void Segment::leave_indexes(const IndexDigests& digests) {
  index_digests_ = digests;
  drop_indexes();
}

void Segment::drop_indexes() {
  indexer_.offsets = {};
  indexer_.times = {};
  indexes_loaded_ = false;
}

}  // namespace flux::log
