// Ground: the cluster as the injector needs it. The assembly (sim/cluster) implements it.
//
// Holding a process down and letting it go are counted, since two faults may hold the same one: it
// starts when the last lets go. Indices are places in these lists and never change; a twin and its
// host are appended.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/env/machine_disk.h"
#include "sim/env/sim_network.h"
#include "sim/world/process.h"

namespace flux::sim {

struct GroundProcess {
  Process* process = nullptr;
  std::uint32_t host = 0;
  bool broker = false;
  // Connections by class, as ports of this process; 0: it has none of its own.
  std::uint16_t data_port = 0;
  std::uint16_t control_port = 0;
  std::uint16_t metadata_port = 0;
};

struct GroundHost {
  std::string name;     // as scenarios say
  std::string address;  // as the network says; changes when the host moves
  std::string rack;
  MachineDisk* disk = nullptr;
};

class Ground {
 public:
  virtual World& world() = 0;
  virtual SimNetwork& network() = 0;
  virtual const std::vector<GroundProcess>& processes() const = 0;
  virtual const std::vector<GroundHost>& hosts() const = 0;

  // Ends it now, if it runs, and keeps it down until as many release() calls as hold() calls.
  virtual void hold(std::uint32_t process, Exit exit) = 0;
  // Asks it to end in order and keeps it down; kills it when it has not ended within its bound.
  virtual void hold_in_order(std::uint32_t process) = 0;
  virtual void release(std::uint32_t process) = 0;
  // For the whole machine: its processes, its network, what its disk loses.
  virtual void power_cut(std::uint32_t host) = 0;
  virtual void power_on(std::uint32_t host) = 0;
  // While its processes are held down: another address from the next start on.
  virtual void move(std::uint32_t host) = 0;
  // A second instance on a new host, from a copy of the durable disk; the index of its process.
  virtual std::uint32_t start_twin(std::uint32_t process) = 0;
  virtual void end_twin(std::uint32_t twin) = 0;

 protected:
  ~Ground() = default;
};

}  // namespace flux::sim
