// Connection: one client, from its first byte to its last.
//
// The connection's task reads frames; each request runs in a task of its own, begins in its turn
// and is answered in its turn. What a client may take up is bounded: requests and bytes in flight,
// the time for the rest of a frame, the time in which it takes nothing of an answer. At a bound it
// is not read from. What all of them share (request_memory.h) bounds it, too; while others wait for
// memory that it holds, its times are short.
//
// Ends when the client does, at a request that makes no sense, after idle_max without anything, or
// when told to stop: then what is in flight is answered first. That the client is gone is noticed
// also while it is not read from.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/env/network.h"
#include "core/sync/condition.h"
#include "core/sync/task_group.h"
#include "net/server/context.h"
#include "net/server/extra_requests.h"
#include "net/server/gate.h"
#include "net/server/seldom.h"

namespace flux::server {

// What all connections of a server share.
struct Shared {
  env::Env& env;
  broker::Broker& broker;
  const ServerConfig config;
  const NodeFacts facts;
  FetchSessions fetch_sessions;
  RequestMemory request_memory;
  ExtraRequests extra_requests;
  ServerMetrics metrics{};
  Seldom failures{};
};

class Connection {
 public:
  Connection(Shared& shared, std::string listener, std::unique_ptr<env::Connection> stream);
  ~Connection() { shared_.request_memory.let_go_answer(small_reply_bytes_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Until the connection has ended and nothing of it runs any more.
  void serve(env::Task& task);

 private:
  enum class Place : std::uint8_t { own, extra };
  struct Ticket {
    std::uint64_t number;
    std::shared_ptr<Frame> frame;
    Place place;
    Instant arrived;
    std::int16_t api = -1;  // once its header was read
  };

  Result<void> read_requests(env::Task& task);
  bool full() const;
  Result<void> wait_room(env::Task& task);
  Result<Place> wait_place(env::Task& task);
  std::optional<Place> try_place();
  void leave_place(Place place);
  // Waits in room_, for a short while.
  Result<void> wait_unread(env::Task& task);
  Result<void> look_for_end(env::Task& task);
  // The next frame; `closed` when the client ended in order.
  Result<std::shared_ptr<Frame>> read_frame(env::Task& task);
  // How far a frame must have come by when.
  struct Pace {
    Instant end;          // all of it
    Instant piece_begun;  // the present piece
    std::size_t piece_end = 0;
  };
  Result<void> read_rest(env::Task& task, Frame& frame);
  Result<std::size_t> read_at_pace(env::Task& task, const Frame& frame, const Pace& pace,
                                   MutBytes into);
  Result<void> await_first_byte(env::Task& task);
  Result<void> fill(env::Task& task);
  void compact();
  void take_buffered(MutBytes into);
  std::size_t buffered() const { return buffer_end_ - buffer_begin_; }

  void run_request(env::Task& task, Ticket ticket);
  Result<void> begin(env::Task& task, Turn& turn);
  Result<Reply> carry_out(env::Task& task, Ticket& ticket, Claim& claim);
  void answer_in_turn(env::Task& task, const Reply& reply, Claim& claim, std::uint64_t ticket);
  void hold(std::size_t answer_bytes);
  void let_go(std::size_t answer_bytes);
  bool crowds_out() const;
  void empty_outbox(env::Task& task);
  Result<void> answer(env::Task& task, const Reply& reply);
  // How far the client has come with an answer since when.
  struct Taking {
    Instant piece_begun;
    std::size_t piece = 0;
  };
  template <class Send>
  Result<std::size_t> push(env::Task& task, Taking& taking, const Send& send);
  Result<void> write(env::Task& task, ByteView bytes);
  Result<void> send(env::Task& task, const wire::FileRange& range);
  void fail(const Error& why);
  void finish(env::Task& task, const Error& why);

  Shared& shared_;
  std::string listener_;
  std::unique_ptr<env::Connection> stream_;
  std::array<std::byte, 4096> buffer_;
  std::size_t buffer_begin_ = 0;
  std::size_t buffer_end_ = 0;
  std::optional<Instant> peer_ended_;  // when that was noticed by look_for_end()

  std::uint64_t next_ticket_ = 0;
  Gate beginning_;
  Gate answering_;
  std::size_t in_flight_ = 0;
  bool own_place_taken_ = false;
  std::size_t in_flight_bytes_ = 0;
  std::size_t reply_bytes_ = 0;        // of answers in memory that are not written
  std::size_t small_reply_bytes_ = 0;  // of those among them that claimed nothing
  Bytes outbox_;                       // answers whose turn has come
  bool writing_ = false;               // somebody empties it
  sync::Condition written_;
  sync::Condition room_;
  sync::TaskGroup requests_;
  bool failed_ = false;
};

}  // namespace flux::server
