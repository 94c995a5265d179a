// What happens to a whole disk image: power cuts, healing, loss, an old copy brought back; and the
// faults that a scenario injects.

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "sim/env/disk_image.h"

namespace flux::sim {

std::string_view name_of(DiskCounter counter) {
  switch (counter) {
    case DiskCounter::read:
      return "read";
    case DiskCounter::write:
      return "write";
    case DiskCounter::sync:
      return "sync";
    case DiskCounter::name_operation:
      return "name_operation";
    case DiskCounter::power_cut:
      return "power_cut";
    case DiskCounter::bytes_lost:
      return "bytes_lost";
    case DiskCounter::names_lost:
      return "names_lost";
    case DiskCounter::read_error:
      return "read_error";
    case DiskCounter::write_error:
      return "write_error";
    case DiskCounter::sync_error:
      return "sync_error";
    case DiskCounter::name_error:
      return "name_error";
    case DiskCounter::lying_sync:
      return "lying_sync";
    case DiskCounter::phantom:
      return "phantom_write";
    case DiskCounter::misdirected_write:
      return "misdirected_write";
    case DiskCounter::misdirected_read:
      return "misdirected_read";
    case DiskCounter::rot:
      return "rot";
    case DiskCounter::latent:
      return "latent_error";
    case DiskCounter::no_space:
      return "no_space";
    case DiskCounter::too_many_files:
      return "too_many_files";
    case DiskCounter::hang:
      return "hang";
    case DiskCounter::wipe:
      return "wipe";
    case DiskCounter::rollback:
      return "rollback";
    case DiskCounter::count_:
      break;
  }
  UNREACHABLE("a counter without a name");
}

std::string_view name_of(OrderedFault fault) {
  switch (fault) {
    case OrderedFault::read_error:
      return "read_error";
    case OrderedFault::write_error:
      return "write_error";
    case OrderedFault::sync_error:
      return "sync_error";
    case OrderedFault::lying_sync:
      return "lying_sync";
    case OrderedFault::phantom_write:
      return "phantom_write";
    case OrderedFault::misdirected_write:
      return "misdirected_write";
    case OrderedFault::misdirected_read:
      return "misdirected_read";
    case OrderedFault::no_space:
      return "no_space";
    case OrderedFault::name_error:
      return "name_error";
  }
  UNREACHABLE("a fault without a name");
}

std::string_view name_of(OmenKind kind) {
  static constexpr std::string_view kNames[] = {
      "written",     "truncated", "synced",  "written_back", "write_failed",  "lied",
      "dropped",     "lost",      "rotted",  "unreadable",   "phantom",       "displaced",
      "misread",     "mended",    "created", "renamed",      "removed",       "name_synced",
      "name_lost",   "name_back", "resized", "power_cut",    "cache_dropped", "wiped",
      "rolled_back", "healed"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(OmenKind::healed) + 1);
  return kNames[static_cast<std::size_t>(kind)];
}

bool path_matches(std::string_view pattern, std::string_view path) {
  // On a mismatch the last '*' takes one character more.
  std::size_t p = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  for (std::size_t i = 0; i < path.size();) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = i;
    } else if (p < pattern.size() && pattern[p] == path[i]) {
      ++p;
      ++i;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      i = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

// ---- the whole disk

void DiskImage::drop_cache() {
  for (const auto& n : nodes_) {
    if (n) n->overlay.reveal();
  }
  tell_disk(OmenKind::cache_dropped);
}

void DiskImage::heal() {
  orders_.clear();
  habits_.chances = {};
  habits_.limits = base_.limits;
  habits_.speed = base_.speed;
  for (const auto& n : nodes_) {
    if (!n) continue;
    mend(*n, {0, kNoEnd});
    if (!std::exchange(n->shaky, false)) continue;
    n->content.settle_all();
    tell(OmenKind::written_back, *n, {0, n->content.size()});
  }
  tell_disk(OmenKind::healed);
}

void DiskImage::cut_names(Key cut, Time at) {
  DiskNames::Outcome outcome;
  names_.power_cut(habits_.power_cut, cut, at, decisions_, outcome);
  tell_names_synced(outcome.kept);
  count(DiskCounter::names_lost, outcome.lost.size());
  if (!observer_) return;
  for (const DiskNames::Change& change : outcome.lost) {
    const bool back = change.act == DiskNames::Act::unlink;
    observer_->foresee(
        {back ? OmenKind::name_back : OmenKind::name_lost, change.inode, change.path, {}});
  }
}

void DiskImage::drop_unreachable() {
  for (const auto& n : nodes_) {
    if (!n || n->inode == names_.root()) continue;
    CHECK(n->opens == 0, "a process held a file while its machine lost power");
    if (names_.mentions(n->inode) == 0) release(*n);
  }
  condemned_.clear();
}

void DiskImage::cut_content(Node& n, Time at) {
  FileImage::Outcome outcome;
  const Key cut = n.key.with("cut").with(cuts_);
  n.content.power_cut({cut, at, habits_.power_cut, grave_}, decisions_, outcome);
  tell_all(OmenKind::written_back, n, outcome.written_back);
  tell_all(OmenKind::lost, n, outcome.lost);
  for (const ByteRange range : outcome.lost) count(DiskCounter::bytes_lost, range.size());
  n.overlay.reveal();
  n.shaky = false;
  n.allocated = 0;
  if (outcome.resized) {
    mend(n, {n.content.size(), kNoEnd});
    tell(OmenKind::resized, n, {0, n.content.size()});
  }
  n.last_synced.end = std::min(n.last_synced.end, n.content.size());
  recharge(n);
}

void DiskImage::power_cut(Time at) {
  ++cuts_;
  count(DiskCounter::power_cut);
  tell_disk(OmenKind::power_cut);
  cut_names(key_.with("cut").with(cuts_), at);
  drop_unreachable();
  for (const auto& n : nodes_) {
    if (n) cut_content(*n, at);
  }
}

void DiskImage::wipe() {
  count(DiskCounter::wipe);
  for (const auto& n : nodes_) {
    CHECK(!n || n->opens == 0, "a process held a file while its disk was lost");
    if (n && n->inode != names_.root()) release(*n);
  }
  names_ = DiskNames(names_.root());
  condemned_.clear();
  grave_.clear();
  tell_disk(OmenKind::wiped);
}

DiskSnapshot DiskImage::snapshot() const {
  DiskSnapshot out(names_.durable_copy());
  for (const auto& n : nodes_) {
    if (!n || out.names_.mentions(n->inode) == 0) continue;
    out.files_.push_back({n->inode, n->key, n->path, to_bytes(n->content.durable())});
  }
  return out;
}

void DiskImage::restore(const DiskSnapshot& snapshot) {
  count(DiskCounter::rollback);
  for (const auto& n : nodes_) {
    CHECK(!n || n->opens == 0, "a process held a file while an old image was brought back");
    if (n && n->inode != names_.root()) release(*n);
  }
  names_ = snapshot.names_;
  condemned_.clear();
  for (const DiskSnapshot::File& file : snapshot.files_) {
    auto made = std::make_unique<Node>();
    made->inode = file.inode;
    // The file's further operations are not those that it had before.
    made->key = file.key.with("restored").with(counted(DiskCounter::rollback));
    made->path = file.path;
    made->content.become(file.content);
    if (file.inode.value() >= nodes_.size()) nodes_.resize(file.inode.value() + 1);
    nodes_[file.inode.value()] = std::move(made);
    recharge(node(file.inode));
  }
  tell_disk(OmenKind::rolled_back);
}

// ---- injected faults

std::vector<std::pair<std::string, Inode>> DiskImage::files() const {
  std::vector<std::pair<std::string, Inode>> out;
  std::vector<std::pair<std::string, Inode>> directories{{"", names_.root()}};
  for (std::size_t i = 0; i < directories.size(); ++i) {
    const auto [prefix, directory] = directories[i];
    for (const auto& [name, inode] : names_.entries(directory)) {
      std::string path = prefix;
      path += '/';
      path += name;
      (is_directory(inode) ? directories : out).emplace_back(std::move(path), inode);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<DiskImage::Spot> DiskImage::draw_spot(Key draw) {
  auto all = files();
  std::erase_if(all,
                [this](const auto& file) { return node(file.second).content.durable_size() == 0; });
  if (all.empty()) return std::nullopt;
  const std::uint64_t chosen = decisions_.draw(draw.with("file"), all.size(), "disk.spot_file");
  Node& n = node(all[chosen].second);
  const std::uint64_t unit = habits_.power_cut.sector_bytes;
  const std::uint64_t size = n.content.durable_size();
  const std::uint64_t sector =
      decisions_.draw(draw.with("sector"), (size + unit - 1) / unit, "disk.spot_sector");
  return Spot{&n, {sector * unit, size}};
}

std::optional<DiskImage::Spot> DiskImage::aim(const FaultTarget& target, Key occasion) {
  std::vector<Spot> spots;
  for (const auto& [path, inode] : files()) {
    if (!path_matches(target.path, path)) continue;
    Node& n = node(inode);
    n.path = path;
    ByteRange range{0, n.content.size()};
    const bool synced =
        target.region == Region::last_synced || target.region == Region::last_synced_head;
    if (synced) range = {n.last_synced.begin, std::min(n.last_synced.end, range.end)};
    const bool head = target.region == Region::head || target.region == Region::last_synced_head;
    if (head) range.end = std::min(range.end, range.begin + target.head_bytes);
    if (!range.empty()) spots.push_back({&n, range});
  }
  if (spots.empty()) return std::nullopt;
  const Key draw = key_.with("inject").with(occasion.value);
  Spot spot = spots[decisions_.draw(draw.with("file"), spots.size(), "disk.inject_file")];
  spot.range.begin += decisions_.draw(draw.with("offset"), spot.range.size(), "disk.inject_offset");
  return spot;
}

std::optional<FaultHit> DiskImage::rot(const FaultTarget& target, Key occasion) {
  const std::optional<Spot> spot = aim(target, occasion);
  if (!spot) return std::nullopt;
  const Key draw = key_.with("inject").with(occasion.value).with("bit");
  const std::uint64_t bit = decisions_.draw(draw, 8, "disk.inject_bit");
  const std::uint64_t at = spot->range.begin;
  rot_bit(*spot->node, at, std::byte{1} << bit, false);
  return FaultHit{spot->node->inode, spot->node->path, {at, at + 1}};
}

std::optional<FaultHit> DiskImage::make_unreadable(const FaultTarget& target, Key occasion) {
  const std::optional<Spot> spot = aim(target, occasion);
  if (!spot) return std::nullopt;
  const std::uint64_t unit = habits_.power_cut.sector_bytes;
  const std::uint64_t begin = spot->range.begin / unit * unit;
  const ByteRange sector{begin, begin + unit};
  spot->node->overlay.make_unreadable(sector, false);
  count(DiskCounter::latent);
  tell(OmenKind::unreadable, *spot->node, sector);
  return FaultHit{spot->node->inode, spot->node->path, sector};
}

bool DiskImage::rot_at(std::string_view path, std::uint64_t offset, std::byte mask) {
  const Inode inode = find(path);
  if (inode == kNoInode || is_directory(inode) || offset >= size(inode)) return false;
  rot_bit(node(inode), offset, mask, false);
  return true;
}

bool DiskImage::make_unreadable_at(std::string_view path, ByteRange range) {
  const Inode inode = find(path);
  if (inode == kNoInode || is_directory(inode) || range.begin >= size(inode)) return false;
  node(inode).overlay.make_unreadable(range, false);
  count(DiskCounter::latent);
  tell(OmenKind::unreadable, node(inode), range);
  return true;
}

// ---- for checks

Inode DiskImage::find(std::string_view path) const { return resolve(path).inode; }
ByteView DiskImage::pristine(Inode inode) const { return node(inode).content.cached(); }
ByteView DiskImage::durable(Inode inode) const { return node(inode).content.durable(); }

std::uint64_t DiskImage::digest() const {
  std::uint64_t out = 0;
  for (const auto& n : nodes_) {
    if (!n) continue;
    out = combine64(out, n->inode.value());
    out = combine64(out, hash_bytes(n->content.cached()));
    out = combine64(out, hash_bytes(n->content.durable()));
    if (!is_directory(n->inode)) continue;
    for (const auto& [name, inode] : names_.entries(n->inode)) {
      out = combine64(combine64(out, hash_name(name)), inode.value());
    }
  }
  return out;
}

}  // namespace flux::sim
