#include "net/http/server.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "core/base/mark.h"

namespace flux::http {

namespace {

// After an error of the whole process (no more files), so that the loop does not spin.
constexpr Duration kAcceptPause = milliseconds(100);
// A connection that asks without end is closed, and may come again.
constexpr int kRequestsMax = 1000;
constexpr std::size_t kPiece = 1024;
constexpr std::string_view kAllowed = "GET, HEAD";

}  // namespace

HttpServer::HttpServer(env::Env& env, const HttpConfig& config, Pages pages)
    : env_(env), config_(config), pages_(std::move(pages)), tasks_(env.scheduler) {}

Result<void> HttpServer::start(env::Task& task) {
  auto listener = env_.network.listen(task, config_.at);
  if (!listener) {
    return std::unexpected(listener.error().in(fmt::format("http://{}", config_.at.to_string())));
  }
  listener_ = std::move(*listener);
  tasks_.spawn("http.accept", [this](env::Task& own) { accept_loop(own); });
  return {};
}

Result<void> HttpServer::stop(env::Task& task) {
  tasks_.cancel();
  TRY(tasks_.wait(task));
  listener_.reset();
  return {};
}

void HttpServer::accept_loop(env::Task& task) {
  for (;;) {
    auto accepted = listener_->accept(task);
    if (!accepted) {
      if (accepted.error() == ErrorCode::cancelled) return;
      TRACE(env_.trace, warning, "http.accept_failed", {"why", accepted.error().to_string()});
      if (!env::sleep_until(task, env_.clock.now() + kAcceptPause)) return;
      continue;
    }
    if (!make_room()) {
      REACHED("http.too_many_connections");
      refused_.add();
      continue;
    }
    const std::string name = fmt::format("http-{}", (*accepted)->id());
    tasks_.spawn(
        name, [this, stream = std::move(*accepted)](env::Task& own) { serve(own, *stream); },
        env::StackSize::large);
  }
}

bool HttpServer::make_room() {
  // The task that accepts is one of them.
  if (tasks_.running() <= config_.connections_max) return true;
  if (silent_.empty()) return false;
  REACHED("http.silent_closed");
  silent_.front()->close();
  silent_.pop_front();
  return true;
}

void HttpServer::serve(env::Task& task, env::Connection& stream) {
  std::string buffer;
  for (int i = 0; i < kRequestsMax; ++i) {
    const Result<bool> again = serve_one(task, stream, buffer);
    if (!again || !*again) break;
  }
  stream.shutdown_write();
}

// False when the connection ends after it.
Result<bool> HttpServer::serve_one(env::Task& task, env::Connection& stream, std::string& buffer) {
  const Parsed parsed = TRY(read_request(task, stream, buffer));
  if (const auto* refusal = std::get_if<Refusal>(&parsed)) {
    REACHED("http.refused");
    const Answer answer{.status = refusal->status, .body = fmt::format("{}\n", refusal->why)};
    TRY(send(task, stream, answer, true, false));
    return false;
  }
  const auto& request = std::get<Request>(parsed);
  buffer.erase(0, request.head_bytes);
  const Answer answer = answer_to(task, request);
  TRY(send(task, stream, answer, request.method != "HEAD", request.keep_alive));
  return request.keep_alive;
}

// A connection that says nothing is closed without a word; one that stops within a head is told.
Result<Parsed> HttpServer::read_request(env::Task& task, env::Connection& stream,
                                        std::string& buffer) {
  Instant until = env_.clock.now() + config_.idle_max;
  bool begun = false;
  for (;;) {
    Parsed parsed = parse_request(buffer);
    if (!std::holds_alternative<Incomplete>(parsed)) return parsed;
    if (!begun && !buffer.empty()) {
      begun = true;
      until = env_.clock.now() + config_.head_patience;
    }
    const env::DeadlineScope deadline(task, until);
    const auto got = read_some(task, stream, buffer);
    if (!got && got.error() == ErrorCode::timed_out && begun) {
      REACHED("http.half_request");
      return Refusal{Status::request_timeout, "the request did not come in time"};
    }
    if (!got) return std::unexpected(got.error());
    if (*got == 0) return fail(ErrorCode::closed);
  }
}

Result<std::size_t> HttpServer::read_some(env::Task& task, env::Connection& stream,
                                          std::string& buffer) {
  std::array<std::byte, kPiece> piece;
  const bool silent = buffer.empty();
  if (silent) silent_.push_back(&stream);
  const auto got = stream.read_some(task, piece);
  if (silent) silent_.remove(&stream);
  if (got) buffer += as_text(ByteView(piece).first(*got));
  return got;
}

Answer HttpServer::answer_to(env::Task& task, const Request& request) {
  auto page = pages_(task, request.path);
  if (!page) return {.status = Status::not_found, .body = "There is no such page.\n"};
  if (request.method == "GET" || request.method == "HEAD") return std::move(*page);
  return {.status = Status::method_not_allowed, .body = "Allowed are GET and HEAD.\n"};
}

Result<void> HttpServer::send(env::Task& task, env::Connection& stream, const Answer& answer,
                              bool with_body, bool keep_alive) {
  answers_[answer.status].add();
  std::string out = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
      "Connection: {}\r\n",
      static_cast<int>(answer.status), reason_of(answer.status), answer.type, answer.body.size(),
      keep_alive ? "keep-alive" : "close");
  if (answer.status == Status::method_not_allowed) out += fmt::format("Allow: {}\r\n", kAllowed);
  out += "\r\n";
  if (with_body) out += answer.body;
  const env::DeadlineScope deadline(task, env_.clock.now() + config_.answer_patience);
  auto written = env::write_all(task, stream, as_bytes(out));
  if (!written) REACHED("http.answer_not_taken");
  return written;
}

void HttpServer::write_metrics(metrics::Exposition& to) const {
  using metrics::Kind;
  to.family("flux_http_requests_total", Kind::counter, "Requests that the http listener answered.");
  for (const auto& [status, count] : answers_) {
    to.sample(count, {{"code", fmt::to_string(static_cast<int>(status))}});
  }
  to.single("flux_http_connections_refused_total", Kind::counter,
            "Connections to the http listener that were closed at once, since it had enough.",
            refused_);
}

}  // namespace flux::http
