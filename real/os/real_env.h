// RealEnv: the environment of a node over this machine, all parts of it built and driven together.
//
//   auto env = TRY(RealEnv::create({.data_root = "flux-data"}));
//   return env->run([&](env::Task& task) { return serve(task, env->env()); },
//                   [&](int) { node.stop(); });
//
// One at a time in a process (it takes SIGTERM, SIGHUP, SIGINT and SIGPIPE), used by one thread. It
// lives longer than everything built on its env().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/base/check.h"
#include "core/base/result.h"
#include "core/env/env.h"
#include "real/os/disk/os_disk.h"
#include "real/os/net/os_network.h"
#include "real/os/os_clock.h"
#include "real/os/os_random.h"
#include "real/os/os_trace.h"
#include "real/os/poller.h"
#include "real/os/reactor.h"

namespace flux::os {

enum class DiskEngineChoice : std::uint8_t {
  automatic,  // io_uring where it is allowed, else threads
  threads,
  io_uring,  // or RealEnv::create fails with `unsupported`
};

struct RealEnvConfig {
  std::string data_root = ".";
  DiskEngineChoice disk_engine = DiskEngineChoice::automatic;
  // Threads for file operations that block. With io_uring only the rare ones are left to them.
  unsigned disk_threads = 4;
  OsTraceConfig trace;
  // How long tasks that were cancelled at the end may take before they are dropped.
  Duration end_grace = seconds(5);
  // The end waits for file operations under way: for ever, or, with these two, until none has come
  // back for so long. `on_disk_hangs` must end the process: the kernel still has their buffers.
  Duration disk_quiet_max = Duration::max();
  std::function<void()> on_disk_hangs;
};

class RealEnv {
 public:
  // Runs as the first task; the status it returns is that of run().
  using MainTask = std::move_only_function<int(env::Task&)>;
  // Runs inside the loop but outside of any task, with the signal's number, at each SIGTERM,
  // SIGHUP or SIGINT: it may cancel, unpark and spawn.
  using OnStop = std::move_only_function<void(int)>;

  static Result<std::unique_ptr<RealEnv>> create(const RealEnvConfig& config);
  // Waits for file operations under way: their buffers stand on stacks that go away here.
  ~RealEnv();
  RealEnv(const RealEnv&) = delete;
  RealEnv& operator=(const RealEnv&) = delete;

  env::Env& env() { return *env_; }

  // Runs the loop until the main task has ended; then cancels what other tasks are left and runs
  // them to their ends. Without `on_stop` a signal cancels the main task. May be called again.
  // A call of the loop's own thread that hangs in the kernel is seen by nobody.
  int run(MainTask body, OnStop on_stop = {});

  std::string_view disk_engine() const { return engine_->name(); }
  // For tests: what a device does that is slow or hangs.
  DiskEngine& engine() { return *engine_; }
  // Why io_uring is not used, when it was looked for.
  const std::string& why_no_uring() const { return why_no_uring_; }
  const Reactor::Runs& runs() const { return reactor_.runs(); }
  OsTrace& trace() { return trace_; }

 private:
  explicit RealEnv(const RealEnvConfig& config);
  Result<void> start();
  void end_other_tasks();
  void look_for_hung_disk();
  void drain_disk();
  void leave_hung_disk();
  static void on_check_failed(const CheckSite& site);

  RealEnvConfig config_;
  OsClock clock_;
  OsRandom random_;
  OsTrace trace_;
  Poller poller_;
  Reactor reactor_;
  OsNetwork network_;
  std::string why_no_uring_;
  std::unique_ptr<DiskEngine> engine_;
  std::unique_ptr<OsDisk> disk_;
  std::optional<env::Env> env_;  // set by create()
  bool stopping_ = false;        // a signal asked for the end: the disk is watched
  Instant disk_quiet_since_;
  std::uint64_t disk_completed_ = 0;  // then
};

}  // namespace flux::os
