#include "sim/replay/node_player.h"

#include <utility>

#include <fmt/format.h>

#include "core/base/check.h"

namespace flux::sim {
namespace {
// At one moment a process has few turns; a driver that waited longer than this waits for ever.
constexpr std::uint32_t kWaitsMax = 10'000;

Token token_of(TokenKind kind, std::uint64_t a) {
  Token token;
  token.token = kind;
  token.a = a;
  return token;
}

// A disk's operation ends when it ends; a wait in the network also by deadline or cancellation.
// Sending a file's range is first the one and, once it has read, the other.
void wait(env::Task& task, NodeCall call, bool told) {
  if (call >= NodeCall::open || (call == NodeCall::send_range && !told)) {
    const env::Uninterrupted uninterrupted(task);
    task.scheduler().park(task);
  } else {
    task.scheduler().park(task);
  }
}
}  // namespace

NodePlayer::NodePlayer(World& world, Process& process, const NodeRecord& record, MakeMain make_main)
    : world_(world), process_(process), tokens_(record.tokens), make_main_(std::move(make_main)) {
  find_outside();
  process.tap(this);
}

// Wakes and the like that came while the process ran are met in their place; the driver does the
// others.
void NodePlayer::find_outside() {
  bool running = false;
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const TokenKind kind = tokens_[i].token;
    if (kind == TokenKind::resumed) running = true;
    if (kind == TokenKind::suspended) running = false;
    if (kind == TokenKind::start || kind == TokenKind::end) running = false;
    if (tokens_[i].outside() && !running) outside_.push_back(i);
  }
}

void NodePlayer::play() {
  schedule_next();
  while (!over() && world_.run_until(Time::max()) == RunEnd::stopped) {
  }
  if (over() || cursor_ == tokens_.size()) return;
  differ("nothing more happened");
}

void NodePlayer::schedule_next() {
  while (next_outside_ < outside_.size() && outside_[next_outside_] < cursor_) ++next_outside_;
  if (next_outside_ == outside_.size()) return;
  world_.at(tokens_[outside_[next_outside_]].at, *this, 0);
}

void NodePlayer::fire(std::uint64_t) {
  if (over()) return;
  while (const Token* token = next()) {
    if (!token->outside() || token->at > world_.now()) break;
    apply(*token);
    if (over()) return;
  }
  while (next_outside_ < outside_.size() && outside_[next_outside_] < cursor_) {
    ++next_outside_;
    waits_ = 0;
  }
  if (next_outside_ == outside_.size()) return;
  const Token& due = tokens_[outside_[next_outside_]];
  if (due.at <= world_.now() && ++waits_ > kWaitsMax) {
    return differ(fmt::format("the node waited, and {} was due", describe(due)));
  }
  world_.at(due.at, *this, 0);
}

void NodePlayer::apply(const Token& token) {
  take();
  switch (token.token) {
    case TokenKind::start:
      return process_.start(make_main_(token.text));
    case TokenKind::end:
      return process_.end(static_cast<Exit>(token.a));
    case TokenKind::wake:
      return process_.wake(
          {static_cast<std::uint32_t>(token.a), static_cast<std::uint32_t>(token.b)});
    case TokenKind::stop:
      process_.request_stop();
      return;
    case TokenKind::pause:
      return process_.pause();
    case TokenKind::unpause:
      return process_.unpause();
    case TokenKind::clock:
      process_.clock().set_drift(static_cast<std::int64_t>(token.a), process_.effect_time());
      return process_.reschedule();
    case TokenKind::timer:
      return process_.force_timer();
    default:
      UNREACHABLE("not from outside");
  }
}

void NodePlayer::take() {
  ++cursor_;
  hash_ = process_.hash();
  if (cursor_ < tokens_.size()) return;
  finished_ = true;
  world_.stop();
}

// What came from outside while the node ran, or just before its turn.
void NodePlayer::absorb() {
  while (const Token* token = next()) {
    const bool ends = token->token == TokenKind::end || token->token == TokenKind::start;
    if (!token->outside() || ends || token->at > world_.now() || over()) return;
    apply(*token);
  }
}

void NodePlayer::expect(const Token& met) {
  if (over()) return;
  const Token* token = next();
  if (!token) return;
  Token recorded = *token;
  recorded.at = met.at;
  if (token->token == TokenKind::turn) recorded.a = met.a;
  if (recorded != met || (token->token == TokenKind::turn && token->at != met.at)) {
    return differ(describe(met));
  }
  take();
}

void NodePlayer::differ(const std::string& met) {
  if (over()) return;
  const WorldScope scope;
  const Token* token = next();
  difference_ = fmt::format("token {}: the record has {}; the node: {}", cursor_,
                            token ? describe(*token) : "ended", met);
  world_.stop();
}

const Token& NodePlayer::abandon(const std::string& met) {
  differ(met);
  process_.end(Exit::killed);
  UNREACHABLE("a process outlived its end");
}

void NodePlayer::turn(std::uint32_t) {
  if (over()) return;
  absorb();
  const Token* token = next();
  if (token && token->token == TokenKind::turn) {
    process_.cost().slowdown = static_cast<std::uint32_t>(token->a);
  }
  Token now = token_of(TokenKind::turn, 0);
  now.at = world_.now();
  expect(now);
}

void NodePlayer::resumed(const env::Task& task) {
  if (over()) return;
  absorb();
  expect(token_of(TokenKind::resumed, task.key().value));
}

bool NodePlayer::suspended(const env::Task& task) {
  if (over()) return false;
  absorb();
  // Killed in the midst of this turn; the driver does it.
  if (next() && next()->token == TokenKind::end) return false;
  expect(token_of(TokenKind::suspended, task.key().value));
  return !over();
}

void NodePlayer::charged(std::size_t bytes) {
  if (playing_ || over()) return;
  expect(token_of(TokenKind::charged, bytes));
}

void NodePlayer::passed(SeamKind kind, std::uint64_t a, std::uint64_t b, std::uint64_t digest) {
  if (playing_ || over()) return;
  // Killed from outside in the midst of a call: the token of the end stands before this one.
  if (kind == SeamKind::end && next() && next()->token == TokenKind::end) take();
  Token token = token_of(TokenKind::passed, a);
  token.kind = static_cast<std::uint8_t>(kind);
  token.b = b;
  token.digest = digest;
  expect(token);
}

const Token& NodePlayer::call(env::Task* task, NodeCall call, std::uint64_t object,
                              std::uint64_t digest) {
  absorb();
  Token asked = token_of(TokenKind::call, object);
  asked.kind = static_cast<std::uint8_t>(call);
  asked.b = digest;
  const Token* token = next();
  if (over() || !token) return abandon("more calls");
  if (token->token == TokenKind::end) {
    process_.end(static_cast<Exit>(token->a));
  }
  if (*token != asked) return abandon(describe(asked));
  take();
  bool told = false;  // something of this call has passed the seam
  for (;;) {
    token = next();
    if (!token || over()) return abandon("more of a call");
    switch (token->token) {
      case TokenKind::charged:
      case TokenKind::passed:
        playing_ = true;
        if (token->token == TokenKind::charged) {
          process_.charge_call(static_cast<std::size_t>(token->a));
        } else {
          process_.seam(static_cast<SeamKind>(token->kind), token->a, token->b, token->digest);
        }
        playing_ = false;
        told = told || token->token == TokenKind::passed;
        take();
        break;
      case TokenKind::suspended:
        if (!task) return abandon(describe(asked) + " cannot wait");
        wait(*task, call, told);
        break;
      case TokenKind::answer:
        take();
        return tokens_[cursor_ - 1];
      case TokenKind::end:
        process_.end(static_cast<Exit>(token->a));
        UNREACHABLE("a process outlived its end");
      default:
        if (!token->outside()) return abandon(describe(asked) + " has not returned");
        apply(*token);
    }
  }
}

}  // namespace flux::sim
