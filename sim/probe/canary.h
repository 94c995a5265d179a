// Two canaries: planted breaches of determinism that the gate must catch, or the gate is broken.
//
// Each yields a small number that depends on something no simulation may depend on. Off unless a
// scenario says otherwise; no other code may use this.
#pragma once

#include <cstdint>

namespace flux::sim::probe {

// The order of some addresses: changes with the layout that the system chose for this process.
std::uint64_t order_by_pointer();
// What happens to lie in memory that nobody wrote: changes with compiler, flags and layout.
std::uint64_t read_uninitialised();

}  // namespace flux::sim::probe
