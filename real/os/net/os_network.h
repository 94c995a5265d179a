// Network over TCP sockets of the kernel.
//
// Sockets are non-blocking. Every call tries first and waits only when the kernel says EAGAIN; a
// task whose run is long lets others run first, so that a stream that is always ready starves
// nobody.
#pragma once

#include <memory>
#include <optional>

#include "core/env/clock.h"
#include "core/env/network.h"
#include "core/env/trace.h"
#include "real/os/net/resolver.h"
#include "real/os/poller.h"

namespace flux::os {

class OsNetwork final : public env::Network {
 public:
  OsNetwork(Poller& poller, env::Clock& clock, env::Trace& trace);

  Result<std::unique_ptr<env::Listener>> listen(env::Task& task, const env::Endpoint& at) override;
  Result<std::unique_ptr<env::Connection>> connect(env::Task& task,
                                                   const env::Endpoint& to) override;

 private:
  friend class OsListener;

  Result<std::unique_ptr<env::Connection>> connect_to(env::Task& task, const SocketAddress& to,
                                                      const env::Endpoint& named);
  // Accepts one waiting connection at the cost of the spare descriptor and closes it, so that its
  // peer learns at once that there is no room; false when nobody waits or there is no spare.
  bool shed(int listening_fd);

  Poller& poller_;
  env::Clock& clock_;
  env::Trace& trace_;
  Resolver resolver_;
  Fd spare_;
  std::uint64_t next_id_ = 1;
};

}  // namespace flux::os
