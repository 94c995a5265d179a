// Resolver: host names to addresses, on helper threads, since getaddrinfo() blocks for as long as a
// dead name server lets it. A numeric address never leaves the loop's thread.
//
// A task that stops waiting leaves its question behind; the answer is then thrown away. Nothing is
// cached: the system's resolver does that.
#pragma once

#include <vector>

#include "core/base/result.h"
#include "real/os/net/socket_address.h"
#include "real/os/worker_pool.h"

namespace flux::os {

class Resolver {
 public:
  explicit Resolver(Poller& poller) : pool_("flux-resolve", kThreads, AtEnd::leave, poller) {}

  // At least one address, in the order in which they should be tried. A name that nobody knows is
  // `unreachable`.
  Result<std::vector<SocketAddress>> resolve(env::Task& task, const env::Endpoint& name);

 private:
  // A name whose server is dead must not keep all others waiting.
  static constexpr unsigned kThreads = 4;

  WorkerPool pool_;
};

}  // namespace flux::os
