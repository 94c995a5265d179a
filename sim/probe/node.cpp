#include "sim/probe/node.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/mark.h"
#include "core/sync/task_group.h"
#include "sim/probe/canary.h"
#include "sim/probe/journal.h"
#include "sim/probe/wire.h"

namespace flux::sim::probe {
namespace {

enum class Canary : std::uint8_t { none, pointer_order, uninitialised };

std::string knob(const NodeConfig& config, const std::string& name) {
  const auto found = config.knobs.find(name);
  return found == config.knobs.end() ? std::string() : found->second;
}

struct Knob {
  std::string_view name;
  std::vector<std::string_view> values;
};

std::vector<Knob> all_knobs() {
  return {{"probe.bug", {"no_crc", "no_dedup", "no_dir_sync", "no_sync"}},
          {"probe.canary", {"pointer_order", "uninitialised"}}};
}

class Server {
 public:
  Server(env::Env& env, const NodeConfig& config)
      : env_(env), journal_(bugs(config)), group_(env.scheduler) {
    const std::string canary = knob(config, "probe.canary");
    if (canary == "pointer_order") canary_ = Canary::pointer_order;
    if (canary == "uninitialised") canary_ = Canary::uninitialised;
  }

  Result<void> run(env::Task& task, const NodeConfig& config) {
    TRY(journal_.open(task, env_.disk, config.directory));
    TRACE(env_.trace, info, "probe.recovered", {"entries", journal_.entries()},
          {"cut_bytes", journal_.cut_bytes()});
    const auto listener = TRY(env_.network.listen(task, {config.address, config.port}));
    TRACE(env_.trace, info, "node.serving", {"port", config.port});
    Result<void> ended = accept_all(task, *listener);
    group_.cancel();
    const env::Shield shield(task);
    const Result<void> waited = group_.wait(task);
    if (!waited) return waited;
    if (!ended && ended.error().code() == ErrorCode::cancelled) return {};
    return ended;
  }

 private:
  static Bugs bugs(const NodeConfig& config) {
    const std::string name = knob(config, "probe.bug");
    return {.no_sync = name == "no_sync",
            .no_crc = name == "no_crc",
            .no_dedup = name == "no_dedup",
            .no_dir_sync = name == "no_dir_sync"};
  }

  Result<void> accept_all(env::Task& task, env::Listener& listener) {
    for (;;) {
      Result<std::unique_ptr<env::Connection>> connection = listener.accept(task);
      if (!connection) {
        if (connection.error().code() != ErrorCode::too_many_files) {
          return std::unexpected(connection.error());
        }
        TRY(env::sleep_until(task, env_.clock.now() + milliseconds(50)));
        continue;
      }
      REACHED("probe.accepted");
      group_.spawn("probe.connection",
                   [this, held = std::move(*connection)](env::Task& child) { talk(child, *held); });
    }
  }

  void talk(env::Task& task, env::Connection& peer) {
    for (;;) {
      const Result<Frame> request = receive(task, peer);
      if (!request) return;
      bite();
      const Result<Frame> answer = handle(task, *request);
      Frame reply;
      if (answer) {
        reply = *answer;
      } else {
        reply.code = Code::failed;
        reply.first = static_cast<std::uint64_t>(answer.error().code());
      }
      if (!send(task, peer, reply)) return;
    }
  }

  Result<Frame> handle(env::Task& task, const Frame& request) {
    if (request.code == Code::read) return journal_.read(task, request.first);
    if (request.code != Code::append) return fail(ErrorCode::unsupported);
    Frame answer;
    answer.code = Code::done;
    answer.first = TRY(journal_.append(task, request));
    return answer;
  }

  // A canary shows as time: the number becomes work.
  void bite() {
    std::uint64_t number = 0;
    if (canary_ == Canary::pointer_order) number = order_by_pointer();
    if (canary_ == Canary::uninitialised) number = read_uninitialised();
    env_.scheduler.charge(microseconds(static_cast<std::int64_t>(number)));
  }

  env::Env& env_;
  Canary canary_ = Canary::none;
  Journal journal_;
  sync::TaskGroup group_;
};

}  // namespace

Result<void> check_knobs(const std::map<std::string, std::string>& knobs) {
  const std::vector<Knob> all = all_knobs();
  for (const auto& [name, value] : knobs) {
    const auto known = std::ranges::find(all, name, &Knob::name);
    if (known == all.end()) {
      return fail(ErrorCode::invalid, name + ": the test node has probe.bug and probe.canary");
    }
    if (std::ranges::find(known->values, value) == known->values.end()) {
      return fail(ErrorCode::invalid,
                  fmt::format("{}={}: allowed are {}", name, value, fmt::join(known->values, " ")));
    }
  }
  return {};
}

Result<void> serve(env::Task& task, env::Env& env, const NodeConfig& config) {
  Server server(env, config);
  return server.run(task, config);
}

}  // namespace flux::sim::probe
