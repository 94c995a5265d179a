#include "core/base/bytes.h"
#include "tests/unit/sim_parity/observers.h"

namespace flux::parity {
namespace {

using env::Task;

constexpr std::size_t kSmall = 64;
constexpr std::size_t kLarge = 4096;
constexpr Duration kPatience = seconds(1);
constexpr int kTripsPerConnection = 10;

// One message there and back; the first eight bytes say the client's time.
Result<void> trip(Task& task, env::Env& env, Sight& sight, env::Connection& connection,
                  std::size_t size) {
  Bytes message(size, std::byte{5});
  store_be(message.data(), static_cast<std::uint64_t>(env.clock.now().ns()));
  store_be(message.data() + 8, static_cast<std::uint32_t>(size));
  for (std::size_t at = 0; at < size;) {
    const std::size_t taken = TRY(connection.write_some(task, ByteView(message).subspan(at)));
    at += taken;
    if (at < size) ++sight.partial_writes;
  }
  Bytes back(size);
  TRY(env::read_exact(task, connection, back));
  return {};
}

void converse(Task& task, env::Env& env, Sight& sight, env::Connection& connection,
              Sight::Trips& trips) {
  for (int i = 0; i < kTripsPerConnection; ++i) {
    const Instant began = env.clock.now();
    const env::DeadlineScope patience(task, began + kPatience);
    const Result<void> done = trip(task, env, sight, connection, i % 5 == 4 ? kLarge : kSmall);
    const Duration took = env.clock.now() - began;
    ++trips.count;
    trips.sum += took;
    trips.longest = std::max(trips.longest, took);
    if (!done) {
      if (done.error().code() == ErrorCode::timed_out) ++trips.timeouts;
      sight.note([&](Sight& s) { ++s.client_errors[done.error().code()]; });
      return;
    }
    static_cast<void>(env::sleep_until(task, began + milliseconds(20)));
  }
}

}  // namespace

void call(Task& task, env::Env env, Sight& sight, const std::string& server) {
  for (std::size_t port = 0; port < kPorts.size(); ++port) {
    env.scheduler.spawn("caller", [&, port](Task& self) {
      for (;;) {
        const Instant began = env.clock.now();
        {
          const env::DeadlineScope patience(self, began + kPatience * 2);
          auto made = env.network.connect(self, {server, kPorts[port]});
          if (made) {
            converse(self, env, sight, **made, sight.trips[port]);
          } else {
            sight.note([&](Sight& s) { ++s.connect_errors[made.error().code()]; });
          }
        }
        static_cast<void>(env::sleep_until(self, env.clock.now() + milliseconds(20)));
      }
    });
  }
  for (;;) task.scheduler().park(task);
}

}  // namespace flux::parity
