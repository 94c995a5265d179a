#include "sim/check/log_watch.h"

#include <algorithm>

#include "core/base/hash.h"
#include "sim/env/disk_image.h"

namespace flux::sim {
namespace {

constexpr std::uint64_t kHeaderBytes = 61;
constexpr std::uint64_t kLengthEnd = 12;  // the length counts the bytes after itself
constexpr std::byte kMagic{2};

// An integrity file: a header, then entries, of one size.
constexpr std::uint64_t kEntryBytes = 64;
constexpr std::byte kBlockEntry{1};

}  // namespace

bool parse_segment_path(std::string_view path, std::string& topic, PartitionIndex& partition,
                        std::string& directory) {
  constexpr std::string_view kSuffix = ".log";
  constexpr std::size_t kDigits = 20;
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos || !path.ends_with(kSuffix)) return false;
  if (path.size() - slash - 1 != kDigits + kSuffix.size()) return false;
  const std::string_view parent = path.substr(0, slash);
  const std::size_t above = parent.rfind('/');
  const std::string_view name = parent.substr(above == std::string_view::npos ? 0 : above + 1);
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || dash + 1 == name.size()) return false;
  std::int32_t number = 0;
  for (const char c : name.substr(dash + 1)) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + (c - '0');
  }
  topic = name.substr(0, dash);
  partition = PartitionIndex(number);
  directory = parent;
  return true;
}

std::vector<BatchStored> LogWatch::saw(const DiskEvent& event, const DiskImage& disk) {
  std::vector<BatchStored> found;
  const bool changed = event.kind == OmenKind::written || event.kind == OmenKind::truncated;
  if (!changed) return found;
  BatchStored stored;
  if (!parse_segment_path(event.path, stored.topic, stored.partition, stored.directory)) {
    return found;
  }
  stored.segment = event.path.substr(0, event.path.rfind('.'));
  std::uint64_t& at = read_to_[{event.disk, event.inode}];
  // Written again from earlier on: what was read from there is no more.
  if (event.range.begin < at) at = event.range.begin;
  if (event.kind == OmenKind::truncated) return found;
  const ByteView bytes = disk.pristine(event.inode);
  while (at + kHeaderBytes <= bytes.size()) {
    const std::byte* header = bytes.data() + at;
    const auto length = load_be<std::int32_t>(header + 8);
    if (length < 0 || header[16] != kMagic) break;
    const std::uint64_t size = kLengthEnd + static_cast<std::uint64_t>(length);
    if (size < kHeaderBytes || at + size > bytes.size()) break;
    stored.at = event.at;
    stored.disk = event.disk;
    stored.inode = event.inode;
    stored.range = {at, at + size};
    stored.base = Offset(load_be<std::int64_t>(header));
    stored.end = stored.base + load_be<std::int32_t>(header + 23) + 1;
    stored.max_timestamp_ms = load_be<std::int64_t>(header + 35);
    stored.producer = ProducerId(load_be<std::int64_t>(header + 43));
    stored.producer_epoch = ProducerEpoch(load_be<std::int16_t>(header + 51));
    stored.sequence = Sequence(load_be<std::int32_t>(header + 53));
    stored.digest =
        hash_bytes(bytes.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(size)));
    found.push_back(stored);
    at += size;
  }
  return found;
}

std::vector<BlockStored> LogWatch::blocks(const DiskEvent& event, const DiskImage& disk) {
  std::vector<BlockStored> found;
  const std::size_t suffix = event.path.rfind(kIntegritySuffix);  // or one that replaces it
  if (event.kind != OmenKind::written || suffix == std::string::npos) return found;
  const ByteView bytes = disk.pristine(event.inode);
  std::uint64_t at = std::max(event.range.begin / kEntryBytes, std::uint64_t{1}) * kEntryBytes;
  for (; at + kEntryBytes <= std::min<std::uint64_t>(event.range.end, bytes.size());
       at += kEntryBytes) {
    const std::byte* entry = bytes.data() + at;
    if (entry[0] != kBlockEntry) continue;
    const std::uint64_t position = load_be<std::uint32_t>(entry + 4);
    const std::uint64_t length = load_be<std::uint32_t>(entry + 8);
    found.push_back(
        {event.at, event.disk, event.path.substr(0, suffix), {position, position + length}});
  }
  return found;
}

}  // namespace flux::sim
