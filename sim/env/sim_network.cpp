#include "sim/env/sim_network.h"

#include "sim/env/connect.h"

namespace flux::sim {
namespace {

constexpr Key kLink = key("net.link");
constexpr Key kResetDelay = key("net.reset_delay");
constexpr std::uint16_t kFirstEphemeral = 32768;

constexpr std::string_view kCounterNames[] = {
    "connect",    "refused",     "connect_timeout", "reset",     "tail",
    "loss",       "duplicate",   "reorder",         "held",      "give_up",
    "short_read", "short_write", "slow_accept",     "half_open", "too_many_files",
};
static_assert(std::size(kCounterNames) == static_cast<std::size_t>(NetworkCounter::count_));

}  // namespace

std::string_view name_of(NetworkCounter counter) {
  return kCounterNames[static_cast<std::size_t>(counter)];
}

SimNetwork::SimNetwork(World& world, const NetworkHabits& habits, const LinkRule& rule)
    : world_(world), habits_(habits), default_rule_(rule) {
  world.watch_processes(*this);
}

SimNetwork::~SimNetwork() = default;

LinkRule& SimNetwork::rule(const std::string& from, const std::string& to) {
  const WorldScope scope;
  std::unique_ptr<LinkRule>& rule = rules_[{from, to}];
  if (!rule) {
    rule = std::make_unique<LinkRule>(default_rule_);
    for (const auto& link : links_) {
      for (const Link::Side side : {Link::kClient, Link::kServer}) {
        const bool same =
            link->local(side).host == from && link->local(Link::other(side)).host == to;
        if (same) link->outgoing(side).set_rule(*rule);
      }
    }
  }
  return *rule;
}

const LinkRule& SimNetwork::rule_in_force(const std::string& from, const std::string& to) const {
  const auto found = rules_.find({from, to});
  return found == rules_.end() ? default_rule_ : *found->second;
}

void SimNetwork::for_rules(
    const std::function<void(const std::string&, const std::string&, LinkRule&)>& body) {
  for (auto& [hosts, rule] : rules_) body(hosts.first, hosts.second, *rule);
}

void SimNetwork::release() {
  for (const auto& link : links_) {
    link->outgoing(Link::kClient).release();
    link->outgoing(Link::kServer).release();
  }
}

bool SimNetwork::host_up(const std::string& host) const {
  const auto down = hosts_down_.find(host);
  return down == hosts_down_.end() || !down->second;
}

std::uint16_t SimNetwork::free_port(const std::string& host) {
  std::uint16_t& next = next_port_.try_emplace(host, kFirstEphemeral).first->second;
  const std::uint16_t port = next;
  next = next == UINT16_MAX ? kFirstEphemeral : static_cast<std::uint16_t>(next + 1);
  return port;
}

ListenState* SimNetwork::find_listener(const std::string& host, std::uint16_t port) {
  for (const auto& listener : listeners_) {
    if (listener->open && listener->at.port == port && listener->host == host) {
      return listener.get();
    }
  }
  return nullptr;
}

ListenState* SimNetwork::listen(Process& process, const env::Endpoint& at,
                                const std::string& host) {
  env::Endpoint real = at;
  if (real.port == 0) real.port = free_port(host);
  if (find_listener(host, real.port)) return nullptr;
  auto state = std::make_unique<ListenState>();
  state->process = &process;
  state->incarnation = process.incarnation();
  state->host = host;
  state->at = std::move(real);
  listeners_.push_back(std::move(state));
  return listeners_.back().get();
}

void SimNetwork::unlisten(ListenState& state) {
  state.open = false;
  // Connections that nobody accepted are reset.
  for (Link* link : state.backlog) fail_end(*link, Link::kServer, ErrorCode::reset);
  state.backlog.clear();
}

void SimNetwork::wake_acceptor(ListenState& listener) { listener.process->wake(listener.acceptor); }

void SimNetwork::delay_accept(ListenState& listener, Duration wait) {
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    if (listeners_[i].get() == &listener) world_.at(world_.now() + wait, *this, i);
  }
}

void SimNetwork::fire(std::uint64_t listener) { wake_acceptor(*listeners_[listener]); }

ConnectState* SimNetwork::connect(Process& process, const std::string& host,
                                  const env::Endpoint& to) {
  // The n-th connect of this life of the process to this address.
  const std::uint64_t ordinal = sockets_[process.index()].connects++;
  const Key name = kLink.with(process.incarnation_key().value).with(to.host).with(to.port);
  attempts_.push_back(std::make_unique<ConnectState>(*this, process, host, to, name.with(ordinal)));
  attempts_.back()->begin();
  return attempts_.back().get();
}

Link& SimNetwork::make_link(ConnectState& attempt, ListenState& listener) {
  count(NetworkCounter::connect);
  links_.push_back(std::make_unique<Link>(*this, attempt.key, listener.at.port,
                                          rule_in_force(attempt.host, listener.host),
                                          rule_in_force(listener.host, attempt.host)));
  Link& link = *links_.back();
  Link::End& client = link.end(Link::kClient);
  client.process = attempt.process;
  client.incarnation = static_cast<std::uint32_t>(attempt.incarnation);
  link.set_local(Link::kClient, {attempt.host, free_port(attempt.host)});
  client.open = true;
  Link::End& server = link.end(Link::kServer);
  server.process = listener.process;
  server.incarnation = static_cast<std::uint32_t>(listener.incarnation);
  link.set_local(Link::kServer, {listener.host, listener.at.port});
  server.open = true;
  return link;
}

void SimNetwork::fail_end(Link& link, Link::Side side, ErrorCode error) {
  Link::End& end = link.end(side);
  if (!end.error) end.error = error;
  link.incoming(side).cut();
  if (!end.process) return;
  const bool same_life = end.process->incarnation() == end.incarnation;
  if (same_life) {
    end.process->wake(link.incoming(side).reader);
    end.process->wake(link.outgoing(side).writer);
  }
}

void Link::fire(std::uint64_t argument) {
  const Side side = argument == kClient ? kClient : kServer;
  // A reset does not pass a blocked path either; the other side is left to find out by itself.
  if (incoming(side).rule().blocks(port())) return;
  network_.fail_end(*this, side, ErrorCode::reset);
}

void SimNetwork::reset(Link& link, Link::Side told, Time at) {
  count(NetworkCounter::reset);
  const LinkRule& rule = link.incoming(told).rule();
  const auto span = static_cast<std::uint64_t>((rule.latency_max - rule.latency_min).ns());
  const Key name = link.key().with(kResetDelay.value).with(told);
  const std::uint64_t extra = world_.decisions().draw(name, span + 1, "net.reset_delay");
  world_.at(at + rule.latency_min + Duration(static_cast<std::int64_t>(extra)), link, told);
}

void SimNetwork::close(Link& link, Link::Side side) {
  Link::End& end = link.end(side);
  if (!end.open) return;
  end.open = false;
  if (end.error) return;
  const Time at = end.process->effect_time();
  if (link.incoming(side).unread()) {
    reset(link, Link::other(side), at);
  } else {
    link.outgoing(side).finish(at);
  }
}

void SimNetwork::delivered(Link& link, Pipe& pipe, std::uint64_t from, std::uint64_t to,
                           std::uint64_t cause) {
  const Link::Side side = link.reader_of(pipe);
  Link::End& end = link.end(side);
  if (!end.open) {
    // Bytes for a socket that is gone are answered by a reset; a host without power is silent.
    if (to != from && host_up(link.local(side).host)) {
      pipe.cut();
      reset(link, Link::other(side), world_.now());
    }
    return;
  }
  const std::uint64_t id =
      world_.note(end.process, env::Severity::debug, "net.deliver",
                  {{"connection", link.id()}, {"from", from}, {"to", to}}, cause);
  world_.set_cause(id);
  if (!pipe.reader.none()) end.process->wake(pipe.reader);
}

void SimNetwork::room_again(Link& link, Pipe& pipe) {
  const Link::Side writer = Link::other(link.reader_of(pipe));
  Link::End& end = link.end(writer);
  if (end.open && !pipe.writer.none()) end.process->wake(pipe.writer);
}

void SimNetwork::give_up(Link& link) {
  count(NetworkCounter::give_up);
  fail_end(link, Link::kClient, ErrorCode::timed_out);
  fail_end(link, Link::kServer, ErrorCode::timed_out);
}

template <class Body>
std::size_t SimNetwork::for_chosen(const std::string& host, std::uint16_t port, Ratio p, Key what,
                                   Body&& body) {
  const WorldScope scope;
  std::size_t chosen = 0;
  for (const auto& link : links_) {
    const Link::End& client = link->end(Link::kClient);
    const Link::End& server = link->end(Link::kServer);
    if (!client.open || !server.open) continue;
    if (link->local(Link::kClient).host != host && link->local(Link::kServer).host != host)
      continue;
    if (port != 0 && link->port() != port) continue;
    if (!world_.decisions().chance(what.with(link->id()), p, "net.choose_connection")) continue;
    body(*link);
    ++chosen;
  }
  return chosen;
}

std::size_t SimNetwork::reset_connections(const std::string& host, std::uint16_t port, Ratio p,
                                          Key what) {
  return for_chosen(host, port, p, what, [&](Link& link) {
    reset(link, Link::kClient, world_.now());
    reset(link, Link::kServer, world_.now());
  });
}

std::size_t SimNetwork::half_open(const std::string& host, std::uint16_t port, Ratio p, Key what) {
  return for_chosen(host, port, p, what, [&](Link& link) {
    count(NetworkCounter::half_open);
    const Link::Side side =
        world_.decisions().draw(what.with(link.id()).with(1), 2, "net.half_open_side") == 0
            ? Link::kClient
            : Link::kServer;
    fail_end(link, side, ErrorCode::reset);
    link.end(side).open = false;
  });
}

bool SimNetwork::take_socket(Process& process) {
  Sockets& sockets = sockets_[process.index()];
  if (sockets.limit != 0 && sockets.open >= sockets.limit) {
    count(NetworkCounter::too_many_files);
    return false;
  }
  ++sockets.open;
  return true;
}

void SimNetwork::give_socket(Process& process) { --sockets_[process.index()].open; }

void SimNetwork::set_socket_limit(Process& process, std::uint32_t limit) {
  sockets_[process.index()].limit = limit;
}

void SimNetwork::process_ended(Process& process, Exit exit) {
  sockets_[process.index()].open = 0;
  sockets_[process.index()].connects = 0;
  for (const auto& listener : listeners_) {
    if (listener->process != &process || !listener->open) continue;
    if (exit == Exit::power_cut) {
      listener->open = false;
      listener->backlog.clear();
    } else {
      unlisten(*listener);
    }
  }
  for (const auto& link : links_) {
    for (const Link::Side side : {Link::kClient, Link::kServer}) {
      Link::End& end = link->end(side);
      if (end.process != &process || !end.open) continue;
      if (exit == Exit::power_cut) {
        // Nobody is left to tell the peer; its next bytes find nothing, or a reset after the boot.
        end.open = false;
        continue;
      }
      close(*link, side);
    }
  }
}

}  // namespace flux::sim
