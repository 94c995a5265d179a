#include "real/os/net/os_network.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>

#include "core/base/check.h"
#include "core/env/scheduler.h"
#include "real/os/net/os_connection.h"
#include "real/os/os_error.h"

namespace flux::os {
namespace {

constexpr int kBacklog = 4096;  // the kernel cuts it to net.core.somaxconn
constexpr Duration kShortageWait = milliseconds(50);

Fd open_spare() { return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

// What accept() reports of a connection that died in the queue, or of the path to it.
bool is_of_one_peer(int error_number) {
  switch (error_number) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case EPERM:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case EOPNOTSUPP:
    case ETIMEDOUT:
      return true;
    default:
      return false;
  }
}

}  // namespace

class OsListener final : public env::Listener {
 public:
  OsListener(OsNetwork& network, Fd fd, env::Endpoint local)
      : network_(network), socket_(network.poller_, std::move(fd)), local_(std::move(local)) {}

  Result<void> start() { return socket_.start(); }
  Result<std::unique_ptr<env::Connection>> accept(env::Task& task) override;
  const env::Endpoint& local() const override { return local_; }

 private:
  Error shortage(env::Task& task, int error_number);

  OsNetwork& network_;
  PolledFd socket_;
  env::Endpoint local_;
};

Result<std::unique_ptr<env::Connection>> OsListener::accept(env::Task& task) {
  for (;;) {
    env::yield_if_due(task);
    Fd fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd.open()) {
      auto connection =
          std::make_unique<OsConnection>(network_.poller_, std::move(fd), network_.next_id_++);
      TRY(connection->start());
      connection->established();
      return connection;
    }
    if (is_of_one_peer(errno)) continue;
    if (errno != EAGAIN) return std::unexpected(shortage(task, errno));
    TRY(socket_.wait_readable(task));
  }
}

// Out of descriptors or memory: the waiting connection would make every accept fail at once, and a
// server that simply tries again would spin. So one connection is turned away, and the caller gets
// the error only after a pause.
Error OsListener::shortage(env::Task& task, int error_number) {
  const Error error = os_error(error_number, "accepting on " + local_.to_string());
  const bool turned_away =
      error.code() == ErrorCode::too_many_files && network_.shed(socket_.get());
  TRACE(network_.trace_, warning, "net.accept_shortage", {"listener", local_.to_string()},
        {"error", error.to_string()}, {"turned_away", turned_away ? 1 : 0});
  // A pause that a deadline or a cancellation cuts short is as good: the caller ends then.
  [[maybe_unused]] const Result<void> paused =
      env::sleep_until(task, network_.clock_.now() + kShortageWait);
  return error;
}

OsNetwork::OsNetwork(Poller& poller, env::Clock& clock, env::Trace& trace)
    : poller_(poller), clock_(clock), trace_(trace), resolver_(poller), spare_(open_spare()) {}

bool OsNetwork::shed(int listening_fd) {
  spare_.close();
  Fd waiting(::accept4(listening_fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  const bool any = waiting.open();
  waiting.close();
  spare_ = open_spare();
  return any;
}

Result<std::unique_ptr<env::Listener>> OsNetwork::listen(env::Task& task, const env::Endpoint& at) {
  SocketAddress address;
  if (at.host.empty()) {
    address = SocketAddress::any6(at.port);
  } else {
    // One socket for a name of several addresses: the IPv4 one, which every client can reach.
    const std::vector<SocketAddress> all = TRY(resolver_.resolve(task, at));
    const auto four = std::ranges::find(all, AF_INET, &SocketAddress::family);
    address = four != all.end() ? *four : all.front();
  }
  const std::string doing = "listening on " + at.to_string();
  Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.open() && errno == EAFNOSUPPORT && at.host.empty()) {  // a machine without IPv6
    address = SocketAddress::any4(at.port);
    fd = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  }
  if (!fd.open()) return std::unexpected(os_error(errno, doing));
  const int on = 1;
  const int off = 0;
  // A restart may take the port back although old connections linger in TIME_WAIT.
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.family() == AF_INET6) {
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, at.host.empty() ? &off : &on, sizeof off);
  }
  if (::bind(fd.get(), address.get(), address.length()) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    const int error = errno;
    // An address that is not this machine's.
    if (error == EADDRNOTAVAIL) return std::unexpected(os_error(ErrorCode::invalid, error, doing));
    return std::unexpected(os_error(error, doing));
  }
  const std::uint16_t port = SocketAddress::local_of(fd.get()).endpoint().port;
  auto listener = std::make_unique<OsListener>(*this, std::move(fd), env::Endpoint{at.host, port});
  TRY(listener->start());
  return listener;
}

Result<std::unique_ptr<env::Connection>> OsNetwork::connect(env::Task& task,
                                                            const env::Endpoint& to) {
  const std::vector<SocketAddress> addresses = TRY(resolver_.resolve(task, to));
  for (std::size_t i = 0;; ++i) {
    auto connection = connect_to(task, addresses[i], to);
    if (connection || i + 1 == addresses.size()) return connection;
    const ErrorCode code = connection.error().code();
    const bool of_this_address = code == ErrorCode::refused || code == ErrorCode::unreachable ||
                                 code == ErrorCode::reset || code == ErrorCode::permission;
    if (!of_this_address) return connection;
  }
}

Result<std::unique_ptr<env::Connection>> OsNetwork::connect_to(env::Task& task,
                                                               const SocketAddress& to,
                                                               const env::Endpoint& named) {
  const std::string doing = "connecting to " + named.to_string();
  Fd fd(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.open()) return std::unexpected(os_error(errno, doing));
  const int raw = fd.get();
  auto connection = std::make_unique<OsConnection>(poller_, std::move(fd), next_id_++);
  TRY(connection->start());
  int error = ::connect(raw, to.get(), to.length()) == 0 ? 0 : errno;
  if (error == EINTR) error = EINPROGRESS;  // the attempt goes on by itself
  while (error == EINPROGRESS) {
    const Result<void> waited = connection->socket().wait_writable(task);
    if (!waited) return std::unexpected(waited.error().in(doing));
    // A wake without the event: an attempt under way has neither an error nor a peer.
    socklen_t length = sizeof error;
    CHECK(::getsockopt(raw, SOL_SOCKET, SO_ERROR, &error, &length) == 0);
    if (error == 0 && SocketAddress::peer_of(raw).length() == 0) error = EINPROGRESS;
  }
  if (error == EAGAIN) error = EADDRNOTAVAIL;  // no local port is left
  if (error != 0) return std::unexpected(os_error(error, doing));
  connection->established();
  // With nobody listening on a port of the range that the kernel picks local ports from, an attempt
  // can meet itself. That peer does not exist.
  if (connection->local() == connection->peer()) return fail(ErrorCode::refused, doing);
  return connection;
}

}  // namespace flux::os
