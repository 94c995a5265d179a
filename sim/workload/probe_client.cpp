#include "sim/workload/probe_client.h"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "core/base/hash.h"
#include "sim/probe/wire.h"

namespace flux::sim {
namespace {

using probe::Code;
using probe::Frame;

constexpr Key kPause = key("probe_client.pause");
constexpr Key kNext = key("probe_client.next");
constexpr Key kSize = key("probe_client.size");

// One connection that is made again when it breaks.
class Line {
 public:
  Line(env::Env& env, Seat& seat) : env_(env), seat_(seat) {}

  Result<Frame> call(env::Task& task, const Frame& request) {
    const env::DeadlineScope deadline(task, env_.clock.now() + seat_.spec().request_timeout);
    Result<Frame> answer = try_call(task, request);
    // An answer to this request must not be taken for the answer to the next.
    if (!answer) connection_.reset();
    return answer;
  }
  // Whether the last request may have reached the node.
  bool sent() const { return sent_; }

 private:
  Result<Frame> try_call(env::Task& task, const Frame& request) {
    sent_ = false;
    if (!connection_) {
      connection_ = TRY(env_.network.connect(task, seat_.bootstrap().front()));
    }
    sent_ = true;
    TRY(probe::send(task, *connection_, request));
    return probe::receive(task, *connection_);
  }

  env::Env& env_;
  Seat& seat_;
  std::unique_ptr<env::Connection> connection_;
  bool sent_ = false;
};

class Session {
 public:
  Session(env::Env& env, Seat& seat) : env_(env), seat_(seat), line_(env, seat) {}

  void work(env::Task& task) {
    for (std::uint64_t step = 0; seat_.phase() == RunPhase::safety; ++step) {
      const std::uint32_t limit = seat_.spec().operations_max;
      if (limit != 0 && step >= limit) break;
      const bool reads = env_.random.draw(kNext.with(step), 3) == 0;
      if (!(reads ? read_next(task) : append(task, step)) || !pause(task, step)) return;
    }
    seat_.done();
  }

  void audit(env::Task& task) {
    while (read_for(task, OperationKind::final_read, next_)) {
      if (at_end_) return seat_.done();
      seat_.waits_for(fmt::format("index {}", next_));
    }
  }

 private:
  bool pause(env::Task& task, std::uint64_t step) {
    const Duration low = seat_.spec().pause_min;
    const Duration width = seat_.spec().pause_max - low;
    const auto extra =
        env_.random.draw(kPause.with(step), static_cast<std::uint64_t>(width.ns()) + 1);
    return env::sleep_until(task,
                            env_.clock.now() + low + Duration(static_cast<std::int64_t>(extra)))
        .has_value();
  }

  // Sends one value until it is answered, as an idempotent producer does, or until it gives up.
  bool append(env::Task& task, std::uint64_t step) {
    const ValueId value = seat_.history().next_value(seat_.process());
    const Span span = seat_.spec().value_bytes;
    const auto size = static_cast<std::size_t>(
        span.low + static_cast<std::int64_t>(env_.random.draw(
                       kSize.with(step), static_cast<std::uint64_t>(span.high - span.low) + 1)));
    Frame request{Code::append, value.client, value.number, Bytes(size)};
    for (std::size_t i = 0; i < size; ++i) {
      request.bytes[i] = static_cast<std::byte>(mix64(value.number * 1000 + i));
    }
    Operation op;
    op.kind = OperationKind::produce;
    op.topic = "probe";
    op.partition = PartitionIndex(0);
    op.records.push_back({.value = value, .digest = hash_bytes(request.bytes)});
    const OperationId id = seat_.history().invoke(seat_.process(), op);
    const Instant give_up = env_.clock.now() + seat_.spec().delivery_timeout;
    bool reached = false;
    for (;;) {
      const Result<Frame> answer = line_.call(task, request);
      reached = reached || line_.sent();
      if (answer && answer->code == Code::done) {
        complete(id, Outcome::ok, ErrorCode::invalid, answer->first);
        return true;
      }
      const bool over = env_.clock.now() >= give_up || task.cancelled();
      if (over) {
        const ErrorCode error = answer ? ErrorCode::io_error : answer.error().code();
        complete(id, reached ? Outcome::unknown : Outcome::refused, error, 0);
        return !task.cancelled();
      }
      if (!env::sleep_until(task, env_.clock.now() + milliseconds(50))) continue;
    }
  }

  void complete(OperationId id, Outcome outcome, ErrorCode error, std::uint64_t index) {
    seat_.history().complete(seat_.process(), id, [&](Operation& op) {
      op.outcome = outcome;
      op.error = error;
      if (outcome == Outcome::ok) op.base_offset = Offset(static_cast<std::int64_t>(index));
    });
  }

  bool read_next(env::Task& task) { return read_for(task, OperationKind::fetch, next_); }

  bool read_for(env::Task& task, OperationKind kind, std::uint64_t index) {
    Operation op;
    op.kind = kind;
    op.topic = "probe";
    op.partition = PartitionIndex(0);
    op.offset = Offset(static_cast<std::int64_t>(index));
    const OperationId id = seat_.history().invoke(seat_.process(), op);
    const Result<Frame> answer = line_.call(task, {Code::read, index, 0, {}});
    at_end_ = answer && answer->code == Code::end;
    seat_.history().complete(seat_.process(), id, [&](Operation& done) {
      done.outcome = answer ? Outcome::ok : Outcome::unknown;
      if (!answer) done.error = answer.error().code();
      if (answer && answer->code == Code::failed) done.outcome = Outcome::refused;
      if (!answer || answer->code != Code::done) return;
      done.records.push_back({.value = {static_cast<std::uint32_t>(answer->first), answer->second},
                              .digest = hash_bytes(answer->bytes),
                              .offset = Offset(static_cast<std::int64_t>(index))});
    });
    if (answer && answer->code == Code::done) ++next_;
    if (answer) return true;
    return env::sleep_until(task, env_.clock.now() + milliseconds(50)).has_value();
  }

  env::Env& env_;
  Seat& seat_;
  Line line_;
  std::uint64_t next_ = 0;
  bool at_end_ = false;
};

}  // namespace

void ProbeClient::run(env::Task& task, env::Env& env, Seat& seat) { Session(env, seat).work(task); }

void ProbeAuditor::run(env::Task& task, env::Env& env, Seat& seat) {
  Session(env, seat).audit(task);
}

}  // namespace flux::sim
