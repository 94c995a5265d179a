#include "sim/replay/node_recorder.h"

#include <utility>

#include "sim/world/world.h"

namespace flux::sim {

NodeRecorder::NodeRecorder(Process& process, std::string program, std::uint64_t seed,
                           bool seeded_order)
    : process_(process) {
  record_.program = std::move(program);
  record_.process = process.name();
  record_.seed = seed;
  record_.seeded_order = seeded_order;
  record_.cost = process.cost();
  process.tap(this);
}

Token& NodeRecorder::add(TokenKind kind) {
  Token& token = record_.tokens.emplace_back();
  token.token = kind;
  if (token.outside() || kind == TokenKind::turn) token.at = process_.world().now();
  return token;
}

void NodeRecorder::starting(std::string_view setup) {
  const WorldScope scope;
  add(TokenKind::start).text = setup;
}

void NodeRecorder::call(NodeCall call, std::uint64_t object, std::uint64_t digest) {
  const WorldScope scope;
  Token& token = add(TokenKind::call);
  token.kind = static_cast<std::uint8_t>(call);
  token.a = object;
  token.b = digest;
}

void NodeRecorder::answer(bool good, std::uint64_t a, std::uint64_t b, std::string_view text) {
  const WorldScope scope;
  Token& token = add(TokenKind::answer);
  token.kind = good ? 0 : 1;
  token.a = a;
  token.b = b;
  token.text = text;
}

NodeRecord NodeRecorder::finish() {
  record_.hash = process_.hash();
  process_.tap(nullptr);
  return std::move(record_);
}

void NodeRecorder::turn(std::uint32_t slowdown) {
  const WorldScope scope;
  add(TokenKind::turn).a = slowdown;
}

void NodeRecorder::resumed(const env::Task& task) {
  const WorldScope scope;
  add(TokenKind::resumed).a = task.key().value;
}

bool NodeRecorder::suspended(const env::Task& task) {
  const WorldScope scope;
  add(TokenKind::suspended).a = task.key().value;
  return true;
}

void NodeRecorder::charged(std::size_t bytes) {
  const WorldScope scope;
  add(TokenKind::charged).a = bytes;
}

void NodeRecorder::passed(SeamKind kind, std::uint64_t a, std::uint64_t b, std::uint64_t digest) {
  const WorldScope scope;
  Token& token = add(TokenKind::passed);
  token.kind = static_cast<std::uint8_t>(kind);
  token.a = a;
  token.b = b;
  token.digest = digest;
}

void NodeRecorder::woken(env::TaskHandle task) {
  const WorldScope scope;
  Token& token = add(TokenKind::wake);
  token.a = task.index;
  token.b = task.generation;
}

void NodeRecorder::told(Told what, std::int64_t value) {
  const WorldScope scope;
  constexpr TokenKind kKinds[] = {TokenKind::end,     TokenKind::stop,  TokenKind::pause,
                                  TokenKind::unpause, TokenKind::clock, TokenKind::timer};
  add(kKinds[static_cast<std::size_t>(what)]).a = static_cast<std::uint64_t>(value);
}

}  // namespace flux::sim
