#include "net/server/connection.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "core/base/mark.h"
#include "core/base/mutant.h"
#include "core/env/passing_disk.h"
#include "net/server/dispatch.h"
#include "net/wire/frame.h"

namespace flux::server {

namespace {

// Pieces of an answer in memory are put together up to here.
constexpr std::size_t kGatherMax = 64 * 1024;
static_assert(kGatherMax <= Claim::kUnasked, "what was put together claims nothing either");
// A frame comes in pieces of this size, each in its time, and each gives it a second more. An
// answer is taken in them, too.
constexpr std::size_t kPiece = 256 * 1024;
// The time for a piece, of a frame or an answer, while others wait for its memory.
constexpr Duration kCrowdedPatience = seconds(2);
// How often a client that is not read from is looked after.
constexpr Duration kLookAfter = seconds(1);

// All in memory, and little enough to be copied; also no answer at all.
bool is_small(const Reply& reply) {
  return reply.memory_bytes() == reply.bytes.size() && reply.bytes.size() <= kGatherMax;
}

}  // namespace

Connection::Connection(Shared& shared, std::string listener,
                       std::unique_ptr<env::Connection> stream)
    : shared_(shared),
      listener_(std::move(listener)),
      stream_(std::move(stream)),
      requests_(shared.env.scheduler) {}

void Connection::serve(env::Task& task) {
  TRACE(shared_.env.trace, debug, "server.connection", {"id", stream_->id()},
        {"peer", stream_->peer().to_string()}, {"listener", listener_});
  const Result<void> read = read_requests(task);
  finish(task, read ? Error(ErrorCode::closed) : read.error());
}

Result<void> Connection::read_requests(env::Task& task) {
  for (;;) {
    TRY(wait_room(task));
    auto frame = TRY(read_frame(task));
    const Instant arrived = shared_.env.clock.now();
    const Place place = TRY(wait_place(task));
    Ticket ticket{
        .number = next_ticket_++, .frame = std::move(frame), .place = place, .arrived = arrived};
    ++in_flight_;
    in_flight_bytes_ += ticket.frame->size();
    requests_.spawn(
        "request",
        [this, taken = std::move(ticket)](env::Task& worker) mutable {
          run_request(worker, std::move(taken));
        },
        env::StackSize::large);
  }
}

void Connection::finish(env::Task& task, const Error& why) {
  const env::Shield shield(task);
  shared_.metrics.closed(why.code());
  TRACE(shared_.env.trace, debug, "server.disconnect", {"id", stream_->id()},
        {"why", why.to_string()});
  // Who ended its side, or whom this node leaves, may still read what it asked for.
  const bool in_order = why == ErrorCode::closed || why == ErrorCode::cancelled;
  if (in_order && !failed_) {
    const env::DeadlineScope deadline(task, shared_.env.clock.now() + shared_.config.stop_patience);
    auto answered = requests_.wait(task);
    if (!answered) REACHED("server.stop_impatient");
  }
  if (!in_order || failed_) stream_->close();
  requests_.cancel();
  auto ended = requests_.wait(task);
  CHECK(ended.has_value(), "a shielded wait without a deadline ended early");
  stream_->shutdown_write();
}

// ---- reading

bool Connection::full() const {
  const ServerConfig& config = shared_.config;
  if (in_flight_ > 0 && shared_.request_memory.answers_crowded()) return true;
  return in_flight_ >= config.in_flight_max ||
         (in_flight_ > 0 && in_flight_bytes_ + reply_bytes_ >= config.in_flight_bytes_max);
}

Result<void> Connection::wait_room(env::Task& task) {
  while (full()) {
    REACHED("server.connection_full");
    TRY(wait_unread(task));
  }
  return {};
}

std::optional<Connection::Place> Connection::try_place() {
  if (!std::exchange(own_place_taken_, true)) return Place::own;
  if (shared_.extra_requests.try_take(room_)) return Place::extra;
  return std::nullopt;
}

void Connection::leave_place(Place place) {
  if (place == Place::own) {
    own_place_taken_ = false;
  } else {
    shared_.extra_requests.give_back();
  }
}

Result<Connection::Place> Connection::wait_place(env::Task& task) {
  std::optional<Place> place = try_place();
  Result<void> waited;
  while (!place && waited) {
    REACHED("server.requests_full");
    waited = wait_unread(task);
    if (waited) place = try_place();
  }
  shared_.extra_requests.leave(room_);
  if (!place) return std::unexpected(waited.error());
  return *place;
}

Result<void> Connection::wait_unread(env::Task& task) {
  auto waited = room_.wait(task, shared_.env.clock.now() + kLookAfter);
  if (waited || waited.error() != ErrorCode::timed_out) return waited;
  return look_for_end(task);
}

// Reads ahead what the buffer takes, without waiting. A client that ended its side may still want
// its answers, and gets as long for them as when this node leaves. One that left more behind than
// the buffer takes is noticed when it is answered.
Result<void> Connection::look_for_end(env::Task& task) {
  const Instant now = shared_.env.clock.now();
  if (peer_ended_) {
    if (now - *peer_ended_ < shared_.config.stop_patience) return {};
    REACHED("server.gone_while_full");
    return flux::fail(ErrorCode::reset, "gone with requests in flight");
  }
  compact();
  if (buffer_end_ == buffer_.size()) return {};
  const env::DeadlineScope deadline(task, now);
  const auto got = stream_->read_some(task, MutBytes(buffer_).subspan(buffer_end_));
  if (!got && got.error() == ErrorCode::timed_out) return {};
  if (!got) return std::unexpected(got.error());
  if (*got == 0) peer_ended_ = now;
  shared_.metrics.received_bytes.add(*got);
  buffer_end_ += *got;
  return {};
}

Result<void> Connection::fill(env::Task& task) {
  if (buffer_begin_ == buffer_end_) buffer_begin_ = buffer_end_ = 0;
  CHECK_LT(buffer_end_, buffer_.size());
  const std::size_t got = TRY(stream_->read_some(task, MutBytes(buffer_).subspan(buffer_end_)));
  if (got == 0) {
    return flux::fail(buffered() == 0 ? ErrorCode::closed : ErrorCode::reset, "in a frame");
  }
  shared_.metrics.received_bytes.add(got);
  buffer_end_ += got;
  return {};
}

void Connection::compact() {
  if (buffer_begin_ == 0) return;
  std::memmove(buffer_.data(), buffer_.data() + buffer_begin_, buffered());
  buffer_end_ -= buffer_begin_;
  buffer_begin_ = 0;
}

void Connection::take_buffered(MutBytes into) {
  CHECK_LE(into.size(), buffered());
  if (into.empty()) return;
  std::memcpy(into.data(), buffer_.data() + buffer_begin_, into.size());
  buffer_begin_ += into.size();
}

Result<void> Connection::await_first_byte(env::Task& task) {
  while (buffered() == 0) {
    const env::DeadlineScope deadline(task, shared_.env.clock.now() + shared_.config.idle_max);
    auto filled = fill(task);
    if (filled) return {};
    // A client that waits for an answer is not idle.
    if (filled.error() != ErrorCode::timed_out || in_flight_ == 0) {
      if (filled.error() == ErrorCode::timed_out) REACHED("server.idle");
      return filled;
    }
  }
  return {};
}

Result<std::shared_ptr<Frame>> Connection::read_frame(env::Task& task) {
  TRY(await_first_byte(task));
  const Instant began = shared_.env.clock.now();
  std::array<std::byte, wire::kFrameLengthSize> prefix;
  {
    const env::DeadlineScope deadline(task, began + shared_.config.frame_patience);
    while (buffered() < prefix.size()) {
      if (buffer_.size() - buffer_end_ < prefix.size()) compact();
      TRY(fill(task));
    }
  }
  take_buffered(prefix);
  const std::size_t size = TRY(wire::frame_length(prefix, shared_.config.request_bytes_max));
  auto frame = std::make_shared<Frame>(shared_.request_memory, size);
  // Waiting for memory is not the client's slowness.
  TRY(frame->admit(task));
  auto rest = read_rest(task, *frame);
  if (rest) return frame;
  if (rest.error() == ErrorCode::timed_out) REACHED("server.half_frame");
  return std::unexpected(rest.error());
}

Result<void> Connection::read_rest(env::Task& task, Frame& frame) {
  const Instant began = shared_.env.clock.now();
  const std::size_t size = frame.size();
  const Duration slowest = seconds(static_cast<std::int64_t>(size / kPiece));
  Pace pace{.end = began + shared_.config.frame_patience + slowest, .piece_begun = began};
  std::size_t have = 0;
  while (have < size) {
    if (have >= pace.piece_end) {
      pace.piece_begun = shared_.env.clock.now();
      pace.piece_end = have + kPiece;
    }
    MutBytes room = frame.bytes().subspan(have);
    if (buffered() > 0) {
      room = room.first(std::min(room.size(), buffered()));
      take_buffered(room);
      have += room.size();
      continue;
    }
    const std::size_t got = TRY(read_at_pace(task, frame, pace, room));
    if (got == 0) return flux::fail(ErrorCode::reset, "in a frame");
    have += got;
  }
  return {};
}

Result<std::size_t> Connection::read_at_pace(env::Task& task, const Frame& frame, const Pace& pace,
                                             MutBytes into) {
  for (;;) {
    const Instant now = shared_.env.clock.now();
    const bool crowded = frame.crowded() && shared_.config.frame_patience > kCrowdedPatience;
    const Duration patience = crowded ? kCrowdedPatience : shared_.config.frame_patience;
    const Instant until = std::min(pace.end, pace.piece_begun + patience);
    if (now >= until) {
      if (crowded) REACHED("server.crowded_out");
      return flux::fail(ErrorCode::timed_out, "a frame that does not come");
    }
    // It may become crowded meanwhile.
    const env::DeadlineScope deadline(task, std::min(until, now + kCrowdedPatience));
    auto got = stream_->read_some(task, into);
    if (got) shared_.metrics.received_bytes.add(*got);
    if (got || got.error() != ErrorCode::timed_out) return got;
  }
}

// ---- answering

void Connection::run_request(env::Task& task, Ticket ticket) {
  const std::size_t bytes = ticket.frame->size();
  Claim claim(shared_.request_memory.unfolded(), answering_, ticket.number);
  const Result<Reply> reply = carry_out(task, ticket, claim);
  if (reply) {
    answer_in_turn(task, *reply, claim, ticket.number);
    shared_.metrics.answered(ticket.api, shared_.env.clock.now() - ticket.arrived);
  } else {
    fail(reply.error());
  }
  --in_flight_;
  in_flight_bytes_ -= bytes;
  leave_place(ticket.place);
  room_.notify_all();
}

void Connection::answer_in_turn(env::Task& task, const Reply& reply, Claim& claim,
                                std::uint64_t ticket) {
  const std::size_t bytes = reply.memory_bytes();
  claim.shrink(bytes);  // what it was made of is gone
  hold(bytes);
  auto turn = answering_.wait(task, ticket);
  const bool joins = is_small(reply) && outbox_.size() + bytes <= kGatherMax;
  if (turn && joins && !failed_) {
    for (const wire::Segment& segment : reply.bytes.segments()) append(outbox_, segment.bytes);
    answering_.pass(ticket);
    if (writing_) REACHED("server.answered_together");
    if (!writing_ && !outbox_.empty()) empty_outbox(task);
    return;
  }
  // The turn is ours, so nothing joins what is being written.
  while (turn && writing_) turn = written_.wait(task);
  if (turn) turn = claim.take(task, bytes);
  if (turn && !failed_) {
    auto sent = answer(task, reply);
    if (!sent) fail(sent.error());
    answering_.pass(ticket);
  }
  let_go(bytes);
}

void Connection::hold(std::size_t answer_bytes) {
  reply_bytes_ += answer_bytes;
  if (answer_bytes > Claim::kUnasked) return;
  small_reply_bytes_ += answer_bytes;
  shared_.request_memory.hold_answer(answer_bytes);
}

void Connection::let_go(std::size_t answer_bytes) {
  reply_bytes_ -= answer_bytes;
  if (answer_bytes <= Claim::kUnasked) {
    small_reply_bytes_ -= answer_bytes;
    shared_.request_memory.let_go_answer(answer_bytes);
  }
  room_.notify_all();
}

// Answers that are ready together leave together: each call of the kernel costs more than its
// answer. Whoever is ready as well joins before the first of them writes.
void Connection::empty_outbox(env::Task& task) {
  writing_ = true;
  task.scheduler().yield(task);
  while (!outbox_.empty() && !failed_) {
    const Bytes bytes = std::exchange(outbox_, {});
    auto sent = write(task, bytes);
    let_go(bytes.size());
    if (!sent) fail(sent.error());
  }
  writing_ = false;
  written_.notify_all();
}

// In turn, and not before the client has taken enough of what was answered already.
Result<void> Connection::begin(env::Task& task, Turn& turn) {
  TRY(turn.wait(task));
  const auto waits = [this] {
    if (reply_bytes_ > 0 && shared_.request_memory.answers_crowded()) {
      REACHED("server.answers_crowded");
      return true;
    }
    return reply_bytes_ >= shared_.config.in_flight_bytes_max;
  };
  while (waits()) {
    REACHED("server.answers_full");
    TRY(room_.wait(task));
  }
  if (MUTANT("server.begun_side_by_side")) turn.pass();
  return {};
}

Result<Reply> Connection::carry_out(env::Task& task, Ticket& ticket, Claim& claim) {
  Turn turn(beginning_, ticket.number);
  const wire::Reader body(ticket.frame->bytes());
  Context context{.env = shared_.env,
                  .broker = shared_.broker,
                  .config = shared_.config,
                  .facts = shared_.facts,
                  .fetch_sessions = shared_.fetch_sessions,
                  .metrics = shared_.metrics,
                  .listener = listener_,
                  .turn = turn,
                  .claim = claim,
                  .header = {},
                  .frame = std::move(ticket.frame),
                  .body = body};
  Result<Reply> reply =
      begin(task, turn) ? dispatch(task, context) : Result<Reply>(flux::fail(ErrorCode::cancelled));
  ticket.api = context.header.api_key;
  if (reply && turn.wait(task)) {
    turn.pass();
  } else {
    turn.abandon();
  }
  return reply;
}

// Ends the connection under its requests: none behind this one is answered.
void Connection::fail(const Error& why) {
  if (failed_) return;
  failed_ = true;
  REACHED("server.connection_failed");
  if (const auto times = shared_.failures.happened(shared_.env.clock.now())) {
    TRACE(shared_.env.trace, info, "server.connection_failed", {"id", stream_->id()},
          {"peer", stream_->peer().to_string()}, {"why", why.to_string()}, {"times", *times});
  }
  stream_->close();
}

Result<void> Connection::answer(env::Task& task, const Reply& reply) {
  Bytes gathered;
  for (const wire::Segment& segment : reply.bytes.segments()) {
    const bool small = !segment.is_file() && gathered.size() + segment.size() <= kGatherMax;
    if (small) {
      append(gathered, segment.bytes);
      continue;
    }
    TRY(write(task, gathered));
    gathered.clear();
    if (segment.is_file()) {
      TRY(send(task, segment.range));
    } else {
      TRY(write(task, segment.bytes));
    }
  }
  return write(task, gathered);
}

// Holds what others wait for.
bool Connection::crowds_out() const {
  const RequestMemory& memory = shared_.request_memory;
  return (reply_bytes_ >= kGatherMax && memory.answers_crowded()) ||
         (in_flight_bytes_ >= kGatherMax && memory.frames_crowded());
}

// A client that takes nothing is left after a while. While others wait for memory, one that holds
// some of it has to take a piece in as short a time as a frame has to come.
template <class Send>
Result<std::size_t> Connection::push(env::Task& task, Taking& taking, const Send& send) {
  const Duration patience = shared_.config.answer_patience;
  Instant now = shared_.env.clock.now();
  const Instant began = now;
  if (taking.piece == 0 || taking.piece >= kPiece) taking = {.piece_begun = now};
  for (;; now = shared_.env.clock.now()) {
    const bool crowded = crowds_out();
    Instant until = began + patience;
    if (crowded) until = std::min(until, taking.piece_begun + kCrowdedPatience);
    if (now >= until) {
      if (crowded) REACHED("server.answer_crowded_out");
      return flux::fail(ErrorCode::timed_out, "an answer that is not taken");
    }
    // It may become crowded meanwhile.
    const env::DeadlineScope deadline(task, std::min(until, now + kCrowdedPatience));
    auto sent = send();
    if (sent) {
      taking.piece += *sent;
      shared_.metrics.sent_bytes.add(*sent);
    }
    if (sent || sent.error() != ErrorCode::timed_out) return sent;
  }
}

Result<void> Connection::write(env::Task& task, ByteView bytes) {
  Taking taking;
  while (!bytes.empty()) {
    const std::size_t sent =
        TRY(push(task, taking, [&] { return stream_->write_some(task, bytes); }));
    bytes = bytes.subspan(sent);
  }
  return {};
}

Result<void> Connection::send(env::Task& task, const wire::FileRange& range) {
  Taking taking;
  std::uint64_t at = range.offset;
  std::size_t left = range.length;
  env::File& file = env::unwrapped(*range.file);
  while (left > 0) {
    const std::size_t sent =
        TRY(push(task, taking, [&] { return stream_->send_range(task, file, at, left); }));
    at += sent;
    left -= sent;
  }
  return {};
}

}  // namespace flux::server
