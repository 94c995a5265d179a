// Listening and connecting in the simulated network: what a kernel keeps for a socket in these
// states. Owned by SimNetwork until the end of the run; tasks that wait in them are named by
// handle.
#pragma once

#include <deque>
#include <optional>

#include "sim/env/sim_network.h"

namespace flux::sim {

struct ListenState {
  Process* process = nullptr;
  std::uint64_t incarnation = 0;
  std::string host;  // of the machine, as the network routes
  env::Endpoint at;  // as the node said it, with the real port
  std::deque<Link*> backlog;
  env::TaskHandle acceptor;
  bool open = true;
};

// One connect call: a request goes out, an answer or nothing comes back, and it is tried again.
struct ConnectState final : EventTarget {
  enum Argument : std::uint64_t { kRequest = 0, kAnswer = 1, kRetry = 2 };

  ConnectState(SimNetwork& fabric, Process& who, std::string from_host, env::Endpoint where,
               Key name);
  void begin();
  void fire(std::uint64_t argument) override;

  SimNetwork& network;
  Process* process;
  std::uint64_t incarnation;
  std::string host;
  env::Endpoint to;
  Key key;
  env::TaskHandle waiter;
  bool abandoned = false;
  bool done = false;
  Link* link = nullptr;
  std::optional<ErrorCode> error;
  std::optional<ErrorCode> answer_error;
  std::uint64_t tries = 0;
  Time began;

 private:
  void send_request();
  void request_arrived();
  void answer(std::optional<ErrorCode> refused);
  void settle(std::optional<ErrorCode> failed);
  Duration one_way(const std::string& from, const std::string& destination, Key what);
};

}  // namespace flux::sim
