// Reading a segment: finding batches, and verifying blocks before anything of them is believed.
#include <algorithm>
#include <tuple>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/base/mark.h"
#include "core/base/mutant.h"
#include "core/log/cost.h"
#include "core/log/names.h"
#include "core/log/segment.h"

namespace flux::log {

using env::File;
using env::Task;
using record::BatchHeader;
using record::BatchView;

namespace {
constexpr std::uint32_t kWalkBytes = 4096;
constexpr std::uint32_t kEntriesAtOnce = 256;
// The least that a device loses at once.
constexpr std::uint64_t kPieceBytes = 512;
// Read and verified in a few tenths of a millisecond.
constexpr std::uint32_t kPieceVerified = 512U << 10;
// A device's error may pass, and what is given up here stays lost until the log is opened again.
constexpr int kReadTries = 4;
}  // namespace

Result<void> read_whole(Task& task, File& file, std::uint64_t at, MutBytes into) {
  const std::size_t got = TRY(file.read_at(task, at, into));
  if (got != into.size()) return fail(ErrorCode::corrupt, "a file is shorter than it was");
  return {};
}

Result<ReadAround> read_around_errors(Task& task, File& file, std::uint64_t at, MutBytes into) {
  const Result<std::size_t> whole = file.read_at(task, at, into);
  if (whole) return ReadAround{.bytes = *whole};
  if (whole.error() != ErrorCode::io_error) return std::unexpected(whole.error());
  ReadAround out{.whole = false};
  while (out.bytes < into.size()) {
    const std::uint64_t from = at + out.bytes;
    const std::size_t size = std::min(into.size() - out.bytes,
                                      static_cast<std::size_t>(kPieceBytes - from % kPieceBytes));
    const MutBytes piece = into.subspan(out.bytes, size);
    Result<std::size_t> got = file.read_at(task, from, piece);
    for (int tries = 1; !got && tries < kReadTries; ++tries) got = file.read_at(task, from, piece);
    if (!got) std::fill(piece.begin(), piece.end(), std::byte{0});
    out.bytes += got.value_or(size);
    if (got && *got < size) break;
    env::yield_if_due(task);
  }
  return out;
}

Result<BatchAt> BatchWalker::next(Task& task) {
  CHECK(!done());
  const bool held = position_ >= buffer_at_ &&
                    position_ + record::kBatchHeaderBytes <= buffer_at_ + buffer_.size();
  if (!held) {
    buffer_.resize(std::min(kWalkBytes, end_ - position_));
    buffer_at_ = position_;
    // A file that the disk has cut short still has its first batches, and a sector that cannot be
    // read need not be this header's.
    Result<std::size_t> got = file_->read_at(task, position_, buffer_);
    if (!got) {
      buffer_.resize(std::min(buffer_.size(), record::kBatchHeaderBytes));
      got = file_->read_at(task, position_, buffer_);
    }
    buffer_.resize(got.value_or(0));
    TRY(std::move(got));
  }
  const Result<BatchHeader> read =
      BatchHeader::read(ByteView(buffer_).subspan(position_ - buffer_at_));
  if (!read) return fail(ErrorCode::corrupt, read.error().detail());
  const BatchHeader& found = *read;
  if (found.batch_size() > end_ - position_) {
    return fail(ErrorCode::corrupt, "a batch is longer than its segment");
  }
  if (found.base_offset() < offset_ || found.next_offset() <= found.base_offset() ||
      found.next_offset() > end_offset_) {
    return fail(ErrorCode::corrupt, "a batch is out of line");
  }
  const BatchAt out{.position = position_,
                    .size = static_cast<std::uint32_t>(found.batch_size()),
                    .base = found.base_offset(),
                    .next = found.next_offset()};
  position_ = out.end();
  offset_ = out.next;
  return out;
}

// --- groups of blocks

std::size_t Segment::group_at(std::uint32_t position) const {
  const auto after =
      std::upper_bound(groups_.begin(), groups_.end(), position,
                       [](std::uint32_t at, const Group& group) { return at < group.position; });
  CHECK(after != groups_.begin());
  return static_cast<std::size_t>(after - groups_.begin()) - 1;
}

std::uint32_t Segment::group_end(std::size_t group) const {
  return group + 1 < groups_.size() ? groups_[group + 1].position : closed_end();
}

std::uint32_t Segment::group_entries_end(std::size_t group) const {
  if (group + 1 < groups_.size()) return groups_[group + 1].entry;
  return entries_written_ + static_cast<std::uint32_t>(unwritten_.size());
}

Offset Segment::group_end_offset(std::size_t group) const {
  return group + 1 < groups_.size() ? group_base(group + 1) : closed_end_offset();
}

// Entries that do not check, or cannot be read, are left out.
Result<std::vector<IntegrityEntry>> Segment::entries_between(Task& task, std::uint32_t first,
                                                             std::uint32_t last) {
  std::vector<IntegrityEntry> out;
  // Those in memory are taken first: they may be written, and leave memory, during the reads.
  std::vector<IntegrityEntry> late;
  for (std::uint32_t i = std::max(first, entries_written_); i < last; ++i) {
    late.push_back(unwritten_[i - entries_written_]);
  }
  const std::uint32_t in_file = std::min(last, entries_written_);
  const std::shared_ptr<File> file = TRY(integrity(task));
  Bytes bytes;
  for (std::uint32_t at = first; at < in_file;) {
    const std::uint32_t count = std::min(kEntriesAtOnce, in_file - at);
    bytes.resize(count * kIntegrityEntryBytes);
    const ReadAround got = TRY(read_around_errors(task, *file, integrity_entry_at(at), bytes));
    if (!got.whole) REACHED("log.integrity_unreadable");
    bytes.resize(got.bytes);
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::size_t from = i * kIntegrityEntryBytes;
      if (from + kIntegrityEntryBytes > bytes.size()) break;
      const auto entry = codec_.entry(ByteView(bytes).subspan(from), at + i);
      if (entry) out.push_back(*entry);
    }
    at += count;
  }
  out.insert(out.end(), late.begin(), late.end());
  return out;
}

// --- verification

void Segment::add_rot(const RotRange& rot) {
  for (const RotRange& known : rot_) {
    if (known.at.from <= rot.at.from && rot.at.to <= known.at.to) return;
  }
  if (rot.unreadable) {
    REACHED("log.unreadable_found");
  } else {
    REACHED("log.rot_found_by_read");
  }
  if (!rot.may_pass) judged_.add(rot.at);
  TRACE(env_.trace, error, "log.rot", {"partition", identity_.name()}, {"file", path(kLogSuffix)},
        {"from", rot.base}, {"to", rot.end}, {"position", rot.at.from},
        {"bytes", rot.at.to - rot.at.from});
  rot_.push_back(rot);
  std::sort(rot_.begin(), rot_.end(),
            [](const RotRange& a, const RotRange& b) { return a.at.from < b.at.from; });
}

namespace {
// What can be said of bytes whose entry is gone: batches in line, each with its CRC.
bool plausible(ByteView bytes) {
  std::optional<Offset> next;
  while (!bytes.empty()) {
    const Result<BatchView> batch = BatchView::take(bytes);
    if (!batch || !batch->crc_fits()) return false;
    if (next && batch->base_offset() < *next) return false;
    next = batch->next_offset();
  }
  return true;
}
}  // namespace

// `bytes` are those of the segment from `position` on, and should hold offsets [base, end). What is
// sound is noted; what is not is returned, for the caller to read once more before it is called
// rot.
std::vector<RotRange> Segment::judge(ByteView bytes, std::uint32_t position, Offset base,
                                     Offset end, const std::vector<IntegrityEntry>& entries) {
  std::vector<RotRange> unsound;
  const auto bytes_end = position + static_cast<std::uint32_t>(bytes.size());
  std::uint32_t at = position;
  Offset next = base;
  const auto part = [&](std::uint32_t from, std::uint32_t to) {
    return bytes.subspan(from - position, to - from);
  };
  const auto without_entry = [&](std::uint32_t to, Offset to_offset) {
    if (at >= to) return;
    if (rot_after(at).position == at) return;  // known
    REACHED("log.integrity_entry_lost");
    if (plausible(part(at, to))) {
      judged_.add({at, to});
    } else {
      unsound.push_back({{at, to}, next, to_offset});
    }
  };
  for (const IntegrityEntry& entry : entries) {
    if (entry.kind != IntegrityKind::block) continue;
    if (entry.position < at || entry.block_end() > bytes_end) continue;
    without_entry(entry.position, entry.base);
    if (codec_.verify_block(part(entry.position, entry.block_end()), entry)) {
      judged_.add({entry.position, entry.block_end()});
    } else {
      unsound.push_back({{entry.position, entry.block_end()}, entry.base, entry.end});
    }
    at = entry.block_end();
    next = entry.end;
  }
  without_entry(bytes_end, end);
  env_.scheduler.charge(checksum_cost(bytes.size()));
  return unsound;
}

// A disk may return other bytes than it holds, once, of the segment or of its entries: rot is what
// two readings in a row found unsound. False when the last one may have been wrong where the one
// before it was not.
bool Segment::condemn(const std::vector<RotRange>& suspected,
                      const std::vector<RotRange>& unsound) {
  bool settled = true;
  for (const RotRange& found : unsound) {
    std::uint32_t agreed = 0;
    for (const RotRange& before : suspected) {
      Range both{std::max(found.at.from, before.at.from), std::min(found.at.to, before.at.to)};
      if (MUTANT("log.last_reading_condemns")) both = found.at;
      if (both.from >= both.to) continue;
      agreed += both.to - both.from;
      add_rot({both, std::max(found.base, before.base), std::min(found.end, before.end)});
    }
    settled = settled && agreed == found.at.to - found.at.from;
  }
  return settled;
}

bool Segment::doubtful(Range range) const {
  return std::any_of(rot_.begin(), rot_.end(), [&](const RotRange& rot) {
    return rot.may_pass && rot.at.from < range.to && range.from < rot.at.to;
  });
}

void Segment::forget_what_may_pass(Range range) {
  std::erase_if(rot_, [&](const RotRange& rot) {
    return rot.may_pass && range.from <= rot.at.from && rot.at.to <= range.to;
  });
}

Result<void> Segment::verify_group(Task& task, std::size_t group,
                                   const std::vector<RotRange>* suspected) {
  const std::uint32_t from = groups_[group].position;
  const std::uint32_t to = group_end(group);
  const std::uint32_t first_entry = groups_[group].entry;
  const std::uint32_t last_entry = group_entries_end(group);
  const Offset end = group_end_offset(group);
  const std::vector<IntegrityEntry> entries = TRY(entries_between(task, first_entry, last_entry));
  const std::shared_ptr<File> file = TRY(data(task));
  Bytes bytes(to - from);
  // A file that became shorter reads as zeros, which do not verify.
  const Result<std::size_t> got = file->read_at(task, from, bytes);
  forget_what_may_pass({from, to});
  if (got) {
    const auto unsound = judge(bytes, from, group_base(group), end, entries);
    env::yield_if_due(task);
    if (unsound.empty()) return {};
    if (suspected == nullptr) {
      REACHED("log.read_again");
      return verify_group(task, group, &unsound);
    }
    // What only one of the two found unsound, the other has found sound.
    condemn(*suspected, unsound);
    return {};
  }
  // Each block once more, alone, so that a bad sector takes none but its own; and what lies between
  // blocks, for their entries are lost.
  REACHED("log.group_unreadable");
  bytes = {};
  std::uint32_t at = from;
  Offset next = group_base(group);
  for (const IntegrityEntry& entry : entries) {
    if (entry.kind != IntegrityKind::block) continue;
    if (entry.position < at || entry.block_end() > to) continue;
    TRY(verify_alone(task, {at, entry.position}, next, entry.base, {}));
    at = entry.block_end();
    next = entry.end;
    TRY(verify_alone(task, {entry.position, at}, entry.base, next, {entry}));
  }
  return verify_alone(task, {at, to}, next, end, {});
}

Result<void> Segment::verify_alone(Task& task, Range at, Offset base, Offset end,
                                   const std::vector<IntegrityEntry>& entries) {
  if (at.from >= at.to) return {};
  if (entries.empty() && rot_after(at.from).position == at.from) return {};  // known
  const std::shared_ptr<File> file = TRY(data(task));
  Bytes bytes(at.to - at.from);
  std::vector<RotRange> suspected{{at, base, end}};
  for (int readings = 0; readings < 2 && !suspected.empty(); ++readings) {
    if (!file->read_at(task, at.from, bytes)) {
      add_rot({at, base, end, true, true});
      return {};
    }
    std::vector<RotRange> unsound = judge(bytes, at.from, base, end, entries);
    if (readings > 0) condemn(suspected, unsound);
    suspected = std::move(unsound);
    env::yield_if_due(task);
  }
  return {};
}

Result<void> Segment::verify(Task& task, Range range) {
  std::shared_ptr<File> entries;  // opened once for all groups
  while (range.from < range.to) {
    if (groups_.empty() || range.from >= closed_end()) return {};  // appended by this process
    if (range.from < groups_.front().position) {
      range.from = groups_.front().position;  // rot, without an entry
      continue;
    }
    const std::size_t group = group_at(range.from);
    const std::uint32_t to = group_end(group);
    const Range wanted{range.from, std::min(to, range.to)};
    if (!judged_.contains(wanted) || doubtful(wanted)) {
      if (!entries) entries = TRY(integrity(task));
      TRY(verify_group(task, group));
    }
    range.from = to;
  }
  return {};
}

Result<Segment::Held> Segment::hold_files(Task& task) {
  Held out;
  out.data = TRY(data(task));
  out.integrity = TRY(integrity(task));
  return out;
}

Result<std::optional<Range>> Segment::scrub(Task& task, std::uint32_t position, Offset until) {
  if (groups_.empty() || position >= closed_end()) return std::nullopt;
  const std::size_t group = group_at(std::max(position, groups_.front().position));
  const Range range{groups_[group].position, group_end(group)};
  // The last run may still grow.
  if (group_end_offset(group) > until) return std::nullopt;
  TRY(verify_group(task, group));
  return range;
}

// The bytes of a range that lies between batches, verified as they were read (read_verify=always).
Result<Bytes> Segment::load_verified(Task& task, Range range) {
  if (end_of_piece(range) == range.to) return load_piece(task, range);
  std::shared_ptr<File> entries;  // opened once for all pieces
  if (!groups_.empty() && range.from < closed_end()) entries = TRY(integrity(task));
  Bytes out;
  out.reserve(range.to - range.from);
  while (range.from < range.to) {
    const std::uint32_t to = end_of_piece(range);
    append(out, TRY(load_piece(task, {range.from, to})));
    env::yield_if_due(task);
    range.from = to;
  }
  return out;
}

// As many runs of blocks as are read and verified without letting others in.
std::uint32_t Segment::end_of_piece(Range range) const {
  if (groups_.empty() || range.from >= closed_end()) return range.to;
  std::size_t group = group_at(range.from);
  while (group + 1 < groups_.size() && group_end(group) - range.from < kPieceVerified) ++group;
  return std::min(group_end(group), range.to);
}

Result<Segment::Piece> Segment::piece_around(Task& task, Range range) {
  const std::uint32_t closed = closed_end();
  Piece out{.at = range, .closed = closed, .base = end_, .end = end_};
  if (groups_.empty() || range.from >= closed) return out;
  const std::size_t first = group_at(range.from);
  const std::size_t last = group_at(std::min(range.to, closed) - 1);
  out.at = {groups_[first].position, std::max(range.to, group_end(last))};
  out.base = group_base(first);
  out.end = group_end_offset(last);
  out.entries = TRY(entries_between(task, groups_[first].entry, group_entries_end(last)));
  // No more than the blocks that hold the range: a neighbour may be one that cannot be read.
  for (const IntegrityEntry& entry : out.entries) {
    if (entry.kind != IntegrityKind::block) continue;
    const std::uint32_t block_end = entry.block_end();
    if (entry.position <= range.from) {
      std::tie(out.at.from, out.base) = std::tie(entry.position, entry.base);
    }
    if (block_end <= range.from) std::tie(out.at.from, out.base) = std::tie(block_end, entry.end);
    if (block_end >= range.to && block_end < out.at.to) {
      std::tie(out.at.to, out.end) = std::tie(block_end, entry.end);
    }
  }
  return out;
}

Result<Bytes> Segment::load_piece(Task& task, Range range) {
  std::vector<RotRange> suspected;
  for (int readings = 0; readings < kReadTries; ++readings) {
    const Piece piece = TRY(piece_around(task, range));
    const auto [from, to] = piece.at;
    const std::shared_ptr<File> file = TRY(data(task));
    Bytes bytes(to - from);
    const std::size_t got = TRY(file->read_at(task, from, bytes));
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(got), bytes.end(), std::byte{0});
    // The open block has no entry yet; its batches answer for themselves.
    const std::uint32_t judged = std::min(to, std::max(from, piece.closed));
    std::vector<RotRange> unsound =
        judge(ByteView(bytes).first(judged - from), from, piece.base, piece.end, piece.entries);
    if (!condemn(suspected, unsound)) {
      REACHED("log.read_again");
      suspected = std::move(unsound);
      continue;
    }
    if (judged < to && !plausible(ByteView(bytes).subspan(judged - from))) {
      return fail(ErrorCode::corrupt, "bytes appended a moment ago do not verify");
    }
    bytes.resize(range.to - from);
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(range.from - from));
    return bytes;
  }
  return fail(ErrorCode::corrupt, "a disk gives other bytes at each reading");
}

// --- rot

const RotRange* Segment::rot_with(Offset offset) const {
  for (const RotRange& rot : rot_) {
    if (rot.base <= offset && offset < rot.end) return &rot;
  }
  return nullptr;
}

// Where the first rot at or after `position` begins; the segment's end when there is none.
Edge Segment::rot_after(std::uint32_t position) const {
  for (const RotRange& rot : rot_) {
    if (rot.at.to > position) return {std::max(rot.at.from, position), rot.base};
  }
  return {size_, end_};
}

Offset Segment::skip_rot(Offset offset) const {
  const RotRange* rot = rot_with(offset);
  return rot ? skip_rot(rot->end) : offset;
}

// --- finding

std::uint32_t Segment::start_of_walk(Offset offset) const {
  const std::int64_t relative = offset - base_;
  std::uint32_t start = indexer_.offsets.position_for(relative);
  if (open_block_ && open_block_->base <= offset) start = std::max(start, open_block_->position);
  for (const RotRange& rot : rot_) {
    if (rot.end <= offset) start = std::max(start, rot.at.to);
  }
  return start;
}

Result<BatchAt> Segment::find(Task& task, Offset offset) {
  CHECK_GE(offset, base_);
  CHECK_LT(offset, end_);
  TRY(load_indexes(task));
  const bool open = open_block_ && open_block_->base <= offset;
  if (!open && !groups_.empty()) {
    const auto after = std::upper_bound(
        groups_.begin(), groups_.end(), offset - base_,
        [](std::int64_t at, const Group& group) { return at < std::int64_t{group.offset}; });
    const auto group =
        static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, after - groups_.begin() - 1));
    TRY(verify(task, {groups_[group].position, group_end(group)}));
    TRY(verify(task, {start_of_walk(offset), groups_[group].position}));
  }
  if (const RotRange* rot = rot_with(offset)) {
    REACHED("log.rot_asked_for");
    return fail(rot->unreadable ? ErrorCode::io_error : ErrorCode::corrupt,
                identity_.name() + ": offset " + std::to_string(offset.value()) +
                    " lies in bytes that the disk has spoiled");
  }
  const Result<BatchAt> found = walk_to(task, offset);
  const bool misled = (!found || found->base > offset) && !MUTANT("log.index_trusted");
  if (!misled || !indexes_from_file_) return found;
  REACHED("log.index_misled");
  TRY(rebuild_indexes(task));
  return walk_to(task, offset);
}

Result<BatchAt> Segment::walk_to(Task& task, Offset offset) {
  BatchWalker walker(TRY(data(task)), {start_of_walk(offset), base_}, {size_, end_});
  while (!walker.done()) {
    const BatchAt batch = TRY(walker.next(task));
    if (batch.next > offset) return batch;
    env::yield_if_due(task);
  }
  return fail(ErrorCode::corrupt, "a segment ends before its last offset");
}

Result<Edge> Segment::edge_of_limit(Task& task, Offset limit) {
  if (limit >= end_) return Edge{size_, end_};
  if (!rot_with(limit)) {
    const Result<BatchAt> batch = find(task, limit);
    if (batch) return Edge{batch->position, batch->base};
    if (!rot_with(limit)) return std::unexpected(batch.error());
  }
  const RotRange* rot = rot_with(limit);
  return Edge{rot->at.from, rot->base};
}

// The last end of a batch at or before `cap`, but at least that of the first; `bound` is such an
// end.
Result<Edge> Segment::align(Task& task, const BatchAt& first, std::uint32_t cap, Edge bound) {
  if (cap >= bound.position) return bound;
  Edge end{first.end(), first.next};
  // An indexed batch before the cap spares most of the walk.
  const std::uint32_t start = std::max(end.position, indexer_.offsets.batch_before(cap));
  BatchWalker walker(TRY(data(task)), {start, first.base}, bound);
  while (!walker.done()) {
    const BatchAt batch = TRY(walker.next(task));
    if (batch.end() > cap) {
      if (batch.position > end.position) end = {batch.position, batch.base};
      break;
    }
    end = {batch.end(), batch.next};
    env::yield_if_due(task);
  }
  return end;
}

Result<SegmentSlice> Segment::slice(Task& task, Offset offset, Offset limit, std::size_t bytes_max,
                                    bool at_least_one) {
  SegmentSlice out{.first = TRY(find(task, offset))};
  const BatchAt& first = out.first;
  out.end = {first.position, first.base};
  const Edge limit_edge = TRY(edge_of_limit(task, limit));
  if (limit_edge.position <= first.position) return out;
  if (first.size > bytes_max && !at_least_one) return out;

  const std::uint64_t wanted =
      first.position +
      std::max<std::uint64_t>(std::min<std::uint64_t>(bytes_max, INT32_MAX), first.size);
  const auto cap = static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, limit_edge.position));
  TRY(verify(task, {first.position, cap}));
  const auto bound = [&](Edge edge) {
    const Edge rot = rot_after(first.position);
    return rot.position < edge.position ? rot : edge;
  };
  const Edge edge = bound(limit_edge);
  if (edge.position <= first.position) return fail(ErrorCode::corrupt, "bytes do not verify");
  out.end = TRY(align(task, first, std::min(cap, edge.position), edge));
  if (config_.read_verify == ReadVerify::always) {
    out.bytes = TRY(load_verified(task, {first.position, out.end.position}));
    // What has just been found rotten ends the slice.
    out.end = bound(out.end);
    if (out.end.position <= first.position) {
      return fail(ErrorCode::corrupt, "bytes do not verify");
    }
    out.bytes->resize(out.end.position - first.position);
  }
  return out;
}

// --- indexes

Result<void> Segment::load_indexes(Task& task) {
  if (indexes_loaded_ || read_indexes(task)) return {};
  return rebuild_indexes(task);
}

// Corrupt when the files are not what was written last, or cannot be read.
Result<void> Segment::read_indexes(Task& task) {
  // Both are bounded by the segment's size: an entry stands for at least one batch.
  const std::uint64_t limit = std::uint64_t{size_} + kTimeIndexEntryBytes;
  const Bytes offsets = TRY(env::read_file(task, env_.disk, path(kIndexSuffix), limit));
  const Bytes times = TRY(env::read_file(task, env_.disk, path(kTimeIndexSuffix), limit));
  if (indexes_loaded_) return {};  // another reader was faster
  const bool right = IndexDigests{hash_bytes(offsets), hash_bytes(times)} == index_digests_;
  if (!right && !MUTANT("log.index_trusted")) {
    REACHED("log.index_damaged");
    return fail(ErrorCode::corrupt, path(kIndexSuffix) + " is not what was written");
  }
  indexer_.offsets = TRY(OffsetIndex::decode(offsets, size_));
  indexer_.times = TRY(TimeIndex::decode(times));
  indexes_loaded_ = true;
  indexes_from_file_ = true;
  return {};
}

Result<void> Segment::rebuild_indexes(Task& task) {
  REACHED("log.index_rebuilt_by_read");
  // Without an index a walk starts at the beginning: slower, and right. The next opening rewrites
  // the files.
  TRY(verify(task, {0, size_}));
  Indexer rebuilt;
  for (std::uint32_t from = 0; from < size_;) {
    const auto rot =
        std::ranges::find_if(rot_, [from](const RotRange& one) { return one.at.to > from; });
    if (rot != rot_.end() && rot->at.from <= from) {
      from = rot->at.to;
      continue;
    }
    // Judged as they are read: a header that the disk gives wrong must not get into the index.
    const bool closed = from < closed_end() && !groups_.empty();
    const std::uint32_t bound = closed ? group_end(group_at(from)) : size_;
    const std::uint32_t to = std::min(rot_after(from).position, bound);
    const Bytes bytes = TRY(load_verified(task, {from, to}));
    if (rot_after(from).position < to) continue;
    for (ByteView rest = bytes; !rest.empty();) {
      const auto position = static_cast<std::uint32_t>(to - rest.size());
      const BatchView batch = TRY(BatchView::take(rest));
      const auto size = static_cast<std::uint32_t>(batch.size());
      rebuilt.add(batch, size, position, base_, config_.index_interval_bytes);
    }
    env::yield_if_due(task);
    from = to;
  }
  rebuilt.finish();
  indexer_.offsets = std::move(rebuilt.offsets);
  indexer_.times = std::move(rebuilt.times);
  indexes_loaded_ = true;
  indexes_from_file_ = false;
  return {};
}

Result<std::int32_t> Segment::offset_hint(Task& task, record::Timestamp at_least) {
  TRY(load_indexes(task));
  return indexer_.times.offset_for(at_least);
}

}  // namespace flux::log
