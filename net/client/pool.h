// ConnectionPool: at most one connection to each address, opened when first wanted, opened again
// after it died, with a growing pause between attempts that fail.
//
// Owned by the Client. Opening is done by tasks of the Client's group, so that nobody who only asks
// has to wait.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>

#include "net/client/connection.h"

namespace flux::client {

class ConnectionPool {
 public:
  // `on_change` is called when a connection was opened, failed to open, or died.
  ConnectionPool(const env::Env& env, const ClientConfig& config, sync::TaskGroup& group,
                 std::function<void()> on_change)
      : env_(env), config_(config), group_(group), on_change_(std::move(on_change)) {}

  // The open connection if there is one.
  std::shared_ptr<BrokerConnection> live(const env::Endpoint& to) const;
  // The open connection, or null; then one is being opened, unless the pause after the last failure
  // is not over (retry_at()). `on_change` tells of the outcome.
  std::shared_ptr<BrokerConnection> poll(const env::Endpoint& to);
  // Waits for it: through the pause, and through one attempt.
  Result<std::shared_ptr<BrokerConnection>> get(env::Task& task, const env::Endpoint& to);

  // When a paused attempt may be made: a caller of poll() comes back then.
  Instant retry_at(const env::Endpoint& to) const;
  // Why the last attempt failed.
  std::optional<Error> last_error(const env::Endpoint& to) const;

  // Forgets addresses that are not in `wanted` and have no live connection.
  void keep_only(const std::set<env::Endpoint>& wanted);
  void close(const Error& why);

 private:
  struct Slot {
    std::shared_ptr<BrokerConnection> connection;
    bool opening = false;
    std::uint64_t attempts = 0;  // since the start: names the pause for randomness
    std::uint32_t failures = 0;  // in a row
    Instant not_before;
    std::optional<Error> error;
  };

  void open(const env::Endpoint& to, Slot& slot);
  void opened(const env::Endpoint& to, Result<std::shared_ptr<BrokerConnection>> result);
  void went_down(const env::Endpoint& to);
  void tell();
  Duration pause_after(const env::Endpoint& to, const Slot& slot) const;

  env::Env env_;
  const ClientConfig& config_;
  sync::TaskGroup& group_;
  std::function<void()> on_change_;
  std::map<env::Endpoint, Slot> slots_;
  bool closed_ = false;
  sync::Condition changed_;
};

}  // namespace flux::client
