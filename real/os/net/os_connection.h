// One TCP connection over a non-blocking socket.
//
// After the connection broke once, every later call says reset: the kernel tells a broken
// connection's error to one call only, and the next read would look like an orderly end.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/env/network.h"
#include "core/env/scheduler.h"
#include "real/os/fd.h"
#include "real/os/poller.h"

namespace flux::os {

// A descriptor in the poller, and the tasks that wait for it.
class PolledFd final : public PollTarget {
 public:
  PolledFd(Poller& poller, Fd fd);
  // Nobody may wait in it.
  ~PolledFd() override;

  Result<void> start() { return poller_.add(fd_.get(), *this); }
  int get() const { return fd_.get(); }
  bool open() const { return fd_.open(); }
  // Wakes whoever waits; they find it closed.
  void close();

  // Waits for an event of that direction. Spurious wakes are possible. `closed`, `timed_out`,
  // `cancelled`.
  Result<void> wait_readable(env::Task& task) { return wait(task, reader_); }
  Result<void> wait_writable(env::Task& task) { return wait(task, writer_); }

  void on_events(std::uint32_t events) override;

 private:
  Result<void> wait(env::Task& task, env::Task*& place);

  Poller& poller_;
  Fd fd_;
  env::Task* reader_ = nullptr;
  env::Task* writer_ = nullptr;
};

class OsConnection final : public env::Connection {
 public:
  OsConnection(Poller& poller, Fd fd, std::uint64_t id) : socket_(poller, std::move(fd)), id_(id) {}

  // Registers with the poller. For an outgoing connection, before it is established.
  Result<void> start() { return socket_.start(); }
  PolledFd& socket() { return socket_; }
  // Takes the addresses and the options that need an established connection.
  void established();

  Result<std::size_t> read_some(env::Task& task, MutBytes into) override;
  Result<std::size_t> write_some(env::Task& task, ByteView from) override;
  Result<std::size_t> send_range(env::Task& task, env::File& file, std::uint64_t offset,
                                 std::size_t length) override;
  void shutdown_write() override;
  void close() override { socket_.close(); }
  const env::Endpoint& local() const override { return local_; }
  const env::Endpoint& peer() const override { return peer_; }
  std::uint64_t id() const override { return id_; }

 private:
  Result<void> before_call(env::Task& task);
  Error stream_error(int error_number, std::string_view doing);

  PolledFd socket_;
  std::uint64_t id_;
  bool broken_ = false;
  bool write_ended_ = false;
  env::Endpoint local_;
  env::Endpoint peer_;
};

}  // namespace flux::os
