#include "net/server/connection_limits.h"

#include <algorithm>

#include "core/base/check.h"

namespace flux::server {

namespace {

using Counts = std::map<std::string, std::size_t, std::less<>>;

std::size_t count_of(const Counts& counts, std::string_view name) {
  const auto found = counts.find(name);
  return found == counts.end() ? 0 : found->second;
}

void take_one(Counts& counts, std::string_view name) {
  const auto found = counts.find(name);
  CHECK(found != counts.end());
  if (--found->second == 0) counts.erase(found);
}

}  // namespace

std::string lower_case(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

const ListenerLimits* ConnectionLimits::limits_of(std::string_view listener) const {
  const auto found = config_.listeners.find(lower_case(listener));
  return found == config_.listeners.end() ? nullptr : &found->second;
}

Instant ConnectionLimits::Rate::take(std::size_t per_second, Instant now) {
  if (per_second == kNoLimit) return now;
  constexpr Duration kWindow = seconds(1);
  const Duration each = kWindow / static_cast<std::int64_t>(per_second);
  due = std::max(due, now);
  const Instant at = std::max(now, due - (kWindow - each));
  due = due + each;
  return at;
}

Instant ConnectionLimits::pace(std::string_view listener, Instant now) {
  Instant at = rate_.take(config_.broker.connections_per_second, now);
  if (const ListenerLimits* limits = limits_of(listener)) {
    Rate& rate = rates_[lower_case(listener)];
    at = std::max(at, rate.take(limits->connections_per_second, now));
  }
  return at;
}

bool ConnectionLimits::has_room(std::string_view listener) const {
  if (connections_ >= config_.broker.connections_max) return false;
  const ListenerLimits* limits = limits_of(listener);
  return limits == nullptr || count_of(by_listener_, listener) < limits->connections_max;
}

bool ConnectionLimits::admits(std::string_view ip) const {
  const auto own = config_.per_ip.find(ip);
  const std::size_t most = own == config_.per_ip.end() ? config_.per_ip_max : own->second;
  return count_of(by_ip_, ip) < most;
}

void ConnectionLimits::begin(std::string_view listener, std::string_view ip) {
  ++connections_;
  ++by_listener_[std::string(listener)];
  ++by_ip_[std::string(ip)];
}

void ConnectionLimits::end(std::string_view listener, std::string_view ip) {
  CHECK(connections_ > 0);
  --connections_;
  take_one(by_listener_, listener);
  take_one(by_ip_, ip);
}

}  // namespace flux::server
