// Effect: until when a request of a client may still take effect.
//
// From the moment it is asked for; not at all once it was surely refused; no more from the answer
// on that its only try brought; and otherwise, when nobody knows or an earlier try may still be on
// its way, until every broker has ended since it was given up.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include "sim/check/checker.h"

namespace flux::sim {

struct Effect {
  explicit Effect(const Operation& op) : operation(op.id), client(op.client), invoked(op.invoked) {}

  OperationId operation;
  std::uint32_t client = 0;
  Time invoked;
  Time over = Time::max();  // takes no effect after this
  bool done = false;        // was told to be
  bool given_up = false;
  std::set<std::uint32_t> ended;  // brokers, since it was given up

  void answered(const Operation& op) {
    done = op.outcome == Outcome::ok;
    given_up = true;
    if (done && op.attempt == 1) over = op.completed;
  }

  // With a broker end the requests that it was sent, with a client its own tries.
  void process_ended(const NodeEvent& event, const ClusterFacts& facts) {
    if (over != Time::max()) return;
    given_up |= client == event.process;
    if (!facts.is_broker(event.process) || !given_up) return;
    ended.insert(event.process);
    if (ended.size() >= facts.brokers.size()) over = event.at;
  }
};

// Of requests that were asked the one that is answered now; null when it is none of them, or was
// refused and with that is gone.
template <class Request>
Request* take_answer(std::vector<Request>& asked, const Operation& op) {
  const auto at = std::ranges::find(asked, op.id, &Request::operation);
  if (at == asked.end()) return nullptr;
  if (op.outcome == Outcome::refused) {
    asked.erase(at);
    return nullptr;
  }
  at->answered(op);
  return &*at;
}

}  // namespace flux::sim
