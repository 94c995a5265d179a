#include "sim/probe/journal.h"

#include "core/base/crc32c.h"
#include "core/base/mark.h"

namespace flux::sim::probe {
namespace {

constexpr std::size_t kHead = 24;
constexpr std::size_t kCovered = 8;  // the checksum covers from here on
constexpr std::uint64_t kFileMax = std::uint64_t{1} << 30;

std::uint32_t checksum(ByteView entry) { return crc32c(entry.subspan(kCovered)); }

// The bytes of the entry at the front, or 0 when there is none that verifies.
std::size_t entry_at(ByteView rest, bool verify) {
  if (rest.size() < kHead) return 0;
  const auto length = load_be<std::uint32_t>(rest.data());
  if (length > kFrameBytesMax || rest.size() < kHead + length) return 0;
  const ByteView entry = rest.first(kHead + length);
  if (verify && load_be<std::uint32_t>(entry.data() + 4) != checksum(entry)) return 0;
  if (load_be<std::uint64_t>(entry.data() + 8) == 0) return 0;
  return entry.size();
}

}  // namespace

Result<void> Journal::open(env::Task& task, env::Disk& disk, const std::string& path) {
  const std::string file = path + "/journal";
  TRY(env::make_directories(task, disk, path));
  file_ = TRY(disk.open(task, file, env::Open::create));
  if (!bugs_.no_dir_sync) TRY(disk.sync_directory(task, path));
  return recover(task);
}

Result<void> Journal::recover(env::Task& task) {
  const std::uint64_t size = TRY(file_->size(task));
  if (size > kFileMax) return fail(ErrorCode::too_large, "probe journal");
  Bytes all(static_cast<std::size_t>(size));
  if (!all.empty()) all.resize(TRY(file_->read_at(task, 0, all)));
  while (const std::size_t bytes = entry_at(ByteView(all).subspan(end_), !bugs_.no_crc)) {
    take(ByteView(all).subspan(end_, bytes), end_);
    end_ += bytes;
  }
  REACHED("probe.recovered");
  if (end_ == size) return {};
  REACHED("probe.torn_tail");
  cut_bytes_ = size - end_;
  TRY(file_->truncate(task, end_));
  return file_->sync(task);
}

void Journal::take(ByteView entry, std::uint64_t offset) {
  const std::pair value{load_be<std::uint64_t>(entry.data() + 8),
                        load_be<std::uint64_t>(entry.data() + 16)};
  index_.try_emplace(value, entries_.size());
  entries_.push_back({offset, entry.size()});
}

Result<std::uint64_t> Journal::append(env::Task& task, const Frame& request) {
  const auto guard = TRY(writing_.lock(task));
  if (broken_) return fail(ErrorCode::io_error, "a sync failed before");
  const auto known = index_.find({request.first, request.second});
  if (known != index_.end() && !bugs_.no_dedup) {
    REACHED("probe.duplicate");
    return known->second;
  }
  Bytes entry(kHead);
  store_be(entry.data(), static_cast<std::uint32_t>(request.bytes.size()));
  store_be(entry.data() + 8, request.first);
  store_be(entry.data() + 16, request.second);
  flux::append(entry, request.bytes);
  store_be(entry.data() + 4, checksum(entry));
  broken_ = true;  // until both have succeeded
  TRY(file_->write_at(task, end_, entry));
  REACHED("probe.written");
  if (!bugs_.no_sync) TRY(file_->sync(task));
  REACHED("probe.synced");
  broken_ = false;
  const std::uint64_t index = entries_.size();
  take(entry, end_);
  end_ += entry.size();
  return index;
}

Result<Frame> Journal::read(env::Task& task, std::uint64_t index) {
  if (index >= entries_.size()) return Frame{.code = Code::end};
  const Entry at = entries_[index];
  Bytes entry(static_cast<std::size_t>(at.bytes));
  entry.resize(TRY(file_->read_at(task, at.offset, entry)));
  if (entry_at(entry, true) != at.bytes) {
    REACHED("probe.corrupt");
    return fail(ErrorCode::corrupt, "probe entry");
  }
  Frame answer;
  answer.code = Code::done;
  answer.first = load_be<std::uint64_t>(entry.data() + 8);
  answer.second = load_be<std::uint64_t>(entry.data() + 16);
  answer.bytes = to_bytes(ByteView(entry).subspan(kHead));
  return answer;
}

}  // namespace flux::sim::probe
