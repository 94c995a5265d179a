#include "sim/cluster/program.h"

#include "core/sync/event.h"
#include "sim/probe/node.h"

namespace flux::sim {
namespace {

// The simulator's own test node (sim/probe).
class ProbeProgram final : public NodeProgram {
 public:
  Result<void> run(env::Task& task, env::Env& env, const NodeSetup& setup,
                   Process& process) override {
    const env::TaskHandle self = task.handle();
    env::Scheduler* scheduler = &env.scheduler;
    process.on_stop([scheduler, self] { scheduler->cancel(self); });
    return probe::serve(task, env, {setup.address, setup.port, setup.log_directory, setup.config});
  }
};

}  // namespace

std::vector<std::string_view> program_names() { return {"probe"}; }

std::unique_ptr<NodeProgram> make_program(std::string_view name) {
  if (name == "probe") return std::make_unique<ProbeProgram>();
  return nullptr;
}

}  // namespace flux::sim
