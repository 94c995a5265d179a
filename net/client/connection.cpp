#include "net/client/connection.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/check.h"
#include "core/base/mark.h"
#include "net/wire/frame.h"
#include "net/wire/header.h"

namespace flux::client {
namespace {

using kafka::ApiKey;
using kafka::WireError;

constexpr std::string_view kSoftwareName = "flux";
constexpr std::string_view kSoftwareVersion = "0.1.0";
// What a connection knows before ApiVersions was answered.
constexpr std::int16_t kFallbackApiVersions = 0;

// Where an answer goes whose caller may have stopped waiting.
struct Mailbox {
  bool waiting = true;
  std::optional<CallResult<Bytes>> answer;
  sync::Condition arrived;
};

}  // namespace

BrokerConnection::BrokerConnection(const env::Env& env, const ClientConfig& config,
                                   const env::Endpoint& to, std::unique_ptr<env::Connection> stream,
                                   std::function<void()> on_down)
    : env_(env),
      config_(config),
      peer_(to),
      stream_(std::move(stream)),
      on_down_(std::move(on_down)) {}

BrokerConnection::~BrokerConnection() { CHECK(!alive_, "a connection ended without close()"); }

Result<std::shared_ptr<BrokerConnection>> BrokerConnection::open(
    env::Task& task, const env::Env& env, const ClientConfig& config, sync::TaskGroup& group,
    const env::Endpoint& to, std::function<void()> on_down) {
  const Instant until = env.clock.now() + config.connect_timeout;
  std::unique_ptr<env::Connection> stream;
  {
    const env::DeadlineScope scope(task, until);
    stream = TRY(env.network.connect(task, to));
  }
  std::shared_ptr<BrokerConnection> self(
      new BrokerConnection(env, config, to, std::move(stream), std::move(on_down)));
  group.spawn("client.read", [self](env::Task& reader) { self->read_loop(reader); });
  group.spawn("client.write", [self](env::Task& writer) { self->write_loop(writer); });
  if (Result<void> agreed = self->agree_on_versions(task); !agreed) {
    self->on_down_ = nullptr;  // whoever opens it learns the reason here
    self->close(agreed.error());
    return std::unexpected(agreed.error());
  }
  return self;
}

Result<void> BrokerConnection::agree_on_versions(env::Task& task) {
  const kafka::ApiVersionsRequest request{.client_software_name = std::string(kSoftwareName),
                                          .client_software_version = std::string(kSoftwareVersion)};
  std::int16_t version = *config_.versions.choose(ApiKey::api_versions, VersionRange{0, INT16_MAX});
  for (;;) {
    const Instant deadline = env_.clock.now() + config_.request_timeout;
    CallResult<Bytes> frame = wait_for(
        task, [&](OnAnswer on_answer) { start(request, version, deadline, std::move(on_answer)); });
    if (!frame) return std::unexpected(frame.error().error);
    // A broker too old for the request answers in version 0, whatever was asked.
    auto answer = decode<kafka::ApiVersionsResponse>(*frame, version);
    const bool refused = !answer || answer->body.error == WireError::unsupported_version;
    if (!refused) return learn_versions(answer->body);
    if (version == kFallbackApiVersions) {
      if (!answer) return std::unexpected(answer.error().in(peer_.to_string()));
      return fail(ErrorCode::unsupported, peer_.to_string() + " refuses ApiVersions");
    }
    REACHED("client.api_versions_fallback");
    version = kFallbackApiVersions;
  }
}

Result<void> BrokerConnection::learn_versions(const kafka::ApiVersionsResponse& answer) {
  if (answer.error != WireError::none) {
    return fail(ErrorCode::not_available, peer_.to_string() + " answers ApiVersions with " +
                                              std::string(kafka::name_of(answer.error)));
  }
  for (const auto& api : answer.api_keys) {
    versions_[api.api_key] = VersionRange{api.min_version, api.max_version};
  }
  return {};
}

std::optional<std::int16_t> BrokerConnection::version_for(ApiKey api, std::int16_t limit) const {
  const auto range = versions_.find(static_cast<std::int16_t>(api));
  if (range == versions_.end()) return std::nullopt;
  return config_.versions.choose(api, range->second, limit);
}

void BrokerConnection::begin_request(wire::Writer& to, ApiKey api, std::int16_t version) const {
  const kafka::ApiInfo* info = kafka::find_api(static_cast<std::int16_t>(api));
  CHECK(info != nullptr, "an API that the codec does not know");
  to.begin_frame();
  wire::write_request_header(to,
                             {.api_key = static_cast<std::int16_t>(api),
                              .api_version = version,
                              .correlation_id = next_correlation_,
                              .client_id = config_.client_id},
                             kafka::request_header_version(*info, version));
}

void BrokerConnection::enqueue(Result<> encoded, wire::Writer& writer, Instant deadline,
                               OnAnswer on_answer, bool wants_answer) {
  CHECK(encoded.has_value(), "a request that cannot be encoded");
  writer.end_frame();
  auto line = std::make_shared<Line>(Line{.frame = writer.take(),
                                          .correlation = next_correlation_,
                                          .deadline = deadline,
                                          .wants_answer = wants_answer,
                                          .sent = false,
                                          .on_answer = std::move(on_answer)});
  next_correlation_ = next_correlation_ == INT32_MAX ? 1 : next_correlation_ + 1;
  CHECK(alive_, "a request for a dead connection");
  CHECK_LT(in_line(), config_.line_max);
  outbox_.push_back(std::move(line));
  work_.notify_all();
}

CallResult<Bytes> BrokerConnection::wait_for(env::Task& task,
                                             const std::function<void(OnAnswer)>& begin) {
  if (!alive_) {
    return std::unexpected(CallFailure{
        Error(ErrorCode::closed, "the connection to " + peer_.to_string() + " ended"), false});
  }
  if (!has_room()) {
    return std::unexpected(CallFailure{
        Error(ErrorCode::not_available, "too many requests wait for " + peer_.to_string()), false});
  }
  auto mailbox = std::make_shared<Mailbox>();
  begin([mailbox](CallResult<Bytes> answer) {
    if (!mailbox->waiting) return;
    mailbox->answer = std::move(answer);
    mailbox->arrived.notify_all();
  });
  while (!mailbox->answer) {
    Result<void> waited = mailbox->arrived.wait(task);
    if (waited || mailbox->answer) continue;
    mailbox->waiting = false;
    // Whether it has left or has yet to leave, nobody waits to find out.
    return std::unexpected(CallFailure{waited.error().in(peer_.to_string()), true});
  }
  return std::move(*mailbox->answer);
}

Result<std::size_t> BrokerConnection::skip_header(ByteView frame, ApiKey api,
                                                  std::int16_t version) {
  const kafka::ApiInfo* info = kafka::find_api(static_cast<std::int16_t>(api));
  wire::Reader reader(frame);
  wire::read_response_header(reader, kafka::response_header_version(*info, version));
  TRY(reader.status());
  return reader.position();
}

Instant BrokerConnection::first_deadline() const {
  Instant first = Instant::max();
  for (const LinePtr& line : outbox_) first = std::min(first, line->deadline);
  for (const LinePtr& line : awaiting_) first = std::min(first, line->deadline);
  return first;
}

void BrokerConnection::write_loop(env::Task& task) {
  const std::shared_ptr<BrokerConnection> self = shared_from_this();
  while (alive_) {
    const Instant due = first_deadline();
    if (env_.clock.now() >= due) {
      REACHED("client.request_timed_out");
      close(Error(ErrorCode::timed_out, peer_.to_string() + " did not answer in time"));
      return;
    }
    if (!outbox_.empty()) {
      const env::DeadlineScope scope(task, due);
      if (Result<void> written = write_next(task); !written && alive_) {
        close(written.error().in(peer_.to_string()));
        return;
      }
      continue;
    }
    Result<void> waited = work_.wait(task, due);
    if (!waited && waited.error() != ErrorCode::timed_out) {
      close(waited.error());
      return;
    }
  }
}

Result<void> BrokerConnection::write_next(env::Task& task) {
  const LinePtr line = outbox_.front();
  line->sent = true;
  if (line->wants_answer) {
    // From its first byte on the broker may answer it.
    outbox_.pop_front();
    awaiting_.push_back(line);
    return env::write_all(task, *stream_, line->frame);
  }
  TRY(env::write_all(task, *stream_, line->frame));
  if (!alive_) return {};
  CHECK(outbox_.front() == line);
  outbox_.pop_front();
  line->on_answer(Bytes{});
  return {};
}

void BrokerConnection::read_loop(env::Task& task) {
  const std::shared_ptr<BrokerConnection> self = shared_from_this();
  while (alive_) {
    std::array<std::byte, wire::kFrameLengthSize> prefix;
    Result<void> got = env::read_exact(task, *stream_, prefix);
    Bytes frame;
    if (got) {
      Result<std::size_t> length = wire::frame_length(prefix, config_.frame_bytes_max);
      if (length) {
        frame.resize(*length);
        got = env::read_exact(task, *stream_, frame);
      } else {
        got = std::unexpected(length.error());
      }
    }
    if (!alive_) return;
    if (got) got = take_answer(std::move(frame));
    if (!got) {
      const Error why = got.error() == ErrorCode::closed
                            ? Error(ErrorCode::reset, "the broker closed the connection")
                            : got.error();
      close(why.in(peer_.to_string()));
      return;
    }
  }
}

Result<void> BrokerConnection::take_answer(Bytes frame) {
  if (frame.size() < sizeof(std::int32_t)) {
    return fail(ErrorCode::corrupt, "an answer too short for its header");
  }
  const auto correlation = load_be<std::int32_t>(frame.data());
  if (awaiting_.empty() || awaiting_.front()->correlation != correlation) {
    REACHED("client.stray_answer");
    return fail(ErrorCode::corrupt, "an answer to no request that was sent");
  }
  const LinePtr line = std::move(awaiting_.front());
  awaiting_.pop_front();
  line->on_answer(std::move(frame));
  return {};
}

void BrokerConnection::close(const Error& why) {
  if (!alive_) return;
  alive_ = false;
  stream_->close();
  std::deque<LinePtr> lines = std::exchange(awaiting_, {});
  for (LinePtr& line : outbox_) lines.push_back(std::move(line));
  outbox_.clear();
  work_.notify_all();
  for (const LinePtr& line : lines) {
    line->on_answer(std::unexpected(CallFailure{why, line->sent}));
  }
  if (const auto on_down = std::exchange(on_down_, nullptr)) on_down();
}

}  // namespace flux::client
