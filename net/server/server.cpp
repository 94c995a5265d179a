#include "net/server/server.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/mark.h"

namespace flux::server {

namespace {

// After an error of the whole process (no more files), so that the loop does not spin.
constexpr Duration kAcceptPause = milliseconds(100);

}  // namespace

Server::Server(env::Env& env, broker::Broker& broker, const ServerConfig& config, NodeFacts facts)
    : shared_{.env = env,
              .broker = broker,
              .config = config,
              .facts = std::move(facts),
              .fetch_sessions = FetchSessions(config.fetch_sessions),
              .request_memory = RequestMemory(config.request_memory_max),
              .extra_requests = ExtraRequests(config.extra_requests_max)},
      acceptors_(env.scheduler),
      connections_(env.scheduler) {}

Result<void> Server::listen(env::Task& task) {
  for (const ListenerConfig& wanted : shared_.config.listeners) {
    auto listener = shared_.env.network.listen(task, wanted.at);
    if (!listener) {
      return std::unexpected(
          listener.error().in(fmt::format("{}://{}", wanted.name, wanted.at.to_string())));
    }
    listening_.push_back({wanted.name, std::move(*listener)});
  }
  return {};
}

std::vector<ListenerConfig> Server::listeners() const {
  std::vector<ListenerConfig> out;
  for (const Listening& listening : listening_) {
    out.push_back({listening.name, listening.listener->local()});
  }
  return out;
}

void Server::serve() {
  for (Listening& listening : listening_) {
    acceptors_.spawn("accept",
                     [this, &listening](env::Task& task) { accept_loop(task, listening); });
  }
}

void Server::accept_loop(env::Task& task, Listening& listening) {
  for (;;) {
    auto stream = listening.listener->accept(task);
    if (stream) {
      admit(listening, std::move(*stream));
      continue;
    }
    if (stream.error() == ErrorCode::cancelled) return;
    REACHED("server.accept_failed");
    TRACE(shared_.env.trace, warning, "server.accept_failed", {"listener", listening.name},
          {"why", stream.error().to_string()});
    if (!env::sleep_until(task, shared_.env.clock.now() + kAcceptPause)) return;
  }
}

void Server::admit(const Listening& listening, std::unique_ptr<env::Connection> stream) {
  const std::size_t most =
      std::min(shared_.config.connections_max, shared_.config.connections_served_max);
  if (connections_.running() >= most) {
    REACHED("server.too_many_connections");
    TRACE(shared_.env.trace, warning, "server.too_many_connections", {"max", most});
    return;
  }
  const std::string name = fmt::format("connection-{}", stream->id());
  auto connection = std::make_unique<Connection>(shared_, listening.name, std::move(stream));
  connections_.spawn(
      name, [admitted = std::move(connection)](env::Task& task) { admitted->serve(task); });
}

Result<void> Server::stop(env::Task& task) {
  acceptors_.cancel();
  TRY(acceptors_.wait(task));
  listening_.clear();
  shared_.broker.hurry();
  connections_.cancel();
  return connections_.wait(task);
}

}  // namespace flux::server
