// SocketAddress: an address as the kernel takes it, and its way to and from an Endpoint.
#pragma once

#include <optional>
#include <string>

#include <sys/socket.h>

#include "core/env/network.h"

namespace flux::os {

class SocketAddress {
 public:
  SocketAddress() = default;
  SocketAddress(const sockaddr* from, socklen_t length);
  // None when the host is not a numeric address.
  static std::optional<SocketAddress> numeric(const std::string& host, std::uint16_t port);
  // Every address of this machine, of both families, or of IPv4 only.
  static SocketAddress any6(std::uint16_t port);
  static SocketAddress any4(std::uint16_t port);
  static SocketAddress local_of(int fd);
  static SocketAddress peer_of(int fd);

  int family() const { return storage_.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const { return length_; }
  void set_port(std::uint16_t port);
  // Numeric. An IPv4 address that came through an IPv6 socket is shown as IPv4.
  env::Endpoint endpoint() const;

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

}  // namespace flux::os
