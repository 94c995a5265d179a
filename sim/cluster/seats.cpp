#include "sim/cluster/seats.h"

#include "sim/world/node_heap.h"

namespace flux::sim {

void ClientSeat::waits_for(std::string_view what) {
  const WorldScope scope;
  waiting_.assign(what);
}

void ClientSeat::begin_phase(RunPhase phase) {
  phase_ = phase;
  done_ = false;
}

void ClientSeat::restarted() {
  done_ = false;
  waiting_.clear();
}

}  // namespace flux::sim
