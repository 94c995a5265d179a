#include "sim/env/disk_names.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace flux::sim {
namespace {
constexpr Key kWriteBack = key("disk.names.write_back");
}  // namespace

const DiskNames::Counts& DiskNames::counts(Inode inode) const {
  static constexpr Counts kNone;
  return inode.value() < counts_.size() ? counts_[inode.value()] : kNone;
}

DiskNames::Counts& DiskNames::counts(Inode inode) {
  if (inode.value() >= counts_.size()) counts_.resize(inode.value() + 1);
  return counts_[inode.value()];
}

std::uint32_t DiskNames::mentions(Inode inode) const {
  const Counts& c = counts(inode);
  return c.cached + c.durable + c.pending;
}

Inode DiskNames::find(Inode directory, std::string_view name) const {
  const Entries& all = entries(directory);
  const auto it = all.find(name);
  return it == all.end() ? kNoInode : it->second;
}

// Gives the name to `inode`, or to nothing.
void DiskNames::set(Entries Directory::* side, std::uint32_t Counts::* count, Inode directory,
                    std::string_view name, Inode inode) {
  const auto home = directories_.find(directory);
  if (home == directories_.end()) return;  // a durable change inside a directory that is gone
  Entries& all = home->second.*side;
  const auto it = all.find(name);
  if (it != all.end()) {
    --(counts(it->second).*count);
    all.erase(it);
  }
  if (inode == kNoInode) return;
  all.emplace(name, inode);
  ++(counts(inode).*count);
}

void DiskNames::push(Change change) {
  ++counts(change.inode).pending;
  pending_.push_back(std::move(change));
}

void DiskNames::link(Inode inode, Place at, std::string_view path, Key key, Time now) {
  set(&Directory::cached, &Counts::cached, at.directory, at.name, inode);
  push({Act::link, inode, at.directory, std::string(at.name), {}, {}, std::string(path), key, now});
}

void DiskNames::unlink(Place at, std::string_view path, Key key, Time now) {
  const Inode inode = find(at.directory, at.name);
  CHECK(inode != kNoInode);
  push({Act::unlink,
        inode,
        at.directory,
        std::string(at.name),
        {},
        {},
        std::string(path),
        key,
        now});
  set(&Directory::cached, &Counts::cached, at.directory, at.name, kNoInode);
}

void DiskNames::move(Place from, Place to, std::string_view path, NameLoss loss, Key key,
                     Time now) {
  const Inode inode = find(from.directory, from.name);
  CHECK(inode != kNoInode);
  if (loss == NameLoss::anything && from.directory != to.directory && !is_directory(inode)) {
    link(inode, to, path, key.with("to"), now);
    unlink(from, path, key.with("from"), now);
    return;
  }
  push({Act::move, inode, from.directory, std::string(from.name), to.directory,
        std::string(to.name), std::string(path), key, now});
  set(&Directory::cached, &Counts::cached, from.directory, from.name, kNoInode);
  set(&Directory::cached, &Counts::cached, to.directory, to.name, inode);
}

void DiskNames::apply_durable(const Change& change) {
  const auto side = &Directory::durable;
  const auto count = &Counts::durable;
  switch (change.act) {
    case Act::link:
      set(side, count, change.directory, change.name, change.inode);
      return;
    case Act::unlink:
      set(side, count, change.directory, change.name, kNoInode);
      return;
    case Act::move:
      set(side, count, change.directory, change.name, kNoInode);
      set(side, count, change.to_directory, change.to_name, change.inode);
      return;
  }
}

std::vector<DiskNames::Change> DiskNames::sync(Inode directory, NameLoss loss) {
  if (loss == NameLoss::ordered) return sync_all();
  std::vector<Change> done;
  std::vector<Change> left;
  for (Change& change : pending_) {
    const bool covered = change.directory == directory ||
                         (change.act == Act::move && change.to_directory == directory);
    (covered ? done : left).push_back(std::move(change));
  }
  pending_ = std::move(left);
  for (const Change& change : done) {
    apply_durable(change);
    --counts(change.inode).pending;
  }
  return done;
}

std::vector<DiskNames::Change> DiskNames::sync_all() {
  std::vector<Change> done = std::exchange(pending_, {});
  for (const Change& change : done) {
    apply_durable(change);
    --counts(change.inode).pending;
  }
  return done;
}

bool DiskNames::kept(const Change& change, const PowerCutHabits& habits, Key cut, Time at,
                     Decisions& decisions) const {
  if (change.at + habits.write_back_max <= at) return true;
  const Key back = kWriteBack.with(change.key.value);
  if (decisions.chance(back, habits.write_back, "disk.cut.name_write_back")) {
    const auto most = static_cast<std::uint64_t>(habits.write_back_max.ns());
    const std::uint64_t after =
        decisions.draw(back.with("after"), most + 1, "disk.cut.name_write_back_after");
    if (change.at + Duration(static_cast<std::int64_t>(after)) <= at) return true;
  }
  if (habits.names == NameLoss::ordered) return false;  // the prefix is drawn as a whole
  return decisions.chance(cut.with("name").with(change.key.value), habits.name_kept,
                          "disk.cut.name");
}

void DiskNames::power_cut(const PowerCutHabits& habits, Key cut, Time at, Decisions& decisions,
                          Outcome& outcome) {
  std::vector<Change> changes = std::exchange(pending_, {});
  std::size_t prefix = 0;
  if (habits.names == NameLoss::ordered && !changes.empty()) {
    prefix = decisions.draw(cut.with("names"), changes.size() + 1, "disk.cut.names");
  }
  std::vector<bool> keep(changes.size());
  for (std::size_t i = changes.size(); i-- > 0;) {
    keep[i] = i < prefix || kept(changes[i], habits, cut, at, decisions);
    // A journal that holds an operation holds those before it.
    if (habits.names == NameLoss::ordered && keep[i]) prefix = std::max(prefix, i + 1);
  }
  for (std::size_t i = 0; i < changes.size(); ++i) {
    --counts(changes[i].inode).pending;
    if (keep[i]) apply_durable(changes[i]);
    (keep[i] ? outcome.kept : outcome.lost).push_back(std::move(changes[i]));
  }
  restart_from_durable();
}

void DiskNames::restart_from_durable() {
  // What the root leads to, breadth first; the rest has no name any more.
  std::map<Inode, Directory> reached;
  std::vector<Inode> queue{root_};
  counts_.assign(counts_.size(), {});
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const auto it = directories_.find(queue[i]);
    if (it == directories_.end() || reached.contains(queue[i])) continue;
    it->second.cached = it->second.durable;
    for (const auto& [name, inode] : it->second.durable) {
      ++counts(inode).cached;
      ++counts(inode).durable;
      if (directories_.contains(inode)) queue.push_back(inode);
    }
    reached.emplace(queue[i], std::move(it->second));
  }
  directories_ = std::move(reached);
}

DiskNames DiskNames::durable_copy() const {
  DiskNames copy = *this;
  copy.pending_.clear();
  copy.restart_from_durable();
  return copy;
}

}  // namespace flux::sim
