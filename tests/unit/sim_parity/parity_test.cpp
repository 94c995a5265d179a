// The contracts of tests/parity, held by the simulated world: as it is left alone, with tasks in a
// drawn order, and with everything that a stream or a disk may do to a correct program without an
// error: pieces, small windows, loss below the stream, slow operations, lies of the clock apart.
#include "tests/parity/disk_contract.h"
#include "tests/parity/network_contract.h"
#include "tests/parity/random_contract.h"
#include "tests/parity/scheduler_contract.h"
#include "tests/unit/sim_parity/sim_harness.h"

namespace flux::parity {
namespace {

struct Calm {
  static SimSetup make() { return {}; }
};

struct Shuffled {
  static SimSetup make() {
    SimSetup setup;
    setup.order = fiber::ReadyOrder::hosted;
    return setup;
  }
};

struct Rough {
  static SimSetup make() {
    SimSetup setup;
    setup.order = fiber::ReadyOrder::hosted;
    setup.network.short_read = ratio(1, 2);
    setup.network.short_write = ratio(1, 2);
    setup.network.window_bytes = 9'000;
    setup.link.loss = ratio(1, 50);
    setup.link.duplicate = ratio(1, 50);
    setup.link.reorder = ratio(1, 20);
    setup.link.tail = ratio(1, 100);
    setup.link.bytes_per_second = std::uint64_t{100} << 20;
    setup.disk.speed.tail = ratio(1, 10);
    setup.disk.speed.slowdown = 5;
    setup.disk.speed.operations_per_second = 5'000;
    return setup;
  }
};

using SimCalm = SimHarness<Calm>;
using SimShuffled = SimHarness<Shuffled>;
using SimRough = SimHarness<Rough>;

INSTANTIATE_TYPED_TEST_SUITE_P(Sim, RandomContract, SimCalm);
INSTANTIATE_TYPED_TEST_SUITE_P(Sim, SchedulerContract, SimCalm);
INSTANTIATE_TYPED_TEST_SUITE_P(SimShuffled, SchedulerContract, SimShuffled);
INSTANTIATE_TYPED_TEST_SUITE_P(Sim, DiskContract, SimCalm);
INSTANTIATE_TYPED_TEST_SUITE_P(SimRough, DiskContract, SimRough);
INSTANTIATE_TYPED_TEST_SUITE_P(Sim, NetworkContract, SimCalm);
INSTANTIATE_TYPED_TEST_SUITE_P(SimRough, NetworkContract, SimRough);

}  // namespace
}  // namespace flux::parity
