// DiskImage: the disk of one simulated machine, as a pure model: files, names, what a power cut
// would leave of them, and what is wrong with the medium. Shared by the machine's processes.
//
// It knows no world: time comes with each call, choices from Decisions, and how long something
// takes is the affair of SimDisk. Content is kept pristine and faults of the medium lie over it, so
// that heal() forgets them all. Every choice is keyed by the file (its path and how many files had
// this path before) and the operation's number on that file, or by the number of the power cut.
//
// Invariants: after a power cut a file holds, sector by sector, something that it held since its
// last sync, and all that a true sync covered; the observer was told of every byte that this
// image gained, lost or spoiled. Must not be allocated on a node's heap (callers open a
// WorldScope).
#pragma once

#include <array>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/env/disk.h"
#include "sim/env/disk_names.h"
#include "sim/env/disk_overlay.h"
#include "sim/env/file_image.h"

namespace flux::sim {

template <class T = void>
using DiskResult = std::expected<T, ErrorCode>;

// How often each thing happened, for reports and floors.
enum class DiskCounter : std::uint8_t {
  read,
  write,
  sync,
  name_operation,
  power_cut,
  bytes_lost,
  names_lost,
  read_error,
  write_error,
  sync_error,
  name_error,
  lying_sync,
  phantom,
  misdirected_write,
  misdirected_read,
  rot,
  latent,
  no_space,
  too_many_files,
  hang,
  wipe,
  rollback,
  count_
};
std::string_view name_of(DiskCounter counter);

// Where an injected fault struck.
struct FaultHit {
  Inode inode;
  std::string path;
  ByteRange range;
};

class DiskSnapshot;

class DiskImage {
 public:
  // `key` names the machine. `observer` may be null.
  DiskImage(Key key, const DiskHabits& habits, Decisions& decisions, DiskObserver* observer);
  ~DiskImage();
  DiskImage(const DiskImage&) = delete;
  DiskImage& operator=(const DiskImage&) = delete;

  DiskHabits& habits() { return habits_; }
  const DiskHabits& habits() const { return habits_; }
  std::uint64_t counted(DiskCounter counter) const {
    return counters_[static_cast<std::size_t>(counter)];
  }
  void count(DiskCounter counter, std::uint64_t by = 1) {
    counters_[static_cast<std::size_t>(counter)] += by;
  }

  // Names. Paths are absolute; a missing leading '/' is the same. open() holds the inode until
  // close(), whatever happens to its name.
  DiskResult<Inode> open(std::string_view path, env::Open mode, Time at);
  void close(Inode inode);
  DiskResult<> make_directory(std::string_view path, Time at);
  DiskResult<> rename(std::string_view from, std::string_view to, Time at);
  DiskResult<> remove(std::string_view path, Time at);
  DiskResult<> sync_directory(std::string_view path, Time at);
  DiskResult<const DiskNames::Entries*> list(std::string_view path);
  bool is_directory(Inode inode) const { return names_.is_directory(inode); }
  // Made with its parents and durable at once: what is there before a node starts.
  void provide_directory(std::string_view path);

  // Bytes.
  DiskResult<std::size_t> read(Inode inode, std::uint64_t offset, MutBytes into);
  DiskResult<> write(Inode inode, std::uint64_t offset, ByteView from, Time at);
  DiskResult<> truncate(Inode inode, std::uint64_t size, Time at);
  DiskResult<> allocate(Inode inode, std::uint64_t size, Time at);
  std::uint64_t size(Inode inode) const;
  // A sync covers at least the changes up to what newest() says when it is called.
  std::uint64_t newest(Inode inode) const;
  DiskResult<> sync(Inode inode, std::uint64_t through, Time at);
  std::uint64_t dirty_bytes(Inode inode) const;
  env::Space space(Time at);
  // Names the file; and its next call, for draws about how long that takes.
  Key key_of(Inode inode) const { return node(inode).key; }
  Key next_call(Inode inode) {
    Node& n = node(inode);
    return n.key.with(n.calls++);
  }
  std::string_view path_of(Inode inode) const;

  // The machine. No process of it may hold a file during a power cut, a wipe and a restore. A
  // snapshot may be restored on another machine's image.
  void drop_cache();
  // Everything wrong with the medium is forgotten, what was not stored is stored, orders and
  // chances are taken back, limits and speed are as at first. What a power cut took stays lost.
  void heal();
  void power_cut(Time at);
  void wipe();
  DiskSnapshot snapshot() const;
  void restore(const DiskSnapshot& snapshot);

  // Faults now, at a drawn place of the target; nothing when no file matches. `occasion` names this
  // injection: two with one name strike the same place.
  std::optional<FaultHit> rot(const FaultTarget& target, Key occasion);
  std::optional<FaultHit> make_unreadable(const FaultTarget& target, Key occasion);
  // At a given place; false when the file is not there or shorter.
  bool rot_at(std::string_view path, std::uint64_t offset, std::byte mask);
  bool make_unreadable_at(std::string_view path, ByteRange range);
  // Faults of operations to come.
  void order(const FaultOrder& order) { orders_.push_back({order, 0, 0}); }

  // For checks: the true bytes, as they are and as a power cut that keeps nothing would leave them.
  Inode find(std::string_view path) const;
  // False once the file is gone: removed, or never there again after a power cut.
  bool holds(Inode inode) const {
    return inode.value() < nodes_.size() && nodes_[inode.value()] != nullptr;
  }
  ByteView pristine(Inode inode) const;
  ByteView durable(Inode inode) const;
  // Of all content and names, durable and not.
  std::uint64_t digest() const;

 private:
  friend class DiskSnapshot;
  struct Node {
    Inode inode;
    Key key;
    std::string path;
    FileImage content;
    DiskOverlay overlay;
    ByteRange last_synced;
    std::uint64_t allocated = 0;
    std::uint64_t charged = 0;  // of the disk's space
    std::uint32_t opens = 0;
    bool shaky = false;  // what a node was told is durable is not
    std::uint64_t calls = 0;
    std::uint64_t reads = 0;
    std::uint64_t writes = 0;
    std::uint64_t syncs = 0;
    std::uint64_t name_changes = 0;
  };
  struct Standing {
    FaultOrder order;
    std::uint64_t seen = 0;
    std::uint64_t struck = 0;
  };
  struct Spot {
    Node* node = nullptr;
    ByteRange range;
  };
  struct Resolved {
    Inode directory;        // kNoInode: a parent is missing
    std::string_view name;  // empty: the root itself
    Inode inode;            // kNoInode: not there
  };

  Node& node(Inode inode);
  const Node& node(Inode inode) const;
  Resolved resolve(std::string_view path) const;
  Inode make_node(std::string_view path);
  void release(Node& node);
  void release_condemned();
  void bury(ByteView bytes);
  void recharge(Node& node);
  std::uint64_t free_bytes(Time at);
  static Key next_name_key(Node& node) { return node.key.with("name").with(node.name_changes++); }

  void tell(OmenKind kind, const Node& node, ByteRange range = {}) {
    if (observer_) observer_->foresee({kind, node.inode, node.path, range});
  }
  void tell_all(OmenKind kind, const Node& node, const std::vector<ByteRange>& ranges);
  void tell_disk(OmenKind kind);
  void tell_names_synced(const std::vector<DiskNames::Change>& changes);

  bool ordered(OrderedFault fault, std::string_view path, ByteRange range);
  DiskResult<> name_fault(std::string_view path);
  void mend(Node& node, ByteRange range);
  void store(Node& node, std::uint64_t offset, ByteView from, Time at);
  void store_astray(Node& node, Key draw, bool lands, std::uint64_t offset, ByteView from, Time at);
  void spoil(Node& node, Key draw, ByteRange range);
  std::uint64_t room_for(Node& node, std::uint64_t end, Time at);
  std::size_t misread(Node& node, Key draw, std::uint64_t offset, MutBytes into);
  void rot_bit(Node& node, std::uint64_t offset, std::byte mask, bool hidden);
  std::optional<Spot> draw_spot(Key draw);
  std::optional<Spot> aim(const FaultTarget& target, Key occasion);
  // Every visible file, in order of path.
  std::vector<std::pair<std::string, Inode>> files() const;
  void settle_old(Node& node, Time at);
  void cut_names(Key cut, Time at);
  void cut_content(Node& node, Time at);
  void drop_unreachable();

  Key key_;
  DiskHabits habits_;
  const DiskHabits base_;  // as given at first: what healing goes back to, without chances
  Decisions& decisions_;
  DiskObserver* observer_;
  std::vector<std::unique_ptr<Node>> nodes_;  // by inode; null when gone
  DiskNames names_;
  std::map<std::string, std::uint32_t, std::less<>> births_;  // files that each path has had
  std::map<std::string, std::uint64_t, std::less<>> name_operations_;  // of each path
  std::vector<Inode> condemned_;  // not visible any more; gone once nothing mentions them
  std::vector<Standing> orders_;
  Bytes grave_;  // the last bytes of removed files
  std::uint64_t used_bytes_ = 0;
  std::uint64_t cuts_ = 0;
  std::vector<ByteRange> scratch_;
  std::array<std::uint64_t, static_cast<std::size_t>(DiskCounter::count_)> counters_{};
};

// A copy of what a disk held durably, for bringing an old image back.
class DiskSnapshot {
 private:
  friend class DiskImage;
  struct File {
    Inode inode;
    Key key;
    std::string path;
    Bytes content;
  };
  explicit DiskSnapshot(DiskNames names) : names_(std::move(names)) {}

  DiskNames names_;
  std::vector<File> files_;
};

}  // namespace flux::sim
