#include "core/log/entry_reader.h"

#include <algorithm>
#include <utility>

#include "core/base/mark.h"
#include "core/log/cost.h"
#include "core/log/segment.h"

namespace flux::log {

using env::Task;

namespace {
constexpr std::uint32_t kWindowEntries = 2048;
constexpr std::uint64_t kIntegrityFileMax = std::uint64_t{1} << 32;
}  // namespace

Result<EntryReader> EntryReader::open(Task& task, env::Env& env, std::string path,
                                      const IntegrityCodec& codec) {
  EntryReader out(env, std::move(path), codec);
  auto file = env.disk.open(task, out.path_, env::Open::read);
  if (!file && file.error() == ErrorCode::not_found) return out;
  if (!file) return std::unexpected(file.error());
  out.file_ = std::move(*file);
  TRY(out.read_header(task));
  return out;
}

Result<void> EntryReader::read_header(Task& task) {
  const std::uint64_t size = TRY(file_->size(task));
  if (size > kIntegrityFileMax) return fail(ErrorCode::too_large, path_);
  Bytes bytes(kIntegrityHeaderBytes);
  const ReadAround got = TRY(read_around_errors(task, *file_, 0, bytes));
  bytes.resize(got.bytes);
  whole_ = got.whole;
  const Result<void> header = codec_.check_header(bytes);
  if (!header && header.error() == ErrorCode::unsupported) {
    return std::unexpected(header.error().in(path_));
  }
  header_good_ = header.has_value();
  const std::uint64_t room = size - std::min<std::uint64_t>(size, kIntegrityHeaderBytes);
  damaged_ = !whole_ || room % kIntegrityEntryBytes != 0;
  count_ = static_cast<std::uint32_t>(room / kIntegrityEntryBytes);
  return {};
}

void EntryReader::go_to(std::uint32_t index) {
  next_ = index;
  line_ = 0;
}

Result<void> EntryReader::fill(Task& task) {
  const std::uint32_t count = std::min(kWindowEntries, count_ - next_);
  window_at_ = next_;
  window_.assign(count, std::nullopt);
  bool read = false;
  bool good = false;
  Bytes bytes;
  for (int tries = 0; tries < 2 && !good; ++tries) {
    bytes.resize(count * kIntegrityEntryBytes);
    const ReadAround got = TRY(read_around_errors(task, *file_, integrity_entry_at(next_), bytes));
    bytes.resize(got.bytes);
    read = got.whole;
    good = true;
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::size_t at = i * kIntegrityEntryBytes;
      if (!window_[i] && at < bytes.size()) {
        window_[i] = codec_.entry(ByteView(bytes).subspan(at), next_ + i);
      }
      good = good && window_[i].has_value();
    }
    env_->scheduler.charge(checksum_cost(kIntegrityEntryBytes) * std::int64_t{count});
    env::yield_if_due(task);
  }
  if (good) return {};
  damaged_ = true;
  if (read) return {};
  REACHED("log.integrity_unreadable_at_open");
  whole_ = false;
  return {};
}

Result<std::optional<PlacedEntry>> EntryReader::next(Task& task) {
  while (next_ < count_) {
    if (next_ < window_at_ || next_ >= window_at_ + window_.size()) TRY(fill(task));
    const std::uint32_t index = next_++;
    const std::optional<IntegrityEntry>& entry = window_[index - window_at_];
    if (!entry) continue;
    const bool block = entry->kind == IntegrityKind::block;
    if (entry->position < line_ || entry->length > UINT32_MAX - entry->position ||
        (block && entry->length == 0)) {
      damaged_ = true;
      continue;
    }
    line_ = entry->block_end();
    return PlacedEntry{*entry, index};
  }
  return std::nullopt;
}

}  // namespace flux::log
