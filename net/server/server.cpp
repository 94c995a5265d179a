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
      limits_(config.connections),
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
      if (!admit(task, listening, std::move(*stream))) return;
      continue;
    }
    if (stream.error() == ErrorCode::cancelled) return;
    shared_.metrics.accept_failures.add();
    REACHED("server.accept_failed");
    TRACE(shared_.env.trace, warning, "server.accept_failed", {"listener", listening.name},
          {"why", stream.error().to_string()});
    if (!env::sleep_until(task, shared_.env.clock.now() + kAcceptPause)) return;
  }
}

// As Kafka does, with the connection in hand: whoever waits behind it waits in the kernel's line.
Result<void> Server::wait_for_room(env::Task& task, const Listening& listening) {
  const Instant now = shared_.env.clock.now();
  const Instant at = limits_.pace(listening.name, now);
  if (at > now) {
    REACHED("server.connection_rate");
    shared_.metrics.throttled.add();
    TRY(env::sleep_until(task, at));
  }
  if (limits_.has_room(listening.name)) return {};
  REACHED("server.connections_wait");
  shared_.metrics.waited.add();
  if (const auto times = waits_.happened(now)) {
    TRACE(shared_.env.trace, warning, "server.connections_wait", {"listener", listening.name},
          {"connections", connections_.running()}, {"times", *times});
  }
  while (!limits_.has_room(listening.name)) TRY(room_.wait(task));
  return {};
}

void Server::refuse(const Listening& listening, const env::Connection& stream,
                    std::string_view limit, metrics::Counter& count) {
  count.add();
  const auto times = refusals_.happened(shared_.env.clock.now());
  if (!times) return;
  TRACE(shared_.env.trace, warning, "server.connection_refused", {"limit", limit},
        {"listener", listening.name}, {"peer", stream.peer().to_string()}, {"times", *times});
}

Result<void> Server::admit(env::Task& task, const Listening& listening,
                           std::unique_ptr<env::Connection> stream) {
  shared_.metrics.accepted.add();
  TRY(wait_for_room(task, listening));
  // Nothing suspends from here on.
  if (connections_.running() >= shared_.config.connections_served_max) {
    REACHED("server.too_many_connections");
    refuse(listening, *stream, "served at once", shared_.metrics.refused_full);
  } else if (!limits_.admits(stream->peer().host)) {
    REACHED("server.too_many_of_one_address");
    refuse(listening, *stream, "max.connections.per.ip", shared_.metrics.refused_per_ip);
  } else {
    start(listening, std::move(stream));
  }
  return {};
}

void Server::start(const Listening& listening, std::unique_ptr<env::Connection> stream) {
  const std::string ip = stream->peer().host;
  limits_.begin(listening.name, ip);
  const std::string name = fmt::format("connection-{}", stream->id());
  auto connection = std::make_unique<Connection>(shared_, listening.name, std::move(stream));
  connections_.spawn(name, [this, ip, listener = listening.name,
                            admitted = std::move(connection)](env::Task& task) {
    admitted->serve(task);
    limits_.end(listener, ip);
    room_.notify_all();
  });
}

void Server::write_metrics(metrics::Exposition& to) const {
  using metrics::Kind;
  shared_.metrics.write(to);
  to.single("flux_connections", Kind::gauge, "Connections that are open.",
            std::uint64_t{connections_.running()});
  to.single("flux_request_memory_bytes", Kind::gauge,
            "Memory that requests and their answers take, all together.",
            shared_.request_memory.taken());
  to.single("flux_request_memory_limit_bytes", Kind::gauge,
            "Memory that requests and their answers may take.", shared_.request_memory.bytes());
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
