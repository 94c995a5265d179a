// Injector: carries a FaultPlan out on a running world.
//
// What lasting faults do to links, habits, clocks and processors is not switched on and off but
// computed anew from the faults that are active, so that two which overlap end in any order. Each
// strike and each healing is folded into the run's hash, traced, counted and told to the observer.
// What a strike excuses the oracle computes from what the disks tell (fault_event.h).
//
// Owned by the assembly; lives as long as the world's events. It must not look into nodes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/fault/fault_event.h"
#include "sim/fault/ground.h"
#include "sim/fault/plan.h"
#include "sim/fault/registry.h"
#include "sim/fault/target.h"
#include "sim/world/world.h"

namespace flux::sim {

class Injector final : public MarkListener, private EventTarget {
 public:
  Injector(Ground& ground, FaultObserver& observer);
  Injector(const Injector&) = delete;
  Injector& operator=(const Injector&) = delete;

  // An error names the item and what is allowed. Only before the run; all items together.
  Result<void> arm(const FaultPlan& plan);
  // The liveness phase begins: nothing strikes any more, everything that is not permanent is
  // healed.
  void heal();

  // How often each row struck, by name.
  const std::map<std::string, std::uint64_t, std::less<>>& fired() const { return fired_; }
  // Processes that a permanent fault holds, and those on hosts that one holds: outside of the core.
  std::vector<std::uint32_t> outside() const;
  // Whatever is active, for reports.
  std::vector<std::string> active() const;

  void reached(const Mark& mark, Process* process) override;

 private:
  enum class Act : std::uint8_t { strike, heal, tick };
  struct Armed {
    FaultItem item;
    const FaultRow* row = nullptr;
    std::uint64_t hits = 0;  // of its mark
    std::uint64_t strikes = 0;
    std::uint64_t occasions = 0;  // of `every`
    bool spent = false;           // strikes no more
    // While it is active:
    bool active = false;
    std::uint64_t turn = 0;  // of activity: heals and ticks of an earlier one are stale
    Struck struck;
    std::vector<std::uint32_t> twins;
    // memory_limit: heap bytes by place in struck.processes; disk_full: capacity by host.
    std::vector<std::uint64_t> limits;
    Duration stepped;                  // clock_step and clock_jump: what heals
    std::vector<DiskSnapshot> images;  // disk_old_image, by place in struck.hosts
  };

  void fire(std::uint64_t argument) override;
  void schedule(std::uint32_t index, Act act, Duration in);
  Result<void> check(const FaultItem& item, const FaultRow& row) const;
  void occasion(std::uint32_t index);
  void strike(std::uint32_t index);
  bool will_strike(const Armed& armed, const Process& process) const;
  void heal_one(std::uint32_t index);
  void tick(std::uint32_t index);
  void tell(const Armed& armed, FaultPhase phase, std::string detail);
  std::int64_t parameter(const Armed& armed, const FaultParameter& of) const;

  // What an instant fault does, and what begins and ends with a lasting one that is not computed by
  // recompute(). The text says where it struck; nothing when there was nothing to strike.
  struct Outcome {
    bool struck = true;
    std::string detail;
    bool known = true;  // the row does something here
  };
  Outcome begin(Armed& armed);
  Outcome begin_network(Armed& armed);
  Outcome begin_process(Armed& armed);
  Outcome begin_clock(Armed& armed);
  Outcome begin_disk(Armed& armed);
  Outcome spoil(Armed& armed);
  void begin_memory_limit(Armed& armed);
  void begin_disk_full(Armed& armed);
  void finish(Armed& armed);
  void bring_back(Armed& armed);
  bool holds(const Armed& armed) const;
  void enforce_memory_limit(Armed& armed);
  void step_clock(Armed& armed, Duration by);
  void tell_clock(const Process& process);
  Duration tick_period(const Armed& armed) const;

  void recompute();
  void recompute_links();
  void recompute_habits();
  void recompute_processes();
  void recompute_disks();
  struct ProcessState {
    bool paused = false;
    std::uint32_t slowdown = 1;
    std::uint32_t sockets = 0;
    std::int64_t drift_ppb = 0;
  };
  struct DiskState {
    DiskHabits habits;
    bool hung = false;
  };
  // What one active item makes of them; false when its row does nothing there.
  bool apply_link(const Armed& armed, LinkRule& rule) const;
  bool apply_habits(const Armed& armed, NetworkHabits& habits) const;
  bool apply_process(const Armed& armed, ProcessState& state) const;
  bool apply_disk(const Armed& armed, std::uint32_t host, DiskState& state) const;
  bool apply_medium(const Armed& armed, DiskHabits& habits) const;
  // Whether any of them, or a tick, does something for this row, whatever it struck.
  bool lasts_somewhere(const Armed& armed) const;

  Ground& ground_;
  FaultObserver& observer_;
  std::vector<Armed> items_;
  std::vector<std::uint32_t> by_mark_;  // items that wait for a mark
  std::map<std::string, std::uint64_t, std::less<>> fired_;
  // Links that some item has touched: the others are as the scenario made them.
  std::map<std::pair<std::uint32_t, std::uint32_t>, bool> touched_;
  LinkRule base_rule_;
  NetworkHabits base_habits_;
  std::vector<DiskHabits> base_disks_;    // by host
  std::vector<std::int64_t> base_drift_;  // by process
  bool healed_ = false;
};

}  // namespace flux::sim
