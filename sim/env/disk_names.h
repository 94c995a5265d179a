// DiskNames: the directories of one simulated disk, twice: as processes see them and as a power cut
// would leave them, with the operations between the two in order.
//
// An operation within one directory is whole or not there. A file that moves from one directory to
// another is one operation too under NameLoss::ordered; under `anything` its two halves survive
// apart, so that it may be in both places or in neither. Knows inodes, not what is in them; counts
// for each how often anything names it, so that its owner knows when it can go.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/keyed.h"
#include "sim/env/disk_faults.h"
#include "sim/env/disk_omen.h"
#include "sim/world/decisions.h"
#include "sim/world/time.h"

namespace flux::sim {

class DiskNames {
 public:
  using Entries = std::map<std::string, Inode, std::less<>>;
  struct Place {
    Inode directory;
    std::string_view name;
  };
  enum class Act : std::uint8_t { link, unlink, move };
  // One name operation, and where it led.
  struct Change {
    Act act = Act::link;
    Inode inode;
    Inode directory;
    std::string name;
    Inode to_directory;  // move
    std::string to_name;
    std::string path;  // of the name that it gave or took
    Key key;
    Time at;
  };

  explicit DiskNames(Inode root) : root_(root) { add_directory(root); }

  Inode root() const { return root_; }
  bool is_directory(Inode inode) const { return directories_.contains(inode); }
  const Entries& entries(Inode directory) const { return directories_.at(directory).cached; }
  // kNoInode when the name is not there.
  Inode find(Inode directory, std::string_view name) const;
  // Names that processes can see, and all mentions: those, durable ones and operations to come.
  std::uint32_t visible(Inode inode) const { return counts(inode).cached; }
  std::uint32_t mentions(Inode inode) const;

  void add_directory(Inode inode) { directories_[inode]; }
  void drop_directory(Inode inode) { directories_.erase(inode); }
  // Replaces what had the name. `key` names the operation for draws.
  void link(Inode inode, Place at, std::string_view path, Key key, Time now);
  void unlink(Place at, std::string_view path, Key key, Time now);
  void move(Place from, Place to, std::string_view path, NameLoss loss, Key key, Time now);

  // What became durable, oldest first.
  std::vector<Change> sync(Inode directory, NameLoss loss);
  std::vector<Change> sync_all();

  struct Outcome {
    std::vector<Change> kept;
    std::vector<Change> lost;
  };
  // Afterwards nothing is pending, and processes see what is durable. Directories and files that no
  // name leads to any more have no mention.
  void power_cut(const PowerCutHabits& habits, Key cut, Time at, Decisions& decisions,
                 Outcome& outcome);
  // Durable names only, as a copy of the device has them.
  DiskNames durable_copy() const;

 private:
  struct Directory {
    Entries cached;
    Entries durable;
  };
  struct Counts {
    std::uint32_t cached = 0;
    std::uint32_t durable = 0;
    std::uint32_t pending = 0;
  };

  const Counts& counts(Inode inode) const;
  Counts& counts(Inode inode);
  void set(Entries Directory::* side, std::uint32_t Counts::* count, Inode directory,
           std::string_view name, Inode inode);
  void apply_durable(const Change& change);
  void push(Change change);
  bool kept(const Change& change, const PowerCutHabits& habits, Key cut, Time at,
            Decisions& decisions) const;
  void restart_from_durable();

  Inode root_;
  std::map<Inode, Directory> directories_;
  std::vector<Counts> counts_;  // by inode
  std::vector<Change> pending_;
};

}  // namespace flux::sim
