#include "core/log/recovery.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/mark.h"
#include "core/base/mutant.h"
#include "core/log/cost.h"
#include "core/log/names.h"

namespace flux::log {

using env::Task;
using record::BatchView;

namespace {
constexpr std::uint32_t kWindowBytes = 256U << 10;
// No request is larger (socket.request.max.bytes is 100 MiB), so no batch is.
constexpr std::uint32_t kBatchBytesMax = 128U << 20;
// Of entries that are written at once.
constexpr std::size_t kEntriesBytes = 128U << 10;
}  // namespace

SegmentRecovery::SegmentRecovery(env::Env& env, const LogIdentity& identity,
                                 const LogConfig& config, std::string_view directory, Offset base,
                                 LaterSegments later)
    : env_(env),
      identity_(identity),
      config_(config),
      directory_(directory),
      base_(base),
      later_(later),
      codec_(identity, base),
      mark_offset_(base),
      offset_(base) {}

// --- the integrity file

std::string SegmentRecovery::entries_path() const {
  return directory_ + "/" + segment_file(base_, kIntegritySuffix);
}

Result<bool> SegmentRecovery::has_synced(Task& task, env::Env& env, const LogIdentity& identity,
                                         std::string_view directory, Offset base) {
  const std::string path = std::string(directory) + "/" + segment_file(base, kIntegritySuffix);
  EntryReader reader = TRY(EntryReader::open(task, env, path, IntegrityCodec(identity, base)));
  for (;;) {
    const auto found = TRY(reader.next(task));
    if (!found || found->entry.synced_position > 0) return found.has_value();
  }
}

Result<bool> SegmentRecovery::is_empty(Task& task, env::Env& env, const LogIdentity& identity,
                                       std::string_view directory, Offset base) {
  const std::string start = std::string(directory) + "/";
  const auto file = env.disk.open(task, start + segment_file(base, kLogSuffix), env::Open::read);
  if (!file && file.error() != ErrorCode::not_found) return std::unexpected(file.error());
  if (file && TRY((*file)->size(task)) > 0) return false;
  const std::string path = start + segment_file(base, kIntegritySuffix);
  EntryReader reader = TRY(EntryReader::open(task, env, path, IntegrityCodec(identity, base)));
  const bool any = TRY(reader.next(task)).has_value();
  return !any && reader.whole();
}

Result<void> SegmentRecovery::survey(Task& task) {
  EntryReader reader = TRY(EntryReader::open(task, env_, entries_path(), codec_));
  bool beyond = false;
  for (;;) {
    const auto found = TRY(reader.next(task));
    if (!found) break;
    const IntegrityEntry& entry = found->entry;
    if (entry.synced_position > mark_position_) {
      mark_position_ = entry.synced_position;
      mark_offset_ = entry.synced_offset;
    }
    beyond = beyond || lies_beyond(entry);
    survey_.last_boot = entry.boot_id;
    ++survey_.entries;
  }
  survey_.in_order = reader.header_good() && !reader.damaged() && !beyond;
  const std::uint64_t boot = env_.disk.boot_id();
  if (survey_.entries > 0 && survey_.last_boot == boot) trusted_boot_ = boot;
  return {};
}

// Of bytes that a write which failed has left: the log went on in the next segment.
bool SegmentRecovery::lies_beyond(const IntegrityEntry& entry) const {
  return entry.kind == IntegrityKind::block && later_.next_base && entry.end > *later_.next_base;
}

Result<std::optional<PlacedEntry>> SegmentRecovery::next_block(Task& task, EntryReader& reader) {
  for (;;) {
    const auto found = TRY(reader.next(task));
    if (!found) return found;
    if (found->entry.kind == IntegrityKind::block) {
      if (lies_beyond(found->entry)) continue;
      return found;
    }
    const bool follows = !kept_.empty() && !kept_.back().made && kept_.back().last == found->index;
    if (follows) ++kept_.back().last;
  }
}

void SegmentRecovery::keep(const PlacedEntry& block) {
  if (kept_.empty() || kept_.back().made || kept_.back().last != block.index) {
    kept_.push_back({.first = block.index, .last = block.index, .made = {}});
  }
  ++kept_.back().last;
  Segment::add_to_groups(verdict_.found.groups, block.entry, block.index, base_,
                         config_.block_bytes);
}

Result<void> SegmentRecovery::see_kept(Task& task, const SeeEntry& see) {
  EntryReader reader = TRY(EntryReader::open(task, env_, entries_path(), codec_));
  for (const Kept& kept : kept_) {
    if (kept.made) TRY(see(*kept.made));
    reader.go_to(kept.first);
    for (std::uint32_t at = kept.first; at < kept.last; ++at) {
      const auto found = TRY(reader.next(task));
      if (!found || found->index != at) {
        return fail(ErrorCode::io_error, entries_path() + ": an entry that was read is gone");
      }
      if (found->entry.kind == IntegrityKind::block) TRY(see(found->entry));
    }
    env::yield_if_due(task);
  }
  return {};
}

bool SegmentRecovery::vouched_at(std::uint32_t position) const {
  return later_.synced || position < mark_position_;
}

bool SegmentRecovery::vouched(const IntegrityEntry& block) const {
  if (vouched_at(block.position)) return true;
  return trusted_boot_ != 0 && block.boot_id == trusted_boot_;
}

// --- the scan

Result<ByteView> SegmentRecovery::view(Task& task, std::uint32_t at, std::uint32_t length) {
  CHECK_LE(length, file_size_ - at);
  const bool held = at >= window_at_ && std::uint64_t{at} + length <= window_at_ + window_.size();
  if (held) return ByteView(window_).subspan(at - window_at_, length);
  const std::uint32_t ahead = std::min(file_size_ - at, std::max(length, kWindowBytes));
  if (at >= spoiled_until_ && ahead > length) {
    if (fill_window(task, at, ahead)) return ByteView(window_).first(length);
    // The sector that cannot be read may be a neighbour's.
    spoiled_until_ = at + ahead;
  }
  TRY(fill_window(task, at, length));
  return ByteView(window_);
}

Result<void> SegmentRecovery::fill_window(Task& task, std::uint32_t at, std::uint32_t length) {
  window_.resize(length);
  window_at_ = at;
  Result<void> filled = read_whole(task, *file_, at, window_);
  if (!filled) window_.clear();
  return filled;
}

void SegmentRecovery::note(const BatchView& batch, std::uint32_t position, RecoveryFold& fold) {
  verdict_.found.indexer.add(batch, static_cast<std::uint32_t>(batch.size()), position, base_,
                             config_.index_interval_bytes);
  if (!MUTANT("log.producers_forgotten_at_open")) {
    fold.producers.apply(batch, batch.base_offset());
  }
  if (batch.leader_epoch().value() >= 0) {
    fold.epochs.assign(batch.leader_epoch(), batch.base_offset());
  }
  epoch_ = std::max(epoch_, batch.leader_epoch());
  ++fold.report.batches;
  fold.report.bytes += batch.size();
}

Result<void> SegmentRecovery::scan(Task& task, RecoveryFold& fold) {
  EntryReader reader = TRY(EntryReader::open(task, env_, entries_path(), codec_));
  std::optional<PlacedEntry> block = TRY(next_block(task, reader));
  for (Step step = Step::on; step == Step::on && !at_bound();) {
    while (block && block->entry.position < position_) block = TRY(next_block(task, reader));
    if (block && block->entry.position == position_) {
      step = TRY(scan_block(task, *block, fold));
      if (step == Step::doubt) {
        REACHED("log.block_doubted");
        block.reset();             // and none of those behind it
        survey_.in_order = false;  // the file has them
        step = Step::on;
      }
    } else {
      step = TRY(scan_uncovered(task, block ? &block->entry : nullptr, fold));
    }
    env::yield_if_due(task);
  }
  close_adoption();
  if (at_bound()) settle_bound();
  return {};
}

// The log went on in the next segment: what stands here behind that offset was never part of it.
void SegmentRecovery::settle_bound() {
  if (position_ < mark_position_) {
    skip_as_rot(mark_position_, offset_);  // a sync covered it: it is left as it is
  } else if (position_ < file_size_) {
    REACHED("log.surplus_cut");
    surplus_ = true;
  }
}

Result<ByteView> SegmentRecovery::block_bytes(Task& task, const IntegrityEntry& block) {
  Result<ByteView> bytes = view(task, block.position, block.length);
  if (bytes && codec_.verify_block(*bytes, block)) return bytes;
  // A disk may return other bytes than it holds, once.
  TRY(fill_window(task, block.position, block.length));
  return ByteView(window_);
}

Result<SegmentRecovery::Step> SegmentRecovery::scan_block(Task& task, const PlacedEntry& placed,
                                                          RecoveryFold& fold) {
  const IntegrityEntry& block = placed.entry;
  close_adoption();
  bool unreadable = false;
  if (block.block_end() <= file_size_ && block.base >= offset_) {
    const Result<ByteView> bytes = block_bytes(task, block);
    if (!bytes && !vouched(block)) return std::unexpected(bytes.error());
    // What its producers wrote would be taken for new when they send it again.
    if (!bytes && !config_.lose_unreadable) return left_for_later(bytes.error());
    unreadable = !bytes;
    env_.scheduler.charge(checksum_cost(block.length));
    if (bytes && codec_.verify_block(*bytes, block)) {
      std::uint32_t at = position_;
      for (ByteView rest = *bytes; !rest.empty();) {
        const BatchView batch = TRY(BatchView::take(rest));
        note(batch, at, fold);
        at += static_cast<std::uint32_t>(batch.size());
      }
      keep(placed);
      position_ = block.block_end();
      offset_ = block.end;
      return Step::on;
    }
  }
  if (MUTANT("log.cut_below_the_mark")) return cut();
  if (!vouched(block)) return Step::doubt;
  keep(placed);  // its digest tells the right bytes when a peer brings them
  offset_ = std::max(offset_, block.base);
  return skip_as_rot(block.block_end(), block.end,
                     unreadable ? Loss::unreadable_now : Loss::rotten);
}

Result<SegmentRecovery::Step> SegmentRecovery::scan_uncovered(Task& task,
                                                              const IntegrityEntry* next_block,
                                                              RecoveryFold& fold) {
  if (position_ >= file_size_) return past_the_end(next_block);
  const std::uint32_t until = next_block ? std::min(next_block->position, file_size_) : file_size_;
  if (next_block && MUTANT("log.uncovered_is_rot")) {
    return skip_as_rot(until, next_block->base);
  }
  Result<bool> adopted = adopt_batch(task, until, fold);
  if (adopted && *adopted) return Step::on;
  window_.clear();  // read once more, before anything is cut
  adopted = adopt_batch(task, until, fold);
  if (adopted && *adopted) return Step::on;
  close_adoption();
  if (!vouched_at(position_)) {
    // What cannot be read now may be right: it is not cut off.
    if (!adopted) return std::unexpected(adopted.error());
    return cut();
  }
  if (!adopted && !config_.lose_unreadable) return left_for_later(adopted.error());
  const Loss loss = adopted ? Loss::rotten : Loss::unreadable;
  if (next_block) return skip_as_rot(next_block->position, next_block->base, loss);
  if (mark_position_ > position_) return skip_as_rot(mark_position_, mark_offset_, loss);
  // A segment that is known to be whole, without entries that tell where its batches lie.
  return skip_as_rot(file_size_, later_.next_base.value_or(offset_), loss);
}

// The file is at its end: right, unless more was vouched for.
SegmentRecovery::Step SegmentRecovery::past_the_end(const IntegrityEntry* next_block) {
  close_adoption();
  if (next_block && vouched(*next_block)) {
    return skip_as_rot(next_block->position, next_block->base);
  }
  if (next_block) return cut();  // what was written after the end that is left
  if (mark_position_ > position_) skip_as_rot(mark_position_, mark_offset_);
  return Step::stop;
}

SegmentRecovery::Step SegmentRecovery::skip_as_rot(std::uint32_t to, Offset to_offset, Loss loss) {
  CHECK_GE(to, position_);
  if (later_.next_base) to_offset = std::min(to_offset, *later_.next_base);
  REACHED("log.rot_found");
  TRACE(env_.trace, error, "log.rot", {"partition", identity_.name()},
        {"file", directory_ + "/" + segment_file(base_, kLogSuffix)}, {"from", offset_},
        {"to", to_offset}, {"position", position_}, {"bytes", to - position_});
  verdict_.found.rot.push_back({.at = {position_, to},
                                .base = offset_,
                                .end = to_offset,
                                .unreadable = loss != Loss::rotten,
                                .may_pass = loss == Loss::unreadable_now});
  verdict_.rotten = true;
  position_ = to;
  offset_ = std::max(offset_, to_offset);
  return Step::on;
}

std::unexpected<Error> SegmentRecovery::left_for_later(const Error& error) {
  REACHED("log.opening_left_for_later");
  return std::unexpected(error);
}

SegmentRecovery::Step SegmentRecovery::cut() {
  close_adoption();
  verdict_.torn = true;
  return Step::stop;
}

// A batch that no entry covers answers for itself: it is in line, and its CRC fits.
Result<bool> SegmentRecovery::adopt_batch(Task& task, std::uint32_t until, RecoveryFold& fold) {
  const std::uint32_t room = until - position_;
  if (room < record::kBatchHeaderBytes) return false;
  const auto header = record::BatchHeader::read(
      TRY(view(task, position_, static_cast<std::uint32_t>(record::kBatchHeaderBytes))));
  if (!header || header->batch_size() > std::min(room, kBatchBytesMax)) return false;
  if (header->base_offset() != offset_ || header->last_offset_delta() < 0) return false;
  if (header->leader_epoch() < epoch_) return false;
  if (header->next_offset() - base_ > INT32_MAX) return false;
  if (later_.next_base && header->next_offset() > *later_.next_base) return false;

  const auto size = static_cast<std::uint32_t>(header->batch_size());
  const BatchView batch = TRY(BatchView::first_of(TRY(view(task, position_, size))));
  env_.scheduler.charge(checksum_cost(size) * 2);
  if (!batch.crc_fits()) return false;

  if (!adoption_) {
    adoption_ = OpenAdoption{
        .position = position_, .base = offset_, .digest = codec_.begin_digest(offset_)};
  }
  adoption_->digest = IntegrityCodec::extend_digest(adoption_->digest, batch.bytes());
  note(batch, position_, fold);
  adopted_ = true;
  position_ += size;
  offset_ = batch.next_offset();
  if (position_ - adoption_->position >= config_.block_bytes) close_adoption();
  return true;
}

void SegmentRecovery::close_adoption() {
  if (!adoption_) return;
  Kept& kept = kept_.emplace_back();
  kept.made = IntegrityEntry{.kind = IntegrityKind::block,
                             .position = adoption_->position,
                             .length = position_ - adoption_->position,
                             .base = adoption_->base,
                             .end = offset_,
                             .boot_id = env_.disk.boot_id(),
                             .digest = adoption_->digest};
  adoption_.reset();
}

// --- afterwards

bool SegmentRecovery::in_order() const {
  if (made_ || adopted_ || verdict_.torn || surplus_) return false;
  if (!survey_.in_order) return false;
  // The last entry was written after a sync that failed: those before it may not be on the disk.
  if (doubtful_marks()) return false;
  if (position_ != file_size_) return verdict_.rotten && mark_position_ == position_;
  return later_.synced || mark_position_ == position_;
}

bool SegmentRecovery::doubtful_marks() const {
  return !later_.synced && survey_.entries > 0 && survey_.last_boot == 0;
}

// A mark that this boot wrote may be in the page cache only: it is seen now, and lost with the
// power. A segment with a synced one behind it needs none.
Result<void> SegmentRecovery::settle_marks(Task& task) {
  if (later_.synced || survey_.entries == 0) return {};
  if (survey_.last_boot != env_.disk.boot_id()) return {};
  REACHED("log.marks_synced_at_open");
  const auto file = TRY(env_.disk.open(task, entries_path(), env::Open::read_write));
  return file->sync(task);
}

// Reads and writes the same bytes, so that the next sync must bring them to the device. Only what
// verifies: a disk may return other bytes than it holds, and writing those would make them last.
Result<void> SegmentRecovery::write_again(Task& task, std::uint32_t from) {
  return see_kept(task, [&](const IntegrityEntry& block) -> Result<void> {
    if (block.block_end() > file_size_ || block.block_end() <= from) return {};
    const Result<ByteView> bytes = block_bytes(task, block);
    if (!bytes || !codec_.verify_block(*bytes, block)) return {};  // rot, or not to be read now
    TRY(file_->write_at(task, block.position, *bytes));
    env::yield_if_due(task);
    return {};
  });
}

Result<void> SegmentRecovery::repair(Task& task) {
  REACHED("log.segment_repaired");
  const std::uint32_t end = std::min(position_, file_size_);
  if ((verdict_.torn || surplus_) && end < file_size_) {
    REACHED("log.torn_tail_cut");
    TRY(file_->truncate(task, end));
  }
  if (!later_.synced) TRY(write_again(task, mark_position_));
  TRY(file_->sync(task));

  Kept& kept = kept_.emplace_back();
  kept.made = IntegrityEntry{.kind = IntegrityKind::mark,
                             .position = position_,
                             .synced_position = position_,
                             .base = offset_,
                             .end = offset_,
                             .synced_offset = offset_,
                             .boot_id = env_.disk.boot_id()};
  return replace_entries(task);
}

// With no more of the file in memory than is written at once.
Result<void> SegmentRecovery::replace_entries(Task& task) {
  Segment::Found& found = verdict_.found;
  found.entries = 0;
  found.groups.clear();
  return env::replace_file(task, env_.disk, entries_path(), [&](env::File& file) -> Result<void> {
    Bytes bytes = codec_.header();
    std::uint64_t at = 0;
    const auto write = [&]() -> Result<void> {
      TRY(file.write_at(task, at, bytes));
      at += bytes.size();
      bytes.clear();
      return {};
    };
    TRY(see_kept(task, [&](const IntegrityEntry& entry) -> Result<void> {
      codec_.append_entry(bytes, found.entries, entry);
      env_.scheduler.charge(checksum_cost(kIntegrityEntryBytes));
      if (entry.kind == IntegrityKind::block) {
        Segment::add_to_groups(found.groups, entry, found.entries, base_, config_.block_bytes);
      }
      ++found.entries;
      return bytes.size() < kEntriesBytes ? Result<void>() : write();
    }));
    return bytes.empty() ? Result<void>() : write();
  });
}

Result<SegmentVerdict> SegmentRecovery::run(Task& task, RecoveryFold& fold) {
  const std::string path = directory_ + "/" + segment_file(base_, kLogSuffix);
  Result<std::unique_ptr<env::File>> opened = env_.disk.open(task, path, env::Open::read_write);
  if (!opened && opened.error() == ErrorCode::not_found) {
    // Its integrity file is there: the log file's name was lost, or never durable.
    REACHED("log.segment_file_missing");
    made_ = true;
    opened = env_.disk.open(task, path, env::Open::create);
  }
  file_ = TRY(std::move(opened));
  const std::uint64_t size = TRY(file_->size(task));
  file_size_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(size, INT32_MAX));
  epoch_ = fold.epochs.latest();
  TRY(survey(task));
  TRY(scan(task, fold));

  if (verdict_.torn || surplus_) fold.report.torn_bytes_cut += size - position_;
  fold.report.rotten_ranges += verdict_.found.rot.size();
  verdict_.found.entries = survey_.entries;
  if (in_order()) {
    TRY(settle_marks(task));
  } else {
    TRY(repair(task));
  }
  verdict_.found.size = position_;
  verdict_.found.end = offset_;
  return std::move(verdict_);
}

}  // namespace flux::log
