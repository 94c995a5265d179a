#include "sim/cluster/replay_node.h"

#include <memory>

#include <fmt/format.h>

#include "core/base/check.h"
#include "sim/cluster/program.h"
#include "sim/replay/node_player.h"
#include "sim/replay/replaying_env.h"

namespace flux::sim {

Result<NodeReplay> replay_node(const NodeRecord& record) {
  const std::unique_ptr<NodeProgram> program = make_program(record.program);
  if (!program) return fail(ErrorCode::invalid, fmt::format("no program \"{}\"", record.program));
  World world({.seed = record.seed, .stacks = {}});
  ProcessConfig config;
  config.name = record.process;
  config.order = record.seeded_order ? fiber::ReadyOrder::hosted : fiber::ReadyOrder::fifo;
  config.cost = record.cost;
  Process& process = world.add_process(config);
  std::unique_ptr<ReplayingEnv> environment;
  NodeSetup setup;
  const auto make_main = [&](const std::string& text) -> Process::Main {
    const Result<NodeSetup> read = read_setup(text);
    CHECK(read.has_value(), "a record of another build");
    setup = *read;
    return [&](env::Task& task) {
      env::Env env = environment->env();
      static_cast<void>(program->run(task, env, setup, process));
    };
  };
  NodePlayer player(world, process, record, make_main);
  environment = std::make_unique<ReplayingEnv>(player);
  player.play();
  NodeReplay replay{player.hash(), player.difference(), player.taken()};
  // What still runs of the node must not ask the player for more.
  if (process.alive()) process.end(Exit::killed);
  process.tap(nullptr);
  if (replay.difference.empty() && replay.hash != record.hash) {
    replay.difference =
        fmt::format("the hash is {:016x} and was {:016x}", replay.hash, record.hash);
  }
  return replay;
}

}  // namespace flux::sim
