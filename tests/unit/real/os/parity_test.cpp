// The contracts of tests/parity, held by the real world: those of the disk and the network with
// each of the two disk engines.
#include <string>

#include "tests/parity/disk_contract.h"
#include "tests/parity/network_contract.h"
#include "tests/parity/random_contract.h"
#include "tests/parity/scheduler_contract.h"
#include "tests/unit/real/os/test_env.h"

namespace flux::parity {
namespace {

template <os::DiskEngineChoice engine>
class RealHarness : public os::TestEnv {
 public:
  RealHarness() : os::TestEnv(engine) {}

  static std::string unavailable() {
    if (engine != os::DiskEngineChoice::io_uring) return {};
    const os::TemporaryFolder folder;
    os::RealEnvConfig config;
    config.data_root = folder.path();
    config.disk_engine = engine;
    config.trace.severity_min = env::Severity::error;
    const auto made = os::RealEnv::create(config);
    return made ? std::string() : made.error().to_string();
  }
  std::string host() const { return "127.0.0.1"; }
};

using Threads = RealHarness<os::DiskEngineChoice::threads>;
using Uring = RealHarness<os::DiskEngineChoice::io_uring>;

INSTANTIATE_TYPED_TEST_SUITE_P(Real, RandomContract, Threads);
INSTANTIATE_TYPED_TEST_SUITE_P(Real, SchedulerContract, Threads);
INSTANTIATE_TYPED_TEST_SUITE_P(RealThreads, DiskContract, Threads);
INSTANTIATE_TYPED_TEST_SUITE_P(RealUring, DiskContract, Uring);
INSTANTIATE_TYPED_TEST_SUITE_P(RealThreads, NetworkContract, Threads);
INSTANTIATE_TYPED_TEST_SUITE_P(RealUring, NetworkContract, Uring);

}  // namespace
}  // namespace flux::parity
