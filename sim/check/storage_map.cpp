#include "sim/check/storage_map.h"

#include <algorithm>

#include "core/base/check.h"

namespace flux::sim {
namespace {

// Faults of the medium itself: they excuse any promise while one replica is all there is.
bool spoils(OmenKind kind) {
  switch (kind) {
    case OmenKind::rotted:
    case OmenKind::unreadable:
    case OmenKind::phantom:
    case OmenKind::displaced:
    case OmenKind::misread:  // read wrong twice it is taken for rot, which once seen is never
                             // served
      return true;
    default:
      return false;
  }
}

std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view file_name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// Files whose loss makes one partition unreadable, rather than the whole broker.
bool belongs_to_partition(std::string_view path) {
  const std::string_view directory = file_name_of(parent_of(path));
  const std::size_t dash = directory.rfind('-');
  return dash != std::string_view::npos && !directory.starts_with("__cluster_metadata");
}

}  // namespace

void StorageMap::add_range(std::vector<ByteRange>& ranges, ByteRange range) {
  if (range.empty()) return;
  std::vector<ByteRange> merged;
  for (const ByteRange& old : ranges) {
    if (old.end < range.begin || range.end < old.begin) {
      merged.push_back(old);
    } else {
      range = {std::min(range.begin, old.begin), std::max(range.end, old.end)};
    }
  }
  merged.insert(std::upper_bound(merged.begin(), merged.end(), range,
                                 [](ByteRange a, ByteRange b) { return a.begin < b.begin; }),
                range);
  ranges = std::move(merged);
}

void StorageMap::remove_range(std::vector<ByteRange>& ranges, ByteRange range) {
  std::vector<ByteRange> left;
  for (const ByteRange& old : ranges) {
    const ByteRange before{old.begin, std::min(old.end, range.begin)};
    const ByteRange after{std::max(old.begin, range.end), old.end};
    if (!before.empty()) left.push_back(before);
    if (!after.empty()) left.push_back(after);
  }
  ranges = std::move(left);
}

bool StorageMap::covers(const std::vector<ByteRange>& ranges, ByteRange range) {
  return std::any_of(ranges.begin(), ranges.end(), [&](ByteRange one) {
    return one.begin <= range.begin && range.end <= one.end;
  });
}

void StorageMap::observe(const Observation& observation) {
  ++moment_;
  if (const auto* batch = std::get_if<BatchStored>(&observation)) stored(*batch);
  if (const auto* event = std::get_if<DiskEvent>(&observation)) disk(*event);
}

void StorageMap::stored(const BatchStored& batch) {
  auto one = std::make_unique<Stored>();
  *one = {batch.disk,     batch.inode,  batch.range,    batch.directory,
          batch.base,     batch.end,    batch.producer, batch.producer_epoch,
          batch.sequence, batch.digest, moment_,        false};
  by_file_[{batch.disk, batch.inode}].push_back(one.get());
  batches_[{batch.topic, batch.partition}][batch.base].push_back(std::move(one));
}

void StorageMap::cut(const FileName& file, std::uint64_t from) {
  const auto found = by_file_.find(file);
  if (found == by_file_.end()) return;
  std::vector<Stored*>& batches = found->second;
  while (!batches.empty() && batches.back()->range.end > from) {
    batches.back()->cut = true;
    batches.pop_back();
  }
}

// A damaged side file (integrity entries, checkpoints, the topic's id, the metadata log) can make
// good batches unreadable.
void StorageMap::side_file(const DiskEvent& event) {
  const std::string_view name = file_name_of(event.path);
  if (name.ends_with(".index") || name.ends_with(".timeindex")) return;  // rebuilt from the log
  const std::string scope =
      belongs_to_partition(event.path) ? std::string(parent_of(event.path)) : std::string();
  side_mishaps_[{event.disk, scope}] = moment_;
}

void StorageMap::disk(const DiskEvent& event) {
  const FileName file{event.disk, event.inode};
  std::string topic;
  std::string directory;
  PartitionIndex partition{-1};
  const bool segment = parse_segment_path(event.path, topic, partition, directory) &&
                       !topic.starts_with("__cluster_metadata");
  switch (event.kind) {
    case OmenKind::written:
    case OmenKind::truncated:
      remove_range(files_[file].synced, event.range);
      remove_range(files_[file].kept, event.range);
      if (segment) cut(file, event.range.begin);
      break;
    case OmenKind::synced:
      add_range(files_[file].synced, event.range);
      break;
    case OmenKind::written_back:
      add_range(files_[file].kept, event.range);
      break;
    case OmenKind::removed:
      if (segment) cut(file, 0);
      break;
    case OmenKind::wiped:
    case OmenKind::rolled_back:
      disk_mishaps_[event.disk] = moment_;
      break;
    default:
      break;
  }
  const bool mishap = spoils(event.kind) || event.kind == OmenKind::lied ||
                      event.kind == OmenKind::lost || event.kind == OmenKind::dropped;
  if (!mishap) return;
  if (event.kind == OmenKind::lost) remove_range(files_[file].synced, event.range);
  files_[file].mishaps.push_back({event.kind, event.range, moment_});
  if (!segment && (spoils(event.kind) || event.kind == OmenKind::lied)) side_file(event);
}

const Stored* StorageMap::find(const TopicPartitionName& where, Offset offset) const {
  const auto partition = batches_.find(where);
  if (partition == batches_.end()) return nullptr;
  const Stored* newest = nullptr;
  auto at = partition->second.upper_bound(offset);
  // Batches of different lives of the log may overlap; only a few lie close before the offset.
  while (at != partition->second.begin()) {
    --at;
    for (const auto& batch : at->second) {
      if (offset < batch->base || offset >= batch->end) continue;
      if (!newest || batch->moment > newest->moment) newest = batch.get();
    }
    if (newest || offset - at->first > 1'000'000) break;
  }
  return newest;
}

std::vector<const Stored*> StorageMap::standing(const TopicPartitionName& where) const {
  std::vector<const Stored*> all;
  const auto partition = batches_.find(where);
  if (partition == batches_.end()) return all;
  for (const auto& [base, list] : partition->second) {
    for (const auto& batch : list) {
      if (!batch->cut) all.push_back(batch.get());
    }
  }
  return all;
}

std::vector<const Stored*> StorageMap::standing_beyond(std::uint32_t disk, Inode inode,
                                                       std::uint64_t from) const {
  std::vector<const Stored*> found;
  const auto file = by_file_.find({disk, inode});
  if (file == by_file_.end()) return found;
  // In the order in which they were written, which is the order of their places.
  for (auto batch = file->second.rbegin(); batch != file->second.rend(); ++batch) {
    if ((*batch)->range.end <= from) break;
    found.push_back(*batch);
  }
  return found;
}

std::vector<TopicPartitionName> StorageMap::partitions() const {
  std::vector<TopicPartitionName> names;
  for (const auto& [name, batches] : batches_) names.push_back(name);
  return names;
}

bool StorageMap::truly_synced(const Stored& batch) const {
  const auto file = files_.find({batch.disk, batch.inode});
  return file != files_.end() && covers(file->second.synced, batch.range);
}

bool StorageMap::synced(const Stored& batch, bool* lied) const {
  if (truly_synced(batch)) return true;
  const auto file = files_.find({batch.disk, batch.inode});
  if (file == files_.end()) return false;
  std::vector<ByteRange> claimed = file->second.synced;
  for (const ByteRange& range : file->second.kept) add_range(claimed, range);
  for (const Mishap& mishap : file->second.mishaps) {
    if (mishap.kind == OmenKind::lied && mishap.moment > batch.moment) {
      add_range(claimed, mishap.range);
    }
  }
  if (!covers(claimed, batch.range)) return false;
  if (lied) *lied = true;
  return true;
}

std::optional<std::string> StorageMap::excuse(const Stored& batch, Promise promise) const {
  const auto disk = disk_mishaps_.find(batch.disk);
  if (disk != disk_mishaps_.end() && disk->second > batch.moment) return "disk_lost";
  bool lied = false;
  if (const auto file = files_.find({batch.disk, batch.inode}); file != files_.end()) {
    for (const Mishap& mishap : file->second.mishaps) {
      if (mishap.moment < batch.moment || !mishap.range.touches(batch.range)) continue;
      if (spoils(mishap.kind)) return std::string(name_of(mishap.kind));
      if (mishap.kind == OmenKind::lied) lied = true;
      if (mishap.kind != OmenKind::lost) continue;
      if (promise != Promise::survives_power_cut) return "power_cut";
      if (lied) return "lying_sync";
    }
  }
  for (const std::string& scope : {batch.directory, std::string()}) {
    const auto side = side_mishaps_.find({batch.disk, scope});
    if (side != side_mishaps_.end()) return scope.empty() ? "broker_file" : "side_file";
  }
  return std::nullopt;
}

std::optional<std::uint64_t> StorageMap::spoiled_at(const Stored& batch) const {
  std::optional<std::uint64_t> last;
  const auto file = files_.find({batch.disk, batch.inode});
  if (file == files_.end()) return last;
  for (const Mishap& mishap : file->second.mishaps) {
    if (mishap.moment >= batch.moment && spoils(mishap.kind) && mishap.range.touches(batch.range)) {
      last = mishap.moment;
    }
  }
  return last;
}

std::optional<Offset> StorageMap::loss_from(const TopicPartitionName& where, std::uint64_t since,
                                            Promise promise) const {
  const auto partition = batches_.find(where);
  if (partition == batches_.end()) return std::nullopt;
  for (const auto& [base, list] : partition->second) {
    for (const auto& batch : list) {
      if (last_mishap(*batch) >= since && excuse(*batch, promise)) return base;
    }
  }
  return std::nullopt;
}

// The moment at which anything last happened to the batch or to all of its disk; 0 for never.
std::uint64_t StorageMap::last_mishap(const Stored& batch) const {
  std::uint64_t last = 0;
  if (const auto disk = disk_mishaps_.find(batch.disk); disk != disk_mishaps_.end()) {
    last = disk->second;
  }
  for (const std::string& scope : {batch.directory, std::string()}) {
    const auto side = side_mishaps_.find({batch.disk, scope});
    if (side != side_mishaps_.end()) last = std::max(last, side->second);
  }
  if (const auto file = files_.find({batch.disk, batch.inode}); file != files_.end()) {
    for (const Mishap& mishap : file->second.mishaps) {
      if (mishap.range.touches(batch.range)) last = std::max(last, mishap.moment);
    }
  }
  return last;
}

}  // namespace flux::sim
