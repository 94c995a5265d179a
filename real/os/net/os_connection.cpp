#include "real/os/net/os_connection.h"

#include <algorithm>
#include <cerrno>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "core/base/check.h"
#include "real/os/disk/os_file.h"
#include "real/os/net/socket_address.h"
#include "real/os/os_error.h"

namespace flux::os {

PolledFd::PolledFd(Poller& poller, Fd fd) : poller_(poller), fd_(std::move(fd)) {}

PolledFd::~PolledFd() {
  CHECK(!reader_ && !writer_, "a connection or listener ended while a task waited in it");
}

void PolledFd::close() {
  fd_.close();
  on_events(EPOLLHUP);
}

void PolledFd::on_events(std::uint32_t events) {
  if (reader_ && says_readable(events)) reader_->scheduler().unpark(reader_->handle());
  if (writer_ && says_writable(events)) writer_->scheduler().unpark(writer_->handle());
}

Result<void> PolledFd::wait(env::Task& task, env::Task*& place) {
  CHECK(!place, "two tasks wait for one direction of a socket");
  place = &task;
  const env::Wake wake = task.scheduler().park(task);
  place = nullptr;
  if (!fd_.open()) return fail(ErrorCode::closed);
  switch (wake) {
    case env::Wake::ready:
      return {};
    case env::Wake::timed_out:
      return fail(ErrorCode::timed_out);
    case env::Wake::cancelled:
      return fail(ErrorCode::cancelled);
  }
  return {};
}

void OsConnection::established() {
  const int on = 1;
  // Requests and answers are whole messages: waiting to fill a segment only adds delay.
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // A peer that vanished while nothing is sent is noticed in the end.
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  local_ = SocketAddress::local_of(socket_.get()).endpoint();
  peer_ = SocketAddress::peer_of(socket_.get()).endpoint();
}

Result<void> OsConnection::before_call(env::Task& task) {
  env::yield_if_due(task);
  if (!socket_.open()) return fail(ErrorCode::closed);
  return {};
}

Error OsConnection::stream_error(int error_number, std::string_view doing) {
  broken_ = true;
  switch (error_number) {
    // The path broke, or the peer stopped answering for as long as TCP tries.
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case ENOTCONN:
      return os_error(ErrorCode::reset, error_number, doing);
    default:
      return os_error(error_number, doing);
  }
}

Result<std::size_t> OsConnection::read_some(env::Task& task, MutBytes into) {
  CHECK(!into.empty(), "a read into nothing");
  for (;;) {
    TRY(before_call(task));
    const ssize_t count = ::recv(socket_.get(), into.data(), into.size(), 0);
    if (count > 0) return static_cast<std::size_t>(count);
    if (count == 0) {
      if (broken_) return fail(ErrorCode::reset, "reading: the connection broke before");
      return 0;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return std::unexpected(stream_error(errno, "reading from a connection"));
    TRY(socket_.wait_readable(task));
  }
}

Result<std::size_t> OsConnection::write_some(env::Task& task, ByteView from) {
  CHECK(!from.empty(), "a write of nothing");
  for (;;) {
    TRY(before_call(task));
    if (write_ended_) return fail(ErrorCode::closed, "writing after this side ended its sending");
    if (broken_) return fail(ErrorCode::reset, "writing: the connection broke before");
    const ssize_t count = ::send(socket_.get(), from.data(), from.size(), MSG_NOSIGNAL);
    if (count > 0) return static_cast<std::size_t>(count);
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return std::unexpected(stream_error(errno, "writing to a connection"));
    TRY(socket_.wait_writable(task));
  }
}

Result<std::size_t> OsConnection::send_range(env::Task& task, env::File& file, std::uint64_t offset,
                                             std::size_t length) {
  CHECK(length > 0, "a send of nothing");
  auto& os_file = dynamic_cast<OsFile&>(file);
  // A piece that one call can hand over well within a run's limit.
  constexpr std::size_t kPiece = std::size_t{256} << 10;
  const std::size_t piece = std::min(length, kPiece);
  bool loaded = false;
  for (;;) {
    TRY(before_call(task));
    if (write_ended_) return fail(ErrorCode::closed, "writing after this side ended its sending");
    if (broken_) return fail(ErrorCode::reset, "writing: the connection broke before");
    // sendfile() would wait for the device in the loop's thread. Once is enough: pages that memory
    // pressure takes away again at once must not keep this from ever sending.
    if (!loaded && !os_file.in_page_cache(offset, piece)) {
      TRY(os_file.load(task, offset, piece));
      loaded = true;
      continue;
    }
    auto position = static_cast<off_t>(offset);
    const ssize_t count = ::sendfile(socket_.get(), os_file.fd(), &position, piece);
    if (count > 0) return static_cast<std::size_t>(count);
    if (count == 0) return fail(ErrorCode::io_error, os_file.path() + ": shorter than said");
    if (errno == EINTR) continue;
    if (errno == EIO) return std::unexpected(os_error(errno, "sending from " + os_file.path()));
    if (errno != EAGAIN) return std::unexpected(stream_error(errno, "sending a file's range"));
    TRY(socket_.wait_writable(task));
  }
}

void OsConnection::shutdown_write() {
  if (!socket_.open() || write_ended_) return;
  write_ended_ = true;
  // Fails only on a connection that is broken, which the next call says.
  static_cast<void>(::shutdown(socket_.get(), SHUT_WR));
}

}  // namespace flux::os
