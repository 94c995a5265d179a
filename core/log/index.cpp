#include "core/log/index.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/mutant.h"

namespace flux::log {
namespace {
std::unexpected<Error> bad(const char* what) { return fail(ErrorCode::corrupt, what); }
}  // namespace

void OffsetIndex::add(std::int32_t offset, std::uint32_t position) {
  CHECK_LE(position, static_cast<std::uint32_t>(INT32_MAX));
  const Entry entry{offset, static_cast<std::int32_t>(position)};
  CHECK(entries_.empty() ||
        (entries_.back().offset < entry.offset && entries_.back().position < entry.position));
  entries_.push_back(entry);
}

std::uint32_t OffsetIndex::position_for(std::int64_t offset) const {
  const auto after =
      std::upper_bound(entries_.begin(), entries_.end(), offset,
                       [](std::int64_t at, const Entry& entry) { return at < entry.offset; });
  return after == entries_.begin() ? 0 : static_cast<std::uint32_t>((after - 1)->position);
}

std::uint32_t OffsetIndex::batch_before(std::uint32_t position) const {
  const auto after = std::upper_bound(entries_.begin(), entries_.end(), position,
                                      [](std::uint32_t at, const Entry& entry) {
                                        return at < static_cast<std::uint32_t>(entry.position);
                                      });
  return after == entries_.begin() ? 0 : static_cast<std::uint32_t>((after - 1)->position);
}

Bytes OffsetIndex::encode() const {
  Bytes out(bytes());
  std::byte* at = out.data();
  for (const Entry& entry : entries_) {
    store_be(at, entry.offset);
    store_be(at + 4, entry.position);
    at += kOffsetIndexEntryBytes;
  }
  return out;
}

Result<OffsetIndex> OffsetIndex::decode(ByteView bytes, std::uint64_t segment_size) {
  const bool trusted = MUTANT("log.index_trusted");
  if (bytes.size() % kOffsetIndexEntryBytes != 0) return bad("an offset index of an odd size");
  OffsetIndex out;
  for (std::size_t at = 0; at < bytes.size(); at += kOffsetIndexEntryBytes) {
    const Entry entry{load_be<std::int32_t>(bytes.data() + at),
                      load_be<std::int32_t>(bytes.data() + at + 4)};
    const bool inside = entry.offset >= 0 && entry.position >= 0 &&
                        static_cast<std::uint64_t>(entry.position) < segment_size;
    if (!inside && !trusted) {
      return bad("an offset index points outside of its segment");
    }
    const bool ascends = out.entries_.empty() || (out.entries_.back().offset < entry.offset &&
                                                  out.entries_.back().position < entry.position);
    if (!ascends && !trusted) {
      return bad("an offset index does not ascend");
    }
    out.entries_.push_back(entry);
  }
  return out;
}

void TimeIndex::add(record::Timestamp timestamp, std::int32_t offset) {
  if (!entries_.empty() &&
      (entries_.back().timestamp >= timestamp || entries_.back().offset >= offset)) {
    return;
  }
  entries_.push_back({timestamp, offset});
}

std::int32_t TimeIndex::offset_for(record::Timestamp at_least) const {
  // All before an entry with a smaller timestamp are smaller too, up to its offset.
  const auto after = std::lower_bound(
      entries_.begin(), entries_.end(), at_least,
      [](const Entry& entry, record::Timestamp at) { return entry.timestamp < at; });
  return after == entries_.begin() ? 0 : (after - 1)->offset;
}

Bytes TimeIndex::encode() const {
  Bytes out(bytes());
  std::byte* at = out.data();
  for (const Entry& entry : entries_) {
    store_be(at, entry.timestamp.value());
    store_be(at + 8, entry.offset);
    at += kTimeIndexEntryBytes;
  }
  return out;
}

Result<TimeIndex> TimeIndex::decode(ByteView bytes) {
  if (bytes.size() % kTimeIndexEntryBytes != 0) return bad("a time index of an odd size");
  TimeIndex out;
  for (std::size_t at = 0; at < bytes.size(); at += kTimeIndexEntryBytes) {
    const Entry entry{record::Timestamp(load_be<std::int64_t>(bytes.data() + at)),
                      load_be<std::int32_t>(bytes.data() + at + 8)};
    if (entry.offset < 0) return bad("a time index with a negative offset");
    if (!out.entries_.empty() && (out.entries_.back().timestamp >= entry.timestamp ||
                                  out.entries_.back().offset >= entry.offset)) {
      return bad("a time index does not ascend");
    }
    out.entries_.push_back(entry);
  }
  return out;
}

void Indexer::add(const record::BatchView& batch, std::uint32_t size, std::uint32_t position,
                  Offset segment_base, std::uint32_t interval_bytes) {
  const auto last = static_cast<std::int32_t>(batch.last_offset() - segment_base);
  if (batch.max_timestamp() > max_timestamp) {
    max_timestamp = batch.max_timestamp();
    max_timestamp_offset = last;
  }
  if (first_timestamp == record::kNoTimestamp) first_timestamp = batch.max_timestamp();
  if (bytes_since_entry > interval_bytes) {
    offsets.add(last, position);
    times.add(max_timestamp, max_timestamp_offset);
    bytes_since_entry = 0;
  }
  bytes_since_entry += size;
}

}  // namespace flux::log
