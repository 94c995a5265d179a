// BrokerConnection: one connection to one broker. Requests go out in the order of start(), answers
// come back in the same order, many at a time.
//
// Invariants:
//  - The callback of start() is called exactly once, with the answer's frame or with the reason why
//    there is none, and never from inside start() itself. It must not suspend.
//  - A request whose deadline passes without an answer ends the connection, and so does an answer
//    that belongs to no request: what follows on the stream could not be trusted.
//  - A dead connection stays dead. The pool (pool.h) opens another.
//
// Two tasks serve it, a reader and a writer; both live in the TaskGroup of the Client, which must
// outlive the connection. Kept by shared_ptr: a task that works on it keeps it alive.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "core/env/env.h"
#include "core/sync/condition.h"
#include "core/sync/task_group.h"
#include "net/client/call.h"
#include "net/client/config.h"
#include "net/kafka/request.h"
#include "net/wire/writer.h"

namespace flux::client {

class BrokerConnection : public std::enable_shared_from_this<BrokerConnection> {
 public:
  using OnAnswer = std::move_only_function<void(CallResult<Bytes>)>;

  // Connects and asks which versions the broker speaks. `on_down` is called once when an open
  // connection dies.
  static Result<std::shared_ptr<BrokerConnection>> open(env::Task& task, const env::Env& env,
                                                        const ClientConfig& config,
                                                        sync::TaskGroup& group,
                                                        const env::Endpoint& to,
                                                        std::function<void()> on_down);
  BrokerConnection(const BrokerConnection&) = delete;
  BrokerConnection& operator=(const BrokerConnection&) = delete;
  ~BrokerConnection();

  bool alive() const { return alive_; }
  const env::Endpoint& peer() const { return peer_; }
  // Unique among the connections of this client's world; stable over runs in the simulator.
  std::uint64_t id() const { return stream_->id(); }
  // Requests taken and not yet answered.
  std::size_t in_line() const { return outbox_.size() + awaiting_.size(); }
  bool has_room() const { return alive_ && in_line() < config_.line_max; }
  std::optional<std::int16_t> version_for(kafka::ApiKey api, std::int16_t limit = INT16_MAX) const;

  // Takes its place in the line now. There must be room. `wants_answer` false: the callback comes,
  // with no bytes, when the request has been handed to the network.
  template <class Request>
  void start(const Request& request, std::int16_t version, Instant deadline, OnAnswer on_answer,
             bool wants_answer = true);

  // start() and the wait for its answer, decoded. The wait ends early with the task's own deadline
  // or cancellation; an answer that comes later is dropped.
  template <class Request>
  CallResult<AnswerOf<Request>> call(env::Task& task, const Request& request, Duration timeout,
                                     std::int16_t limit = INT16_MAX);

  template <class Response>
  static Result<Answer<Response>> decode(Bytes frame, std::int16_t version);

  // Everything in line fails with `why`.
  void close(const Error& why);

 private:
  struct Line {
    Bytes frame;
    std::int32_t correlation = 0;
    Instant deadline;
    bool wants_answer = true;
    bool sent = false;
    OnAnswer on_answer;
  };
  using LinePtr = std::shared_ptr<Line>;

  BrokerConnection(const env::Env& env, const ClientConfig& config, const env::Endpoint& to,
                   std::unique_ptr<env::Connection> stream, std::function<void()> on_down);

  void begin_request(wire::Writer& to, kafka::ApiKey api, std::int16_t version) const;
  void enqueue(Result<> encoded, wire::Writer& writer, Instant deadline, OnAnswer on_answer,
               bool wants_answer);
  CallResult<Bytes> wait_for(env::Task& task, const std::function<void(OnAnswer)>& begin);
  static Result<std::size_t> skip_header(ByteView frame, kafka::ApiKey api, std::int16_t version);

  Result<void> agree_on_versions(env::Task& task);
  Result<void> learn_versions(const kafka::ApiVersionsResponse& answer);
  void read_loop(env::Task& task);
  void write_loop(env::Task& task);
  Result<void> write_next(env::Task& task);
  Result<void> take_answer(Bytes frame);
  Instant first_deadline() const;

  env::Env env_;
  const ClientConfig& config_;
  env::Endpoint peer_;
  std::unique_ptr<env::Connection> stream_;
  std::function<void()> on_down_;
  std::map<std::int16_t, VersionRange> versions_;
  bool alive_ = true;
  std::int32_t next_correlation_ = 1;
  std::deque<LinePtr> outbox_;    // not sent
  std::deque<LinePtr> awaiting_;  // sent, in order
  sync::Condition work_;          // for the writer
};

// ---- the parts that depend on the request

template <class Request>
void BrokerConnection::start(const Request& request, std::int16_t version, Instant deadline,
                             OnAnswer on_answer, bool wants_answer) {
  wire::Writer writer;
  begin_request(writer, static_cast<kafka::ApiKey>(Request::kKey), version);
  Result<> encoded = request.encode(writer, version);
  enqueue(std::move(encoded), writer, deadline, std::move(on_answer), wants_answer);
}

template <class Response>
Result<Answer<Response>> BrokerConnection::decode(Bytes frame, std::int16_t version) {
  const auto api = static_cast<kafka::ApiKey>(Response::kKey);
  const std::size_t body_at = TRY(skip_header(frame, api, version));
  wire::Reader reader(ByteView(frame).subspan(body_at));
  Response body = TRY(Response::decode(reader, version));
  return Answer<Response>{.frame = std::move(frame), .body = std::move(body), .version = version};
}

template <class Request>
CallResult<AnswerOf<Request>> BrokerConnection::call(env::Task& task, const Request& request,
                                                     Duration timeout, std::int16_t limit) {
  const std::optional<std::int16_t> version =
      version_for(static_cast<kafka::ApiKey>(Request::kKey), limit);
  if (!version) {
    return std::unexpected(CallFailure{
        Error(ErrorCode::unsupported, peer_.to_string() + " speaks no version of " +
                                          std::string(Request::kName) + " that this client does"),
        false});
  }
  const Instant deadline = env_.clock.now() + timeout;
  CallResult<Bytes> frame = wait_for(
      task, [&](OnAnswer on_answer) { start(request, *version, deadline, std::move(on_answer)); });
  if (!frame) return std::unexpected(std::move(frame).error());
  auto answer = decode<typename AnswerTo<Request>::type>(std::move(*frame), *version);
  if (!answer) {
    const Error why = answer.error().in(peer_.to_string());
    close(why);
    return std::unexpected(CallFailure{why, true});
  }
  return std::move(*answer);
}

}  // namespace flux::client
