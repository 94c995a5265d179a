// Claim: what one request takes of the memory for what requests unfold to: decoded, and its answer
// until the client has taken it.
//
// A frame of a megabyte may name a million things, and a few bytes ask for all that there is. What
// stays small is not counted, since there are only so many requests at once. The rest is claimed
// before it is made, in line with the others.
//
// A request that waits for memory holds none, so none waits for ever. When memory is short, one
// claims only when its turn to be answered has come: then whoever holds a claim works, or waits for
// its own client alone, and that wait is short (Connection::push).
#pragma once

#include <algorithm>
#include <cstdint>

#include "net/server/gate.h"
#include "net/server/request_memory.h"

namespace flux::server {

class Claim {
 public:
  // So much is not counted.
  static constexpr std::size_t kUnasked = std::size_t{64} << 10;

  Claim(RequestMemory::Share& share, Gate& answering, std::uint64_t ticket)
      : share_(share), answering_(answering), ticket_(ticket) {}
  ~Claim() { shrink(0); }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

  // Waits until it holds as much as counts of `bytes`. What it held until then is given back first
  // where that is not enough.
  Result<void> take(env::Task& task, std::size_t bytes) {
    const std::size_t wanted = counted(bytes);
    if (wanted <= held_) return {};
    shrink(0);
    const bool plenty = share_.free.free() >= share_.bytes / 2 + wanted;
    if (!plenty || !share_.free.try_acquire(wanted)) {
      TRY(answering_.wait(task, ticket_));
      TRY(share_.free.acquire(task, wanted));
    }
    held_ = wanted;
    return {};
  }
  // Of what it holds, what goes beyond `bytes` is given back.
  void shrink(std::size_t bytes) {
    const std::size_t wanted = std::min(held_, counted(bytes));
    if (held_ > wanted) share_.free.release(held_ - wanted);
    held_ = wanted;
  }
  bool holds() const { return held_ > 0; }

 private:
  std::size_t counted(std::size_t bytes) const {
    return bytes <= kUnasked ? 0 : share_.taken_by(bytes);
  }

  RequestMemory::Share& share_;
  Gate& answering_;
  std::uint64_t ticket_;
  std::size_t held_ = 0;
};

}  // namespace flux::server
