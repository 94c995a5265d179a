#include "sim/check/storage_map.h"

#include <algorithm>
#include <iterator>

#include "core/base/check.h"

namespace flux::sim {
namespace {

std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view file_name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// flux.integrity.block.bytes: no scenario sets more.
constexpr std::uint64_t kBlockBytesMax = 64 << 10;
constexpr std::string_view kStartFile = "log-start-offset";

bool is_metadata_directory(std::string_view path) {
  return file_name_of(path).starts_with("__cluster_metadata");
}

// What a bad file beside the segments can make unreadable: its segment, its partition, or the
// broker.
std::string_view scope_of(std::string_view path) {
  if (path.ends_with(kIntegritySuffix)) {
    return path.substr(0, path.size() - kIntegritySuffix.size());
  }
  const std::string_view directory = file_name_of(parent_of(path));
  if (!directory.contains('-') || is_metadata_directory(directory)) return {};
  return parent_of(path);
}

// Of these there is another copy, or they are made anew from the log.
bool is_made_anew(std::string_view name) {
  constexpr std::string_view kSuffixes[] = {"index", ".snapshot", ".checkpoint"};
  return name.starts_with("leader-epoch-checkpoint") ||
         std::ranges::any_of(kSuffixes, [&](auto suffix) { return name.ends_with(suffix); });
}

}  // namespace

bool spoils(OmenKind kind) {
  switch (kind) {
    case OmenKind::rotted:
    case OmenKind::unreadable:
    case OmenKind::phantom:
    case OmenKind::displaced:
    // Read wrong twice it is taken for rot, which once seen is never served.
    case OmenKind::misread:
      return true;
    default:
      return false;
  }
}

void StorageMap::observe(const Observation& observation) {
  ++moment_;
  if (const auto* batch = std::get_if<BatchStored>(&observation)) stored(*batch);
  if (const auto* block = std::get_if<BlockStored>(&observation)) named(*block);
  if (const auto* event = std::get_if<DiskEvent>(&observation)) disk(*event);
}

void StorageMap::stored(const BatchStored& batch) {
  auto one = std::make_unique<Stored>();
  *one = {.disk = batch.disk,
          .inode = batch.inode,
          .range = batch.range,
          .directory = batch.directory,
          .segment = batch.segment,
          .base = batch.base,
          .end = batch.end,
          .producer = batch.producer,
          .producer_epoch = batch.producer_epoch,
          .sequence = batch.sequence,
          .digest = batch.digest,
          .moment = moment_,
          .at = batch.at,
          .max_timestamp_ms = batch.max_timestamp_ms};
  by_file_[{batch.disk, batch.inode}].push_back(one.get());
  by_segment_.insert_or_assign({batch.disk, batch.segment}, batch.inode);
  longest_batch_ = std::max(longest_batch_, batch.end - batch.base);
  auto& list = batches_[{batch.topic, batch.partition}][batch.base];
  // A recovery may write what is there once more.
  for (const auto& former : list) {
    if (former->digest == batch.digest) one->at = std::min(one->at, former->at);
  }
  list.push_back(std::move(one));
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

void StorageMap::refuse(const FileName& file, const ByteRange& range) {
  const auto found = by_file_.find(file);
  if (found == by_file_.end()) return;
  for (Stored* batch : found->second) {
    if (batch->range.begin >= range.begin && batch->range.end <= range.end) batch->refused = true;
  }
}

// The topic's id and the metadata log cannot be made anew. One wrong read is read again. But
// integrity entries that were wrong twice count as lost, whatever the disk gives later.
void StorageMap::side_file(const DiskEvent& event) {
  const std::string_view name = file_name_of(event.path);
  if (is_made_anew(name)) return;
  if (name.starts_with(kStartFile)) return start_file(event);
  const auto scope = std::pair(event.disk, std::string(scope_of(event.path)));
  const bool entries = name.ends_with(kIntegritySuffix);
  if (event.kind == OmenKind::removed || event.kind == OmenKind::mended) {
    if (entries) return;
    if (const auto known = side_faults_.find(scope); known != side_faults_.end()) {
      known->second.erase(event.inode);
    }
    return;
  }
  const bool bad = spoils(event.kind) && (entries || event.kind != OmenKind::misread);
  if (!bad && event.kind != OmenKind::lied && event.kind != OmenKind::lost) return;
  SideFault& fault = side_faults_[scope][event.inode];
  if (event.kind == OmenKind::lied) fault.lied = true;
  if (event.kind == OmenKind::lost && fault.lied) fault.lost = moment_;
  if (bad) fault.spoiled = moment_;
}

// Without it the log begins at its first segment again.
void StorageMap::start_file(const DiskEvent& event) {
  StartFault& fault = start_faults_[{event.disk, std::string(parent_of(event.path))}];
  if (event.kind == OmenKind::lied) fault.lied.insert(event.inode);
  const bool lost = event.kind == OmenKind::lost && fault.lied.contains(event.inode);
  if (lost || spoils(event.kind)) fault.moment = moment_;
}

bool StorageMap::start_lost(const TopicPartitionName& where, std::uint64_t since) const {
  const auto partition = batches_.find(where);
  if (partition == batches_.end()) return false;
  return std::ranges::any_of(partition->second, [&](const auto& at) {
    return std::ranges::any_of(at.second, [&](const auto& batch) {
      const auto fault = start_faults_.find({batch->disk, batch->directory});
      return fault != start_faults_.end() && fault->second.moment >= since &&
             fault->second.moment != 0;
    });
  });
}

void StorageMap::disk(const DiskEvent& event) {
  const FileName file{event.disk, event.inode};
  std::string topic;
  std::string directory;
  PartitionIndex partition{-1};
  const bool segment = parse_segment_path(event.path, topic, partition, directory);
  // The metadata log is a log like others, and all topics need it.
  const bool beside = !segment || is_metadata_directory(directory);
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
    case OmenKind::write_failed:
      refuse(file, event.range);
      break;
    case OmenKind::dropped:
      sync_failed(event);
      break;
    case OmenKind::power_cut:
      power_cut(event.disk);
      break;
    case OmenKind::removed:
      cut(file, 0);  // by whatever name: a deleted topic's directory was renamed
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
  if (beside) side_file(event);
  if (!mishap) return;
  if (event.kind == OmenKind::lost) lost(file, event.range);
  if (segment && spoils(event.kind)) {
    spoils_[{topic, partition}].push_back(
        {event.disk, event.inode, event.range, event.kind != OmenKind::misread, moment_});
    if (event.kind != OmenKind::misread) spoiled_unvouched(spoils_[{topic, partition}].back());
  }
  files_[file].mishaps.push_back({event.kind, event.range, moment_});
}

// Of a segment or of its integrity file: the commit that failed takes back for all that it was to
// cover what the page cache vouched for.
void StorageMap::sync_failed(const DiskEvent& event) {
  if (!event.path.ends_with(".log") && !event.path.ends_with(kIntegritySuffix)) return;
  const std::string segment_path = event.path.substr(0, event.path.rfind('.'));
  std::string topic;
  std::string directory;
  PartitionIndex partition{-1};
  if (!parse_segment_path(segment_path + ".log", topic, partition, directory)) return;
  const auto segment = by_segment_.find({event.disk, segment_path});
  if (segment != by_segment_.end()) files_[{event.disk, segment->second}].sync_failed = moment_;
  for (const Spoil& spoil : spoils_[{topic, partition}]) {
    if (!spoil.lasting || spoil.disk != event.disk) continue;
    files_[{spoil.disk, spoil.inode}].sync_failed = moment_;
    spoiled_unvouched(spoil);
  }
}

// A block is good or bad as a whole.
void StorageMap::named(const BlockStored& block) {
  const auto file = by_segment_.find({block.disk, block.segment});
  if (file == by_segment_.end()) return;
  const auto batches = by_file_.find({block.disk, file->second});
  if (batches == by_file_.end()) return;
  std::vector<Stored*> inside;
  std::uint64_t first = moment_;
  for (auto at = batches->second.rbegin(); at != batches->second.rend(); ++at) {
    if ((*at)->range.end <= block.range.begin) break;
    if (!(*at)->range.touches(block.range)) continue;
    inside.push_back(*at);
    first = std::min(first, (*at)->moment);
  }
  for (Stored* batch : inside) {
    batch->block = block.range;
    batch->block_moment = first;
  }
}

void StorageMap::lost(const FileName& file, ByteRange range) {
  remove_range(files_[file].synced, range);
  const auto found = by_file_.find(file);
  if (found == by_file_.end()) return;
  for (const Stored* batch : found->second) {
    if (!batch->range.touches(range)) continue;
    holes_[{batch->disk, batch->directory}].push_back(
        {batch->base, moment_, lied_of(*batch, range)});
  }
}

bool StorageMap::lied_of(const Stored& batch, ByteRange range) const {
  const auto file = files_.find({batch.disk, batch.inode});
  if (file == files_.end()) return false;
  return std::ranges::any_of(file->second.mishaps, [&](const Mishap& mishap) {
    return mishap.kind == OmenKind::lied && mishap.moment > batch.moment &&
           mishap.range.touches(batch.range) && mishap.range.touches(range);
  });
}

// Without the page cache, or after a sync that failed, nobody vouches for what was never synced: at
// wrong bytes the log ends.
void StorageMap::power_cut(std::uint32_t disk) {
  power_cuts_[disk] = moment_;
  for (const auto& [where, spoils] : spoils_) {
    for (const Spoil& spoil : spoils) {
      if (spoil.lasting && spoil.disk == disk) spoiled_unvouched(spoil);
    }
  }
}

void StorageMap::spoiled_unvouched(const Spoil& spoil) {
  for (const Stored* batch : standing_beyond(spoil.disk, spoil.inode, spoil.range.begin)) {
    if (!batch->range.touches(spoil.range) || truly_synced(*batch)) continue;
    const std::uint64_t failed = files_[{spoil.disk, spoil.inode}].sync_failed;
    if (std::max(power_cuts_[spoil.disk], failed) < batch->moment) continue;
    holes_[{spoil.disk, batch->directory}].push_back({batch->base, moment_});
  }
}

// A log has no holes: with a batch that was never promised to be there, or only by a sync that
// lied, all after it goes, also what was synced in truth.
std::uint64_t StorageMap::behind_a_hole(const Stored& batch, bool lied_only) const {
  std::uint64_t last = 0;
  const auto found = holes_.find({batch.disk, batch.directory});
  if (found == holes_.end()) return last;
  for (const Hole& hole : found->second) {
    if (lied_only && !hole.lied) continue;
    if (hole.moment >= batch.moment && hole.base <= batch.base) last = std::max(last, hole.moment);
  }
  return last;
}

// A block is named once it is closed: with a sync, or when it has enough bytes.
StorageMap::Neighbours StorageMap::neighbours(const Stored& batch) const {
  Neighbours found{batch.range, batch.moment};
  const auto file = by_file_.find({batch.disk, batch.inode});
  if (file == by_file_.end()) return found;
  const std::uint64_t begin = batch.range.begin;
  for (const Stored* other : file->second) {
    if (!other->block.empty()) continue;
    const bool before = other->range.end <= begin;
    const std::uint64_t between =
        before ? begin - other->range.end
               : std::max(other->range.begin, batch.range.end) - batch.range.end;
    if (between >= kBlockBytesMax) continue;
    found.range = {std::min(found.range.begin, other->range.begin),
                   std::max(found.range.end, other->range.end)};
    found.first = std::min(found.first, other->moment);
  }
  return found;
}

const Stored* StorageMap::find(const TopicPartitionName& where, Offset offset) const {
  const auto partition = batches_.find(where);
  if (partition == batches_.end()) return nullptr;
  const Stored* newest = nullptr;
  auto at = partition->second.upper_bound(offset);
  // Batches of different lives of the log may overlap: the newest need not be the one that begins
  // nearest to the offset.
  while (at != partition->second.begin() && offset - std::prev(at)->first < longest_batch_) {
    --at;
    for (const auto& batch : at->second) {
      if (offset < batch->base || offset >= batch->end) continue;
      if (!newest || batch->moment > newest->moment) newest = batch.get();
    }
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

std::uint64_t StorageMap::bytes_behind(const TopicPartitionName& where, const Stored& batch,
                                       Time until) const {
  std::uint64_t sum = 0;
  const auto partition = batches_.find(where);
  if (partition == batches_.end()) return sum;
  for (auto at = partition->second.upper_bound(batch.base); at != partition->second.end(); ++at) {
    const auto by_then = [&](const auto& one) { return one->at <= until; };
    const auto last = std::find_if(at->second.rbegin(), at->second.rend(), by_then);
    if (last != at->second.rend()) sum += (*last)->range.size();
  }
  return sum;
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
  ByteRanges claimed = file->second.synced;
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

const StorageMap::SideFaults& StorageMap::side_faults(std::uint32_t disk,
                                                      const std::string& scope) const {
  const auto found = side_faults_.find({disk, scope});
  return found == side_faults_.end() ? no_faults_ : found->second;
}

// A batch without entries answers for itself. But they say where the log goes on behind one that
// is bad, and whether a bad one was ever synced: without them it takes along what lies behind it.
std::uint64_t StorageMap::entries_loss(const Stored& batch) const {
  std::uint64_t lost = 0;
  for (const auto& [inode, fault] : side_faults(batch.disk, batch.segment)) {
    lost = std::max({lost, fault.lost, fault.spoiled});
  }
  const auto file = files_.find({batch.disk, batch.inode});
  if (lost == 0 || file == files_.end()) return 0;
  std::uint64_t bad = 0;
  for (const Mishap& mishap : file->second.mishaps) {
    const bool before = mishap.range.begin < batch.range.end;
    if (before && spoils(mishap.kind)) bad = std::max(bad, mishap.moment);
  }
  return bad == 0 ? 0 : std::max(lost, bad);
}

std::uint64_t StorageMap::side_loss(const Stored& batch) const {
  std::uint64_t last = entries_loss(batch);
  for (const std::string& scope : {batch.directory, std::string()}) {
    for (const auto& [inode, fault] : side_faults(batch.disk, scope)) {
      last = std::max(last, fault.lost);
    }
  }
  return last;
}

bool StorageMap::broker_closed(std::uint32_t disk) const {
  return std::ranges::any_of(side_faults(disk, std::string()), [](const auto& entry) {
    return entry.second.spoiled != 0 || entry.second.lost != 0;
  });
}

std::optional<std::string> StorageMap::closed(const Stored& batch) const {
  if (broker_closed(batch.disk)) return "broker_file";
  const bool spoiled =
      std::ranges::any_of(side_faults(batch.disk, batch.directory),
                          [](const auto& entry) { return entry.second.spoiled != 0; });
  return spoiled ? std::optional<std::string>("partition_file") : std::nullopt;
}

std::optional<std::string> StorageMap::excuse(const Stored& batch, Promise promise) const {
  const auto disk = disk_mishaps_.find(batch.disk);
  if (disk != disk_mishaps_.end() && disk->second > batch.moment) return "disk_lost";
  const bool may_go = promise != Promise::survives_power_cut;
  if (may_go && behind_a_hole(batch) != 0) return "power_cut";
  if (behind_a_hole(batch, true) != 0) return "lying_sync";
  bool lied = false;
  const auto file = files_.find({batch.disk, batch.inode});
  if (file != files_.end() && !file->second.mishaps.empty()) {
    const auto [block, since] =
        batch.block.empty() ? neighbours(batch) : Neighbours{batch.block, batch.block_moment};
    // A sync vouches for a block; of one that was vouched for, a part that is gone spoils the rest.
    const ByteRange vouched = batch.block.empty() ? batch.range : batch.block;
    for (const Mishap& mishap : file->second.mishaps) {
      if (mishap.moment < since || !mishap.range.touches(block)) continue;
      if (spoils(mishap.kind)) return std::string(name_of(mishap.kind));
      if (mishap.moment < batch.moment || !mishap.range.touches(vouched)) continue;
      if (mishap.kind == OmenKind::lied) lied = true;
      if (mishap.kind == OmenKind::lost && lied) return "lying_sync";
    }
  }
  if (side_loss(batch) >= batch.moment) return "side_file";
  return std::nullopt;
}

bool StorageMap::spoiled(const TopicPartitionName& where, Offset from, std::uint64_t life,
                         std::uint64_t asked) const {
  const auto found = spoils_.find(where);
  if (found == spoils_.end()) return false;
  const Stored* first = find(where, from);
  return std::ranges::any_of(found->second, [&](const Spoil& spoil) {
    if (!spoil.lasting) return spoil.moment >= asked;
    if (spoil.moment < life || !first) return false;
    // A read goes on from there, in this segment.
    return spoil.disk == first->disk && spoil.inode == first->inode &&
           spoil.range.end > first->range.begin;
  });
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
  last = std::max({last, side_loss(batch), behind_a_hole(batch)});
  if (const auto file = files_.find({batch.disk, batch.inode}); file != files_.end()) {
    for (const Mishap& mishap : file->second.mishaps) {
      if (mishap.range.touches(batch.range)) last = std::max(last, mishap.moment);
    }
  }
  return last;
}

}  // namespace flux::sim
