#include "sim/cluster/program.h"

#include <charconv>

#include <fmt/format.h>

#include "core/controller/decisions.h"
#include "core/controller/topic_config.h"
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

  Result<void> check_topic(const ClusterFacts::Topic& topic) const override {
    const auto named = controller::check_topic_name(topic.name);
    if (!named) return fail(ErrorCode::invalid, named.error().detail);
    for (const auto& [name, value] : topic.config) {
      const controller::TopicSetting* setting = controller::find_topic_setting(name);
      if (!setting) return fail(ErrorCode::invalid, "Unknown topic config name: " + name);
      TRY(controller::check_topic_setting(*setting, value));
    }
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
  Result<void> check(const NodeSetup& setup) const override {
    const Result<void> good = probe::check_knobs(setup.config);
    if (!good) return std::unexpected(good.error().in("broker_config"));
    return {};
  }

  Result<void> run(env::Task& task, env::Env& env, const NodeSetup& setup,
                   Process& process) override {
    const env::TaskHandle self = task.handle();
    env::Scheduler* scheduler = &env.scheduler;
    process.on_stop([scheduler, self] { scheduler->cancel(self); });
    return probe::serve(task, env, {setup.address, setup.port, setup.log_directory, setup.config});
  }
};

}  // namespace

std::string write_setup(const NodeSetup& setup) {
  std::string out = fmt::format("self {} {} {}\nlogs {}\n", setup.id.value(), setup.port,
                                setup.address, setup.log_directory);
  for (const NodeSetup::Peer& peer : setup.peers) {
    out += fmt::format("peer {} {} {}\n", peer.id.value(), peer.port, peer.address);
  }
  for (const auto& [name, value] : setup.config) out += fmt::format("{}={}\n", name, value);
  return out;
}

Result<NodeSetup> read_setup(std::string_view text) {
  NodeSetup setup;
  const auto endpoint = [](std::string_view rest, NodeSetup::Peer& peer) {
    std::int32_t id = 0;
    const auto first = std::from_chars(rest.data(), rest.data() + rest.size(), id);
    if (first.ec != std::errc() || first.ptr == rest.data() + rest.size()) return false;
    const char* port = first.ptr + 1;
    const auto second = std::from_chars(port, rest.data() + rest.size(), peer.port);
    if (second.ec != std::errc() || second.ptr == rest.data() + rest.size()) return false;
    peer.id = NodeId(id);
    peer.address.assign(second.ptr + 1, rest.data() + rest.size());
    return true;
  };
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    NodeSetup::Peer peer;
    const std::size_t equals = line.find('=');
    if (line.starts_with("logs ")) {
      setup.log_directory = line.substr(5);
    } else if (line.starts_with("self ") && endpoint(line.substr(5), peer)) {
      setup.id = peer.id;
      setup.port = peer.port;
      setup.address = peer.address;
    } else if (line.starts_with("peer ") && endpoint(line.substr(5), peer)) {
      setup.peers.push_back(peer);
    } else if (equals != std::string_view::npos) {
      setup.config.emplace(line.substr(0, equals), line.substr(equals + 1));
    } else {
      return fail(ErrorCode::invalid, fmt::format("setup: {}", line));
    }
  }
  return setup;
}

std::vector<std::string_view> program_names() { return {"broker", "probe"}; }

std::unique_ptr<NodeProgram> make_program(std::string_view name) {
  if (name == "broker") return std::make_unique<BrokerProgram>();
  if (name == "probe") return std::make_unique<ProbeProgram>();
  return nullptr;
}

}  // namespace flux::sim
