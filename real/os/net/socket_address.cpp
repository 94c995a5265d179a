#include "real/os/net/socket_address.h"

#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include "core/base/check.h"

namespace flux::os {

SocketAddress::SocketAddress(const sockaddr* from, socklen_t length) : length_(length) {
  CHECK_LE(length, sizeof storage_);
  std::memcpy(&storage_, from, length);
}

std::optional<SocketAddress> SocketAddress::numeric(const std::string& host, std::uint16_t port) {
  sockaddr_in four{};
  if (::inet_pton(AF_INET, host.c_str(), &four.sin_addr) == 1) {
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    return SocketAddress(reinterpret_cast<const sockaddr*>(&four), sizeof four);
  }
  sockaddr_in6 six{};
  // A link-local address names its interface: "fe80::1%eth0".
  const std::size_t percent = host.find('%');
  if (::inet_pton(AF_INET6, host.substr(0, percent).c_str(), &six.sin6_addr) != 1) return {};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  if (percent != std::string::npos) {
    six.sin6_scope_id = ::if_nametoindex(host.c_str() + percent + 1);
    if (six.sin6_scope_id == 0) return {};
  }
  return SocketAddress(reinterpret_cast<const sockaddr*>(&six), sizeof six);
}

SocketAddress SocketAddress::any6(std::uint16_t port) {
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  any.sin6_port = htons(port);
  return SocketAddress(reinterpret_cast<const sockaddr*>(&any), sizeof any);
}

SocketAddress SocketAddress::any4(std::uint16_t port) {
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(port);
  return SocketAddress(reinterpret_cast<const sockaddr*>(&any), sizeof any);
}

SocketAddress SocketAddress::local_of(int fd) {
  SocketAddress out;
  out.length_ = sizeof out.storage_;
  CHECK(::getsockname(fd, reinterpret_cast<sockaddr*>(&out.storage_), &out.length_) == 0);
  return out;
}

SocketAddress SocketAddress::peer_of(int fd) {
  SocketAddress out;
  out.length_ = sizeof out.storage_;
  // A peer that has already reset the connection has no name any more.
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&out.storage_), &out.length_) != 0) return {};
  return out;
}

void SocketAddress::set_port(std::uint16_t port) {
  // The port stands at the same place in both families.
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  const std::uint16_t in_network_order = htons(port);
  std::memcpy(reinterpret_cast<char*>(&storage_) + offsetof(sockaddr_in, sin_port),
              &in_network_order, sizeof in_network_order);
}

env::Endpoint SocketAddress::endpoint() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (family() == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, &storage_, sizeof four);
    ::inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size());
    return {text.data(), ntohs(four.sin_port)};
  }
  if (family() != AF_INET6) return {};
  sockaddr_in6 six{};
  std::memcpy(&six, &storage_, sizeof six);
  if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) {
    ::inet_ntop(AF_INET, &six.sin6_addr.s6_addr[12], text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size());
  }
  return {text.data(), ntohs(six.sin6_port)};
}

}  // namespace flux::os
