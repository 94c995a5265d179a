#include "net/client/pool.h"

#include <utility>

#include "core/base/check.h"
#include "net/client/backoff.h"

namespace flux::client {
namespace {
constexpr Key kReconnect = key("client.reconnect");

// The plain reason where the code says it all; what the environment adds would repeat the address.
Error unreachable(const env::Endpoint& to, const Error& why) {
  const std::string about = "cannot reach " + to.to_string();
  switch (why.code()) {
    case ErrorCode::refused:
    case ErrorCode::unreachable:
    case ErrorCode::timed_out:
    case ErrorCode::reset:
      return Error(why.code(), about + ": " + std::string(describe(why.code())));
    default:
      return why.in(about);
  }
}
}  // namespace

std::shared_ptr<BrokerConnection> ConnectionPool::live(const env::Endpoint& to) const {
  const auto slot = slots_.find(to);
  return slot == slots_.end() ? nullptr : slot->second.connection;
}

std::shared_ptr<BrokerConnection> ConnectionPool::poll(const env::Endpoint& to) {
  if (closed_) return nullptr;
  Slot& slot = slots_[to];
  if (slot.connection) return slot.connection;
  if (!slot.opening && env_.clock.now() >= slot.not_before) open(to, slot);
  return nullptr;
}

Result<std::shared_ptr<BrokerConnection>> ConnectionPool::get(env::Task& task,
                                                              const env::Endpoint& to) {
  std::optional<std::uint64_t> asked_for;
  for (;;) {
    if (closed_) return fail(ErrorCode::closed, "the client was closed");
    if (std::shared_ptr<BrokerConnection> open = poll(to)) return open;
    const Slot& slot = slots_[to];
    if (slot.opening) {
      if (!asked_for) asked_for = slot.attempts;
    } else if (asked_for && slot.attempts >= *asked_for && slot.error) {
      return std::unexpected(*slot.error);
    }
    const Instant until = slot.opening ? Instant::max() : slot.not_before;
    Result<void> waited = changed_.wait(task, until);
    // The pause being over is no failure; the task's own deadline is.
    if (!waited && (waited.error() != ErrorCode::timed_out || task.deadline() <= until)) {
      const auto why = last_error(to);
      if (why && waited.error() == ErrorCode::timed_out) return std::unexpected(*why);
      return std::unexpected(waited.error().in("connecting to " + to.to_string()));
    }
  }
}

void ConnectionPool::open(const env::Endpoint& to, Slot& slot) {
  slot.opening = true;
  ++slot.attempts;
  group_.spawn("client.connect", [this, to](env::Task& task) {
    opened(to,
           BrokerConnection::open(task, env_, config_, group_, to, [this, to] { went_down(to); }));
  });
}

void ConnectionPool::opened(const env::Endpoint& to,
                            Result<std::shared_ptr<BrokerConnection>> result) {
  Slot& slot = slots_[to];
  slot.opening = false;
  if (result && closed_) {
    (*result)->close(Error(ErrorCode::closed, "the client was closed"));
  } else if (result && (*result)->alive()) {
    slot.connection = std::move(*result);
    slot.failures = 0;
    slot.error.reset();
  } else {
    ++slot.failures;
    slot.error = result ? Error(ErrorCode::reset, to.to_string() + " closed the connection")
                        : unreachable(to, result.error());
    slot.not_before = env_.clock.now() + pause_after(to, slot);
  }
  tell();
}

void ConnectionPool::went_down(const env::Endpoint& to) {
  const auto slot = slots_.find(to);
  if (slot == slots_.end()) return;
  slot->second.connection.reset();
  // A connection that worked and broke is opened again at once.
  slot->second.not_before = env_.clock.now();
  tell();
}

void ConnectionPool::tell() {
  changed_.notify_all();
  on_change_();
}

Duration ConnectionPool::pause_after(const env::Endpoint& to, const Slot& slot) const {
  const Key key = kReconnect.with(config_.client_id).with(to.to_string()).with(slot.attempts);
  return backoff(env_.random, key, config_.reconnect_backoff_min, config_.reconnect_backoff_max,
                 slot.failures);
}

Instant ConnectionPool::retry_at(const env::Endpoint& to) const {
  const auto slot = slots_.find(to);
  if (slot == slots_.end() || slot->second.opening || slot->second.connection) {
    return Instant::max();
  }
  return slot->second.not_before;
}

std::optional<Error> ConnectionPool::last_error(const env::Endpoint& to) const {
  const auto slot = slots_.find(to);
  if (slot == slots_.end()) return std::nullopt;
  return slot->second.error;
}

void ConnectionPool::keep_only(const std::set<env::Endpoint>& wanted) {
  std::erase_if(slots_, [&](const auto& entry) {
    const Slot& slot = entry.second;
    return !wanted.contains(entry.first) && !slot.connection && !slot.opening;
  });
}

void ConnectionPool::close(const Error& why) {
  closed_ = true;
  for (auto& [to, slot] : slots_) {
    if (const auto connection = std::exchange(slot.connection, nullptr)) connection->close(why);
  }
  tell();
}

}  // namespace flux::client
