#include "sim/env/node_network.h"

#include "core/env/disk.h"
#include "core/env/scheduler.h"
#include "sim/env/connect.h"

namespace flux::sim {
namespace {

using env::Task;
using env::Wake;

constexpr Key kShortRead = key("net.short_read");
constexpr Key kShortReadLength = key("net.short_read_length");
constexpr Key kShortWrite = key("net.short_write");
constexpr Key kShortWriteLength = key("net.short_write_length");

std::unexpected<Error> ended(Wake wake) {
  return fail(wake == Wake::cancelled ? ErrorCode::cancelled : ErrorCode::timed_out);
}

class SimConnection final : public env::Connection {
 public:
  SimConnection(SimNetwork& network, Process& process, Link& link, Link::Side side)
      : network_(network),
        process_(process),
        link_(link),
        side_(side),
        local_(link.local(side)),
        peer_(link.local(Link::other(side))) {}

  ~SimConnection() override {
    close();
    const WorldScope scope;
    network_.give_socket(process_);
  }

  Result<std::size_t> read_some(Task& task, MutBytes into) override {
    CHECK(!into.empty());
    Pipe& pipe = link_.incoming(side_);
    pipe.load();
    for (;;) {
      if (auto error = broken()) return fail(*error);
      if (pipe.available() > 0) return take(pipe, into);
      if (pipe.ended()) {
        process_.seam(SeamKind::read, link_.id(), pipe.read_offset(), 0);
        return std::size_t{0};
      }
      CHECK(pipe.reader.none(), "two tasks read one connection");
      pipe.reader = task.handle();
      const Wake wake = task.scheduler().park(task);
      pipe.reader = {};
      if (wake != Wake::ready && pipe.available() == 0) return ended(wake);
    }
  }

  Result<std::size_t> write_some(Task& task, ByteView from) override {
    CHECK(!from.empty());
    Pipe& pipe = link_.outgoing(side_);
    pipe.load();
    for (;;) {
      if (shut_) return fail(ErrorCode::closed);
      if (auto error = broken()) return fail(*error);
      if (pipe.room() > 0) return put(pipe, from);
      CHECK(pipe.writer.none(), "two tasks write one connection");
      pipe.writer = task.handle();
      const Wake wake = task.scheduler().park(task);
      pipe.writer = {};
      if (wake != Wake::ready && pipe.room() == 0) return ended(wake);
    }
  }

  Result<std::size_t> send_range(Task& task, env::File& file, std::uint64_t offset,
                                 std::size_t length) override {
    CHECK_GT(length, 0U);
    Bytes piece(std::min<std::size_t>(length, 64 * 1024));
    const std::size_t count = TRY(file.read_at(task, offset, piece));
    if (count == 0) return fail(ErrorCode::io_error, "send_range past the end of the file");
    return write_some(task, ByteView(piece).first(count));
  }

  void shutdown_write() override {
    if (shut_ || !link_.end(side_).open || link_.end(side_).error) return;
    shut_ = true;
    process_.charge_call(0);
    process_.seam(SeamKind::shut, link_.id(), 1, 0);
    const WorldScope scope;
    link_.outgoing(side_).finish(process_.effect_time());
  }

  void close() override {
    if (closed_) return;
    closed_ = true;
    process_.charge_call(0);
    process_.seam(SeamKind::shut, link_.id(), 2, 0);
    const WorldScope scope;
    network_.close(link_, side_);
    process_.wake(link_.incoming(side_).reader);
    process_.wake(link_.outgoing(side_).writer);
  }

  const env::Endpoint& local() const override { return local_; }
  const env::Endpoint& peer() const override { return peer_; }
  std::uint64_t id() const override { return link_.id(); }

 private:
  std::optional<ErrorCode> broken() {
    if (closed_) return ErrorCode::closed;
    const std::optional<ErrorCode> error = link_.end(side_).error;
    if (error) {
      process_.seam(SeamKind::net_error, link_.id(), static_cast<std::uint64_t>(*error), 0);
    }
    return error;
  }

  // A drawn prefix of `size` bytes when the draw says so.
  std::size_t cut(const Pipe& pipe, std::uint64_t offset, std::size_t size, Ratio chance,
                  Key whether, Key length, NetworkCounter counter) {
    if (chance.never() || size < 2) return size;
    Decisions& decisions = network_.world().decisions();
    const Key here = pipe.key().with(offset);
    if (!decisions.chance(here.with(whether.value), chance, "net.short")) return size;
    network_.count(counter);
    return 1 + static_cast<std::size_t>(
                   decisions.draw(here.with(length.value), size - 1, "net.short_length"));
  }

  std::size_t take(Pipe& pipe, MutBytes into) {
    std::size_t size = std::min(into.size(), pipe.available());
    size = cut(pipe, pipe.read_offset(), size, network_.habits().short_read, kShortRead,
               kShortReadLength, NetworkCounter::short_read);
    const std::uint64_t offset = pipe.read_offset();
    const MutBytes taken = into.first(size);
    pipe.read(taken);
    process_.charge_call(size);
    process_.seam(SeamKind::read, link_.id(), offset, hash_bytes(taken));
    return size;
  }

  std::size_t put(Pipe& pipe, ByteView from) {
    std::size_t size = std::min(from.size(), pipe.room());
    const std::uint64_t offset = pipe.written();
    size = cut(pipe, offset, size, network_.habits().short_write, kShortWrite, kShortWriteLength,
               NetworkCounter::short_write);
    const ByteView put = from.first(size);
    process_.charge_call(size);
    process_.seam(SeamKind::write, link_.id(), offset, hash_bytes(put));
    pipe.set_last_send(network_.world().note(
        &process_, env::Severity::debug, "net.send",
        {{"connection", link_.id()}, {"from", offset}, {"to", offset + size}}));
    const WorldScope scope;
    pipe.write(put, process_.effect_time());
    return size;
  }

  SimNetwork& network_;
  Process& process_;
  Link& link_;
  Link::Side side_;
  bool closed_ = false;
  bool shut_ = false;
  env::Endpoint local_;
  env::Endpoint peer_;
};

class SimListener final : public env::Listener {
 public:
  SimListener(SimNetwork& network, Process& process, ListenState& state)
      : network_(network), process_(process), state_(state), local_(state.at) {}

  ~SimListener() override {
    const WorldScope scope;
    network_.unlisten(state_);
    network_.give_socket(process_);
  }

  Result<std::unique_ptr<env::Connection>> accept(Task& task) override {
    while (state_.backlog.empty()) {
      CHECK(state_.acceptor.none(), "two tasks accept on one listener");
      state_.acceptor = task.handle();
      const Wake wake = task.scheduler().park(task);
      state_.acceptor = {};
      if (wake != Wake::ready && state_.backlog.empty()) return ended(wake);
    }
    process_.charge_call(0);
    Link* link = nullptr;
    {
      const WorldScope scope;
      if (!network_.take_socket(process_)) {
        process_.seam(SeamKind::accept, 0, static_cast<std::uint64_t>(ErrorCode::too_many_files),
                      0);
        return fail(ErrorCode::too_many_files, "accept on " + local_.to_string());
      }
      link = state_.backlog.front();
      state_.backlog.pop_front();
    }
    process_.seam(SeamKind::accept, link->id(), 0, 0);
    return std::make_unique<SimConnection>(network_, process_, *link, Link::kServer);
  }

  const env::Endpoint& local() const override { return local_; }

 private:
  SimNetwork& network_;
  Process& process_;
  ListenState& state_;
  env::Endpoint local_;
};

}  // namespace

Result<std::unique_ptr<env::Listener>> NodeNetwork::listen(Task&, const env::Endpoint& at) {
  process_.charge_call(0);
  ListenState* state = nullptr;
  ErrorCode error = ErrorCode::address_in_use;
  {
    const WorldScope scope;
    if (!network_.take_socket(process_)) {
      error = ErrorCode::too_many_files;
    } else if (state = network_.listen(process_, at, host_); !state) {
      network_.give_socket(process_);
    }
  }
  process_.seam(SeamKind::listen, state ? state->at.port : at.port,
                state ? 0 : static_cast<std::uint64_t>(error), 0);
  if (!state) return fail(error, "listening on " + at.to_string());
  return std::make_unique<SimListener>(network_, process_, *state);
}

Result<std::unique_ptr<env::Connection>> NodeNetwork::connect(Task& task, const env::Endpoint& to) {
  process_.charge_call(0);
  ConnectState* state = nullptr;
  {
    const WorldScope scope;
    if (network_.take_socket(process_)) state = network_.connect(process_, host_, to);
  }
  if (!state) return fail(ErrorCode::too_many_files, "connecting to " + to.to_string());
  Wake wake = Wake::ready;
  while (!state->done && wake == Wake::ready) {
    state->waiter = task.handle();
    wake = task.scheduler().park(task);
  }
  state->waiter = {};
  std::optional<ErrorCode> error = state->error;
  if (!state->done) {
    state->abandoned = true;
    error = wake == Wake::cancelled ? ErrorCode::cancelled : ErrorCode::timed_out;
  }
  process_.seam(SeamKind::connect, state->key.value,
                error ? static_cast<std::uint64_t>(*error) + 1 : 0, 0);
  if (error) {
    const WorldScope scope;
    network_.give_socket(process_);
  }
  if (error) return fail(*error, "connecting to " + to.to_string());
  return std::make_unique<SimConnection>(network_, process_, *state->link, Link::kClient);
}

}  // namespace flux::sim
