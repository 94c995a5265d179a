// MachineDisk: the disk of one simulated machine at work: operations take time, wait for each other
// at the device, hang, and are in flight when a process dies. What they do to files is DiskImage's.
//
// A process sees it through SimDisk. An operation that changes something takes effect when it
// completes; a kill finds it done, not done, or (a write) done in part. Owned by the world; holds
// whatever a node's operation needs, since the node's memory may vanish at any event.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/env/task.h"
#include "sim/env/disk_image.h"
#include "sim/world/world.h"

namespace flux::sim {

// Values are part of the run's hash: append only.
enum class DiskCall : std::uint8_t {
  open = 1,
  read,
  write,
  sync,
  truncate,
  allocate,
  size,
  lock,
  make_directory,
  rename,
  remove,
  sync_directory,
  list,
  space,
  close,
};
std::string_view name_of(DiskCall call);

class MachineDisk final : public ProcessWatcher, private EventTarget, private DiskObserver {
 public:
  // `observer` may be null and outlives this.
  MachineDisk(World& world, std::string machine, const DiskHabits& habits,
              DiskObserver* observer = nullptr);
  ~MachineDisk();
  MachineDisk(const MachineDisk&) = delete;
  MachineDisk& operator=(const MachineDisk&) = delete;

  const std::string& machine() const { return machine_; }
  DiskImage& image() { return image_; }
  DiskHabits& habits() { return image_.habits(); }
  std::uint64_t boot_id() const { return boot_id_; }

  // Nothing completes until resume(). A kill takes a process away from it all the same.
  void hang();
  void resume();
  bool hung() const { return hung_; }

  // The machine lost power or was restarted: what was not durable is gone or not, as drawn. Its
  // processes have ended before.
  void power_cut();
  // The image's own, with a trace; processes have ended before the last two.
  void heal();
  void wipe();
  void restore(const DiskSnapshot& snapshot);

  void process_ended(Process& process, Exit exit) override;

 private:
  friend class SimDisk;
  friend class SimFile;
  using Slot = std::uint32_t;

  struct Operation {
    std::uint32_t generation = 0;
    bool used = false;
    bool done = false;
    DiskCall call = DiskCall::open;
    Process* process = nullptr;
    env::TaskHandle waiter;
    Key key;
    Inode inode;
    std::uint64_t offset = 0;  // or size, or the change that a sync reaches
    env::Open mode = env::Open::read;
    std::string path;  // of a name operation
    std::string to;
    Bytes data;
    std::optional<ErrorCode> error;
  };
  // A file that a process has open; the node's object names it by slot.
  struct Handle {
    Process* process = nullptr;  // null: free
    Inode inode;
    bool locked = false;
  };
  struct Lock {
    std::uint32_t process = 0;
    std::uint32_t handles = 0;
  };

  void fire(std::uint64_t argument) override;
  void foresee(const Omen& omen) override;

  // In a WorldScope: a free operation, already filled with who waits; then started.
  Slot prepare(Process& process, env::TaskHandle waiter, DiskCall call);
  Operation& operation(Slot slot) { return operations_[slot]; }
  void start(Slot slot, const LatencyRange& latency, std::uint64_t device_bytes, bool device);
  void release(Slot slot);
  void perform(Operation& operation, Time at);
  void perform_in_flight(Operation& operation);
  Key next_name_call(std::string_view path);

  Slot open_handle(Process& process, Inode inode);
  void close_handle(Slot slot);
  bool may_open(const Process& process) const;
  bool lock(Slot slot);

  World& world_;
  std::string machine_;
  Key key_;
  DiskObserver* observer_;
  DiskImage image_;
  std::uint64_t boots_ = 1;
  std::uint64_t boot_id_ = 0;
  bool hung_ = false;
  Time device_free_;
  std::vector<Operation> operations_;
  std::vector<Slot> free_operations_;
  std::vector<std::uint64_t> stuck_;  // event arguments that came while the disk hung
  std::vector<Handle> handles_;
  std::vector<Slot> free_handles_;
  std::map<std::uint32_t, std::uint32_t> open_files_;  // by process index
  std::map<Inode, Lock> locks_;
  std::map<std::string, std::uint64_t, std::less<>> name_calls_;  // of each path
};

}  // namespace flux::sim
