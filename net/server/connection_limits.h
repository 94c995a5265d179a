// ConnectionLimits: how many connections there may be, and how fast they may come (KIP-402,
// KIP-612).
//
// Kafka's meaning: beyond max.connections, of the broker or of a listener, and above a rate of
// creation, connections wait to be let in; beyond max.connections.per.ip they are closed. Pure: the
// server waits, and tells this when a connection begins and ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "core/base/time.h"

namespace flux::server {

inline constexpr std::size_t kNoLimit = INT32_MAX;

struct ListenerLimits {
  std::size_t connections_max = kNoLimit;         // max.connections
  std::size_t connections_per_second = kNoLimit;  // max.connection.creation.rate; at least 1

  friend bool operator==(const ListenerLimits&, const ListenerLimits&) = default;
};

struct ConnectionLimitConfig {
  ListenerLimits broker;
  std::map<std::string, ListenerLimits, std::less<>> listeners;  // by name in lower case
  std::size_t per_ip_max = kNoLimit;                             // max.connections.per.ip
  // max.connections.per.ip.overrides, by numeric address
  std::map<std::string, std::size_t, std::less<>> per_ip;

  friend bool operator==(const ConnectionLimitConfig&, const ConnectionLimitConfig&) = default;
};

class ConnectionLimits {
 public:
  explicit ConnectionLimits(const ConnectionLimitConfig& config) : config_(config) {}

  // Takes one connection's share of the rates and returns when it may go on.
  Instant pace(std::string_view listener, Instant now);
  bool has_room(std::string_view listener) const;
  bool admits(std::string_view ip) const;
  void begin(std::string_view listener, std::string_view ip);
  void end(std::string_view listener, std::string_view ip);

 private:
  // When the next connection would come if all had come evenly. It may lie a second ahead: so many
  // are let in at once.
  struct Rate {
    Instant due;
    Instant take(std::size_t per_second, Instant now);
  };

  const ListenerLimits* limits_of(std::string_view listener) const;

  const ConnectionLimitConfig config_;
  std::size_t connections_ = 0;
  // With as many entries as there are connections at most.
  std::map<std::string, std::size_t, std::less<>> by_listener_;
  std::map<std::string, std::size_t, std::less<>> by_ip_;
  Rate rate_;
  std::map<std::string, Rate, std::less<>> rates_;  // of listeners that have limits
};

// As listeners are named in settings: listener.name.<lower case>.*
std::string lower_case(std::string_view name);

}  // namespace flux::server
