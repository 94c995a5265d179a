#include "sim/env/disk_image.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "core/base/hash.h"

namespace flux::sim {
namespace {

constexpr std::uint64_t kBlockBytes = 4096;
constexpr std::size_t kGraveBytes = 16 * 1024;
constexpr std::size_t kNameBytesMax = 255;
constexpr std::size_t kSettleEvery = 256;
constexpr ByteRange kWholeFile{0, kNoEnd};

// What is drawn about an operation: parts of keys.
constexpr std::uint64_t kAstray = hash_name("astray");
constexpr std::uint64_t kDrift = hash_name("drift");
constexpr std::uint64_t kError = hash_name("error");
constexpr std::uint64_t kFile = hash_name("file");
constexpr std::uint64_t kHidden = hash_name("hidden");
constexpr std::uint64_t kLatent = hash_name("latent");
constexpr std::uint64_t kLatentAt = hash_name("latent_at");
constexpr std::uint64_t kLatentHidden = hash_name("latent_hidden");
constexpr std::uint64_t kLater = hash_name("later");
constexpr std::uint64_t kLying = hash_name("lying");
constexpr std::uint64_t kNameOperation = hash_name("name_operation");
constexpr std::uint64_t kPart = hash_name("part");
constexpr std::uint64_t kPhantom = hash_name("phantom");
constexpr std::uint64_t kRead = hash_name("read");
constexpr std::uint64_t kRot = hash_name("rot");
constexpr std::uint64_t kRotAt = hash_name("rot_at");
constexpr std::uint64_t kRotBit = hash_name("rot_bit");
constexpr std::uint64_t kRotHidden = hash_name("rot_hidden");
constexpr std::uint64_t kSpot = hash_name("spot");
constexpr std::uint64_t kSync = hash_name("sync");
constexpr std::uint64_t kWrite = hash_name("write");

std::uint64_t blocks(std::uint64_t bytes) {
  return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}

std::unexpected<ErrorCode> no(ErrorCode code) { return std::unexpected(code); }

}  // namespace

DiskImage::DiskImage(Key key, const DiskHabits& habits, Decisions& decisions,
                     DiskObserver* observer)
    : key_(key),
      habits_(habits),
      base_(habits),
      decisions_(decisions),
      observer_(observer),
      names_(Inode(1)) {
  nodes_.push_back(nullptr);
  CHECK(make_node("/") == names_.root());
}

DiskImage::~DiskImage() = default;

// ---- nodes

DiskImage::Node& DiskImage::node(Inode inode) {
  CHECK(inode.value() < nodes_.size() && nodes_[inode.value()], "a file that is gone");
  return *nodes_[inode.value()];
}

const DiskImage::Node& DiskImage::node(Inode inode) const {
  CHECK(inode.value() < nodes_.size() && nodes_[inode.value()], "a file that is gone");
  return *nodes_[inode.value()];
}

Inode DiskImage::make_node(std::string_view path) {
  const Inode inode(static_cast<std::uint32_t>(nodes_.size()));
  auto it = births_.find(path);
  if (it == births_.end()) it = births_.emplace(path, 0).first;
  auto made = std::make_unique<Node>();
  made->inode = inode;
  made->key = key_.with(kFile).with(path).with(it->second++);
  made->path = path;
  nodes_.push_back(std::move(made));
  return inode;
}

void DiskImage::release(Node& node) {
  bury(node.content.durable());
  used_bytes_ -= node.charged;
  if (names_.is_directory(node.inode)) names_.drop_directory(node.inode);
  nodes_[node.inode.value()] = nullptr;
}

void DiskImage::release_condemned() {
  std::erase_if(condemned_, [this](Inode inode) {
    if (!nodes_[inode.value()]) return true;
    Node& gone = node(inode);
    if (gone.opens != 0 || names_.mentions(inode) != 0) return false;
    release(gone);
    return true;
  });
}

// What removed files leave on the device shows up again where a power cut tears new ones.
void DiskImage::bury(ByteView bytes) {
  append(grave_, bytes.last(std::min(bytes.size(), kGraveBytes)));
  if (grave_.size() <= 2 * kGraveBytes) return;
  grave_.erase(grave_.begin(),
               grave_.begin() + static_cast<std::ptrdiff_t>(grave_.size() - kGraveBytes));
}

void DiskImage::recharge(Node& n) {
  std::uint64_t due = 0;
  if (names_.visible(n.inode) != 0 || n.opens != 0) {
    due = names_.is_directory(n.inode) ? kBlockBytes
                                       : blocks(std::max(n.content.size(), n.allocated));
  }
  used_bytes_ += due - n.charged;
  n.charged = due;
}

std::uint64_t DiskImage::free_bytes(Time at) {
  const DiskLimits& limits = habits_.limits;
  std::uint64_t taken = used_bytes_;
  if (limits.drift_bytes_max != 0) {
    const std::int64_t period = at.ns() / std::max<std::int64_t>(limits.drift_period.ns(), 1);
    taken += decisions_.draw(key_.with(kDrift).with(static_cast<std::uint64_t>(period)),
                             limits.drift_bytes_max + 1, "disk.space_drift");
  }
  return taken >= limits.capacity_bytes ? 0 : limits.capacity_bytes - taken;
}

env::Space DiskImage::space(Time at) { return {habits_.limits.capacity_bytes, free_bytes(at)}; }

// ---- omens and orders

void DiskImage::tell_all(OmenKind kind, const Node& n, const std::vector<ByteRange>& ranges) {
  if (!observer_) return;
  for (const ByteRange range : ranges) tell(kind, n, range);
}

void DiskImage::tell_disk(OmenKind kind) {
  if (observer_) observer_->foresee({kind, kNoInode, {}, {}});
}

void DiskImage::tell_names_synced(const std::vector<DiskNames::Change>& changes) {
  if (!observer_) return;
  for (const DiskNames::Change& change : changes) {
    observer_->foresee({OmenKind::name_synced, change.inode, change.path, {}});
  }
}

bool DiskImage::ordered(OrderedFault fault, std::string_view path, ByteRange range) {
  for (Standing& standing : orders_) {
    const FaultOrder& order = standing.order;
    if (order.fault != fault || standing.struck >= order.count) continue;
    if (!range.touches({order.begin, order.end}) || !path_matches(order.path, path)) continue;
    if (standing.seen++ < order.skip) continue;
    ++standing.struck;
    return true;
  }
  return false;
}

DiskResult<> DiskImage::name_fault(std::string_view path) {
  count(DiskCounter::name_operation);
  bool strikes = ordered(OrderedFault::name_error, path, kWholeFile);
  if (!strikes && !habits_.chances.name_error.never()) {
    auto it = name_operations_.find(path);
    if (it == name_operations_.end()) it = name_operations_.emplace(path, 0).first;
    const Key draw = key_.with(kNameOperation).with(path).with(it->second++);
    strikes = decisions_.chance(draw, habits_.chances.name_error, "disk.name_error");
  }
  if (!strikes) return {};
  count(DiskCounter::name_error);
  return no(ErrorCode::io_error);
}

void DiskImage::mend(Node& n, ByteRange range) {
  if (n.overlay.empty()) return;
  scratch_.clear();
  n.overlay.mend(range, scratch_);
  tell_all(OmenKind::mended, n, scratch_);
}

// ---- names

DiskImage::Resolved DiskImage::resolve(std::string_view path) const {
  Resolved at{kNoInode, {}, names_.root()};
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t slash = std::min(path.find('/', begin), path.size());
    const std::string_view name = path.substr(begin, slash - begin);
    begin = slash + 1;
    if (name.empty() || name == ".") continue;
    if (at.inode == kNoInode || !names_.is_directory(at.inode)) return {kNoInode, name, kNoInode};
    at = {at.inode, name, names_.find(at.inode, name)};
  }
  return at;
}

DiskResult<Inode> DiskImage::open(std::string_view path, env::Open mode, Time at) {
  if (auto fault = name_fault(path); !fault) return no(fault.error());
  const Resolved where = resolve(path);
  const bool creates = mode != env::Open::read && mode != env::Open::read_write;
  Inode inode = where.inode;
  if (inode == kNoInode) {
    if (!creates || where.directory == kNoInode) return no(ErrorCode::not_found);
    if (where.name.size() > kNameBytesMax) return no(ErrorCode::invalid);
    if (ordered(OrderedFault::no_space, path, kWholeFile) || free_bytes(at) < kBlockBytes) {
      count(DiskCounter::no_space);
      return no(ErrorCode::no_space);
    }
    inode = make_node(path);
    Node& made = node(inode);
    names_.link(inode, {where.directory, where.name}, path, next_name_key(made), at);
    tell(OmenKind::created, made);
  } else {
    if (mode == env::Open::create_new) return no(ErrorCode::exists);
    if (names_.is_directory(inode)) return no(ErrorCode::invalid);
    node(inode).path = path;
  }
  ++node(inode).opens;
  if (mode == env::Open::create_empty) {
    if (const auto cut = truncate(inode, 0, at); !cut) {
      close(inode);
      return no(cut.error());
    }
  }
  recharge(node(inode));
  return inode;
}

void DiskImage::close(Inode inode) {
  Node& n = node(inode);
  CHECK(n.opens != 0, "a file closed more often than opened");
  --n.opens;
  recharge(n);
  if (n.opens == 0 && names_.mentions(inode) == 0) release_condemned();
}

DiskResult<> DiskImage::make_directory(std::string_view path, Time at) {
  if (auto fault = name_fault(path); !fault) return fault;
  const Resolved where = resolve(path);
  if (where.inode != kNoInode) return no(ErrorCode::exists);
  if (where.directory == kNoInode) return no(ErrorCode::not_found);
  if (where.name.size() > kNameBytesMax) return no(ErrorCode::invalid);
  if (ordered(OrderedFault::no_space, path, kWholeFile) || free_bytes(at) < kBlockBytes) {
    count(DiskCounter::no_space);
    return no(ErrorCode::no_space);
  }
  const Inode inode = make_node(path);
  names_.add_directory(inode);
  Node& made = node(inode);
  names_.link(inode, {where.directory, where.name}, path, next_name_key(made), at);
  recharge(made);
  tell(OmenKind::created, made);
  return {};
}

DiskResult<> DiskImage::rename(std::string_view from, std::string_view to, Time at) {
  if (auto fault = name_fault(from); !fault) return fault;
  const Resolved source = resolve(from);
  const Resolved target = resolve(to);
  if (source.inode == kNoInode || target.directory == kNoInode) return no(ErrorCode::not_found);
  if (source.name.empty() || target.name.empty()) return no(ErrorCode::invalid);
  if (target.name.size() > kNameBytesMax) return no(ErrorCode::invalid);
  const bool directory = names_.is_directory(source.inode);
  if (source.inode == target.inode && !directory) return {};
  if (directory && (std::string(to) + "/").starts_with(std::string(from) + "/")) {
    return no(ErrorCode::invalid);
  }
  if (target.inode != kNoInode) {
    // A file replaces a file; a directory goes only onto nothing.
    if (directory || names_.is_directory(target.inode)) return no(ErrorCode::exists);
    condemned_.push_back(target.inode);
  }
  Node& moved = node(source.inode);
  names_.move({source.directory, source.name}, {target.directory, target.name}, to,
              habits_.power_cut.names, next_name_key(moved), at);
  if (target.inode != kNoInode) recharge(node(target.inode));
  moved.path = to;
  tell(OmenKind::renamed, moved);
  return {};
}

DiskResult<> DiskImage::remove(std::string_view path, Time at) {
  if (auto fault = name_fault(path); !fault) return fault;
  const Resolved where = resolve(path);
  if (where.inode == kNoInode) return no(ErrorCode::not_found);
  if (where.name.empty()) return no(ErrorCode::invalid);
  if (names_.is_directory(where.inode) && !names_.entries(where.inode).empty()) {
    return no(ErrorCode::exists);
  }
  Node& gone = node(where.inode);
  names_.unlink({where.directory, where.name}, path, next_name_key(gone), at);
  condemned_.push_back(where.inode);
  recharge(gone);
  if (observer_) observer_->foresee({OmenKind::removed, gone.inode, path, {}});
  return {};
}

DiskResult<> DiskImage::sync_directory(std::string_view path, Time) {
  if (auto fault = name_fault(path); !fault) return fault;
  const Resolved where = resolve(path);
  if (where.inode == kNoInode) return no(ErrorCode::not_found);
  if (!names_.is_directory(where.inode)) return no(ErrorCode::not_found);
  tell_names_synced(names_.sync(where.inode, habits_.power_cut.names));
  release_condemned();
  return {};
}

DiskResult<const DiskNames::Entries*> DiskImage::list(std::string_view path) {
  if (auto fault = name_fault(path); !fault) return no(fault.error());
  const Resolved where = resolve(path);
  if (where.inode == kNoInode) return no(ErrorCode::not_found);
  if (!names_.is_directory(where.inode)) return no(ErrorCode::not_found);
  return &names_.entries(where.inode);
}

void DiskImage::provide_directory(std::string_view path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string_view part = path.substr(0, end);
    const Resolved where = resolve(part);
    if (where.inode == kNoInode) {
      const Inode inode = make_node(part);
      names_.add_directory(inode);
      const Key key = next_name_key(node(inode));
      names_.link(inode, {where.directory, where.name}, part, key, Time());
      tell_names_synced(names_.sync(where.directory, NameLoss::anything));
      recharge(node(inode));
    }
    if (end == std::string_view::npos) return;
  }
}

// ---- bytes

std::uint64_t DiskImage::size(Inode inode) const { return node(inode).content.size(); }
std::uint64_t DiskImage::newest(Inode inode) const { return node(inode).content.newest(); }
std::uint64_t DiskImage::dirty_bytes(Inode inode) const {
  return node(inode).content.dirty_bytes();
}
std::string_view DiskImage::path_of(Inode inode) const { return node(inode).path; }

DiskResult<std::size_t> DiskImage::read(Inode inode, std::uint64_t offset, MutBytes into) {
  Node& n = node(inode);
  const Key draw = n.key.with(kRead).with(n.reads++);
  const ByteRange range{offset, offset + into.size()};
  const DiskChances& chances = habits_.chances;
  count(DiskCounter::read);
  if (ordered(OrderedFault::read_error, n.path, range) ||
      decisions_.chance(draw.with(kError), chances.read_error, "disk.read_error")) {
    count(DiskCounter::read_error);
    return no(ErrorCode::io_error);
  }
  if (ordered(OrderedFault::misdirected_read, n.path, range) ||
      decisions_.chance(draw.with(kAstray), chances.misdirected_read, "disk.misdirected_read")) {
    return misread(n, draw, offset, into);
  }
  const std::size_t got = n.content.read(offset, into);
  if (!n.overlay.empty() && !n.overlay.show(offset, into.first(got))) {
    count(DiskCounter::read_error);
    return no(ErrorCode::io_error);
  }
  return got;
}

// As many bytes as the right place would have given, from a wrong one.
std::size_t DiskImage::misread(Node& n, Key draw, std::uint64_t offset, MutBytes into) {
  const std::size_t got = n.content.read(offset, into);
  const std::optional<Spot> spot = draw_spot(draw.with(kSpot));
  if (!spot || got == 0) return got;
  const std::size_t wrong = spot->node->content.read(spot->range.begin, into.first(got));
  std::memset(into.data() + wrong, 0, got - wrong);
  count(DiskCounter::misdirected_read);
  tell(OmenKind::misread, n, {offset, offset + got});
  return got;
}

// How far the file may reach, at most to `end`.
std::uint64_t DiskImage::room_for(Node& n, std::uint64_t end, Time at) {
  if (blocks(end) <= n.charged) return end;
  return std::min(end, n.charged + free_bytes(at) / kBlockBytes * kBlockBytes);
}

DiskResult<> DiskImage::write(Inode inode, std::uint64_t offset, ByteView from, Time at) {
  Node& n = node(inode);
  const Key draw = n.key.with(kWrite).with(n.writes++);
  const ByteRange range{offset, offset + from.size()};
  const DiskChances& chances = habits_.chances;
  count(DiskCounter::write);
  if (from.empty()) return {};
  if (ordered(OrderedFault::write_error, n.path, range) ||
      decisions_.chance(draw.with(kError), chances.write_error, "disk.write_error")) {
    count(DiskCounter::write_error);
    const std::uint64_t part =
        decisions_.draw(draw.with(kPart), from.size() + 1, "disk.write_error_part");
    store(n, offset, from.first(part), at);
    tell(OmenKind::write_failed, n, range);
    return no(ErrorCode::io_error);
  }
  const bool full = ordered(OrderedFault::no_space, n.path, range);
  const std::uint64_t room = full ? std::max(offset, n.content.size()) : room_for(n, range.end, at);
  if (room < range.end) {
    count(DiskCounter::no_space);
    if (room > offset) store(n, offset, from.first(room - offset), at);
    tell(OmenKind::write_failed, n, range);
    return no(ErrorCode::no_space);
  }
  if (ordered(OrderedFault::misdirected_write, n.path, range) ||
      decisions_.chance(draw.with(kAstray), chances.misdirected_write, "disk.misdirected_write")) {
    store_astray(n, draw, true, offset, from, at);
  } else if (ordered(OrderedFault::phantom_write, n.path, range) ||
             decisions_.chance(draw.with(kPhantom), chances.phantom_write, "disk.phantom")) {
    store_astray(n, draw, false, offset, from, at);
  } else {
    store(n, offset, from, at);
  }
  spoil(n, draw, range);
  return {};
}

void DiskImage::store(Node& n, std::uint64_t offset, ByteView from, Time at) {
  if (from.empty()) return;
  n.content.write(offset, from, at);
  if (!n.overlay.empty()) mend(n, {offset, offset + from.size()});
  recharge(n);
  tell(OmenKind::written, n, {offset, offset + from.size()});
  if (n.content.pending_changes() % kSettleEvery == 0) settle_old(n, at);
}

// What was pending for so long that the system has certainly written it back need not be kept.
void DiskImage::settle_old(Node& n, Time at) {
  const std::uint64_t through = n.content.last_before(at - habits_.power_cut.write_back_max);
  if (through == 0) return;
  scratch_.clear();
  n.content.settle(through, scratch_);
  tell_all(OmenKind::written_back, n, scratch_);
}

// The pristine content has the write; the medium keeps what it had there and, if the write lands,
// has it at a place that is drawn.
void DiskImage::store_astray(Node& n, Key draw, bool lands, std::uint64_t offset, ByteView from,
                             Time at) {
  Bytes old(from.size());
  std::memset(old.data(), 0, old.size());
  const ByteView durable = n.content.durable();
  if (offset < durable.size()) {
    std::memcpy(old.data(), durable.data() + offset,
                std::min<std::size_t>(old.size(), durable.size() - offset));
  }
  const ByteRange range{offset, offset + from.size()};
  const bool hidden =
      decisions_.chance(draw.with(kHidden), habits_.chances.hidden_by_cache, "disk.hidden");
  const std::optional<Spot> spot = lands ? draw_spot(draw.with(kSpot)) : std::nullopt;
  store(n, offset, from, at);
  n.overlay.replace(offset, old, hidden);
  count(lands ? DiskCounter::misdirected_write : DiskCounter::phantom);
  tell(OmenKind::phantom, n, range);
  if (!spot) return;
  const std::size_t length = std::min<std::uint64_t>(from.size(), spot->range.size());
  const ByteRange landed{spot->range.begin, spot->range.begin + length};
  if (spot->node == &n && landed.touches(range)) return;
  spot->node->overlay.replace(landed.begin, from.first(length), hidden);
  tell(OmenKind::displaced, *spot->node, landed);
}

void DiskImage::spoil(Node& n, Key draw, ByteRange range) {
  const DiskChances& chances = habits_.chances;
  if (decisions_.chance(draw.with(kRot), chances.rot, "disk.rot")) {
    const std::uint64_t at =
        range.begin + decisions_.draw(draw.with(kRotAt), range.size(), "disk.rot_at");
    const std::uint64_t bit = decisions_.draw(draw.with(kRotBit), 8, "disk.rot_bit");
    const bool hidden =
        decisions_.chance(draw.with(kRotHidden), chances.hidden_by_cache, "disk.hidden");
    rot_bit(n, at, std::byte{1} << bit, hidden);
  }
  if (decisions_.chance(draw.with(kLatent), chances.latent_error, "disk.latent")) {
    const std::uint64_t at =
        range.begin + decisions_.draw(draw.with(kLatentAt), range.size(), "disk.latent_at");
    const std::uint64_t unit = habits_.power_cut.sector_bytes;
    const bool hidden =
        decisions_.chance(draw.with(kLatentHidden), chances.hidden_by_cache, "disk.hidden");
    const ByteRange sector{at / unit * unit, at / unit * unit + unit};
    n.overlay.make_unreadable(sector, hidden);
    count(DiskCounter::latent);
    tell(OmenKind::unreadable, n, sector);
  }
}

void DiskImage::rot_bit(Node& n, std::uint64_t offset, std::byte mask, bool hidden) {
  n.overlay.flip(offset, mask, hidden);
  count(DiskCounter::rot);
  tell(OmenKind::rotted, n, {offset, offset + 1});
}

DiskResult<> DiskImage::truncate(Inode inode, std::uint64_t size, Time at) {
  Node& n = node(inode);
  const std::uint64_t before = n.content.size();
  if (size > before && room_for(n, size, at) < size) {
    count(DiskCounter::no_space);
    return no(ErrorCode::no_space);
  }
  if (size < n.content.durable_size()) bury(n.content.durable().subspan(size));
  n.content.truncate(size, at);
  n.allocated = std::min(n.allocated, size);
  if (size < before) {
    mend(n, {size, kNoEnd});
    tell(OmenKind::truncated, n, {size, before});
  }
  recharge(n);
  return {};
}

DiskResult<> DiskImage::allocate(Inode inode, std::uint64_t size, Time at) {
  Node& n = node(inode);
  if (ordered(OrderedFault::no_space, n.path, {0, size}) || room_for(n, size, at) < size) {
    count(DiskCounter::no_space);
    return no(ErrorCode::no_space);
  }
  n.allocated = std::max(n.allocated, size);
  recharge(n);
  return {};
}

DiskResult<> DiskImage::sync(Inode inode, std::uint64_t through, Time) {
  Node& n = node(inode);
  const Key draw = n.key.with(kSync).with(n.syncs++);
  const ByteRange file{0, std::max<std::uint64_t>(n.content.size(), 1)};
  const DiskChances& chances = habits_.chances;
  count(DiskCounter::sync);
  if (n.content.newest() > through &&
      decisions_.chance(draw.with(kLater), chances.sync_covers_later, "disk.sync_covers_later")) {
    through = n.content.newest();
  }
  scratch_.clear();
  if (ordered(OrderedFault::sync_error, n.path, file) ||
      decisions_.chance(draw.with(kError), chances.sync_error, "disk.sync_error")) {
    n.content.strand(through, scratch_);
    n.shaky = true;
    count(DiskCounter::sync_error);
    tell_all(OmenKind::dropped, n, scratch_);
    return no(ErrorCode::io_error);
  }
  if (ordered(OrderedFault::lying_sync, n.path, file) ||
      decisions_.chance(draw.with(kLying), chances.lying_sync, "disk.lying_sync")) {
    n.content.pending(through, scratch_);
    n.shaky = true;
    count(DiskCounter::lying_sync);
    tell_all(OmenKind::lied, n, scratch_);
    return {};
  }
  n.content.settle(through, scratch_);
  if (!scratch_.empty()) n.last_synced = scratch_.back();
  tell_all(OmenKind::synced, n, scratch_);
  if (habits_.power_cut.names == NameLoss::ordered) {
    tell_names_synced(names_.sync_all());
    release_condemned();
  }
  return {};
}

}  // namespace flux::sim
