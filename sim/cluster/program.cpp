#include "sim/cluster/program.h"

#include <fmt/format.h>

#include "net/node/node.h"
#include "sim/probe/node.h"

namespace flux::sim {
namespace {

// The broker: net/node, exactly as the daemon builds it.
class BrokerProgram final : public NodeProgram {
 public:
  Result<void> check(const NodeSetup& setup) const override {
    const Result<node::Config> config = configure(setup);
    if (!config) return std::unexpected(config.error().in("broker_config"));
    return {};
  }

  Result<void> run(env::Task& task, env::Env& env, const NodeSetup& setup,
                   Process& process) override {
    node::Node node(env, TRY(configure(setup)));
    process.on_stop([&node] { node.request_stop(); });
    return node.run(task);
  }

 private:
  static Result<node::Config> configure(const NodeSetup& setup) {
    std::string text = fmt::format(
        "node.id={}\nprocess.roles=broker,controller\nlog.dirs={}\n"
        "listeners=PLAINTEXT://{}:{}\n",
        setup.id.value(), setup.log_directory, setup.address, setup.port);
    for (const auto& [name, value] : setup.config) text += fmt::format("{}={}\n", name, value);
    return node::Config::parse(text);
  }
};

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

std::vector<std::string_view> program_names() { return {"broker", "probe"}; }

std::unique_ptr<NodeProgram> make_program(std::string_view name) {
  if (name == "broker") return std::make_unique<BrokerProgram>();
  if (name == "probe") return std::make_unique<ProbeProgram>();
  return nullptr;
}

}  // namespace flux::sim
