// Network: byte streams with the real set of errors.
//
// Bytes arrive in order or not at all, cut at arbitrary places. A connection serves at most one
// reading and one writing task at a time. Every wait obeys the task's deadline (timed_out) and
// cancellation (cancelled); neither loses bytes: what was read or written before the wait is
// reported by the next call as if it had never been interrupted.
//
// Errors: refused, unreachable, timed_out, cancelled, reset (the peer or the path broke; bytes
// written may or may not have arrived), closed (this side closed it), address_in_use,
// too_many_files, invalid (an address that does not parse), io_error.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/env/task.h"

namespace flux::env {

class File;

struct Endpoint {
  std::string host;  // a name or a numeric address
  std::uint16_t port = 0;

  std::string to_string() const;  // "host:port", with brackets around an IPv6 address
  // "host:port", "[::1]:9092"; an empty host is allowed and means every address when listening.
  static Result<Endpoint> parse(std::string_view text);
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

class Connection {
 public:
  // Closes. Bytes accepted by write_some are still sent; unread input makes the peer see a reset.
  virtual ~Connection() = default;

  // At least one byte, at most into.size() (>= 1); 0 when the peer ended its side in order.
  virtual Result<std::size_t> read_some(Task& task, MutBytes into) = 0;

  // At least one byte, at most from.size() (>= 1).
  virtual Result<std::size_t> write_some(Task& task, ByteView from) = 0;

  // Sends file bytes [offset, offset + length) without a copy through the program where the
  // platform can; at least one byte, at most length (>= 1). The range must lie inside the file: a
  // file that is shorter than said is io_error.
  virtual Result<std::size_t> send_range(Task& task, File& file, std::uint64_t offset,
                                         std::size_t length) = 0;

  // Ends this side's sending: the peer reads the rest and then 0. Reading goes on.
  virtual void shutdown_write() = 0;
  // Ends both directions now; a task waiting in this connection gets `closed`.
  virtual void close() = 0;

  virtual const Endpoint& local() const = 0;
  virtual const Endpoint& peer() const = 0;
  // Names this connection for randomness and traces; unique and stable over runs in the simulator.
  virtual std::uint64_t id() const = 0;
};

class Listener {
 public:
  virtual ~Listener() = default;

  virtual Result<std::unique_ptr<Connection>> accept(Task& task) = 0;
  // The address it listens on; the port is the real one when 0 was asked for.
  virtual const Endpoint& local() const = 0;
};

class Network {
 public:
  virtual ~Network() = default;

  virtual Result<std::unique_ptr<Listener>> listen(Task& task, const Endpoint& at) = 0;
  virtual Result<std::unique_ptr<Connection>> connect(Task& task, const Endpoint& to) = 0;
};

// Whole-buffer forms over the calls above.
Result<void> write_all(Task& task, Connection& to, ByteView from);
Result<void> send_range_all(Task& task, Connection& to, File& file, std::uint64_t offset,
                            std::uint64_t length);
// Fills `into`; `closed` when the stream ended before its first byte, `reset` in the middle.
Result<void> read_exact(Task& task, Connection& from, MutBytes into);

}  // namespace flux::env
