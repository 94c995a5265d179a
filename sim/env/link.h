// Link: a simulated connection between two ends, each end a socket of one process.
//
// It belongs to the network for the rest of the run; the nodes hold SimConnection objects that name
// it. An end is open until its process closes it or ends; a reset, once it arrived, is told to
// every later call of that end.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/env/network.h"
#include "sim/env/pipe.h"

namespace flux::sim {

class Link final : public EventTarget {
 public:
  enum Side : std::uint8_t { kClient = 0, kServer = 1 };
  static Side other(Side side) { return side == kClient ? kServer : kClient; }

  // Small, so that both ends lie in one cache line with the link's head.
  struct End {
    Process* process = nullptr;
    std::uint32_t incarnation = 0;
    bool open = false;
    // Once set, every call of this end gets it.
    std::optional<ErrorCode> error;
  };

  Link(SimNetwork& network, Key key, std::uint16_t port, const LinkRule& to_server,
       const LinkRule& to_client)
      : network_(network),
        key_(key),
        port_(port),
        pipes_{Pipe(network, *this, key.with("to_server"), to_server),
               Pipe(network, *this, key.with("to_client"), to_client)} {}

  std::uint64_t id() const { return key_.value; }
  Key key() const { return key_; }
  End& end(Side side) { return ends_[side]; }
  const env::Endpoint& local(Side side) const { return local_[side]; }
  void set_local(Side side, env::Endpoint at) { local_[side] = std::move(at); }
  // What `side` writes into, and reads from.
  Pipe& outgoing(Side side) { return pipes_[side]; }
  Pipe& incoming(Side side) { return pipes_[other(side)]; }
  Side reader_of(const Pipe& pipe) const { return &pipe == &pipes_[0] ? kServer : kClient; }
  // That the connection was made to.
  std::uint16_t port() const { return port_; }

  // A reset that arrives: the argument is the side that is told.
  void fire(std::uint64_t argument) override;

 private:
  SimNetwork& network_;
  Key key_;
  std::array<End, 2> ends_;
  std::uint16_t port_;
  std::array<Pipe, 2> pipes_;
  std::array<env::Endpoint, 2> local_;
};

}  // namespace flux::sim
