// NodeRecord: everything that one process was told and did at its environment, in order.
//
// Tokens of a turn stand between `turn` tokens; what came from outside of a turn (wakes, a stop, a
// pause) carries its time. A call is `call`, then what it cost and folded, then perhaps `suspended`
// and `resumed` pairs with other tasks' tokens between, then `answer`. The text form has a line for
// each token and is read and written by the same build; it is no format to keep.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "sim/world/process.h"

namespace flux::sim {

enum class TokenKind : std::uint8_t {
  // From outside; `at` is world time.
  start = 1,  // text: what the program is set up with
  end,        // a: Exit
  wake,       // a: task index, b: its generation
  stop,       // a stop was asked for
  pause,
  unpause,
  clock,  // a: drift in parts per billion
  timer,  // the earliest timer was forced
  // Of the node.
  turn,       // a: slowdown of the processor
  resumed,    // a: the task's key
  suspended,  // or ended
  charged,    // a: bytes of a call
  passed,     // kind, a, b, digest of a seam event
  call,       // kind: which call; a: its object, b: digest of its arguments
  answer,     // kind: 0, or 1 and an ErrorCode; a, b: numbers; text: bytes or error detail
};
std::string_view name_of(TokenKind kind);

struct Token {
  TokenKind token = TokenKind::turn;
  std::uint8_t kind = 0;
  Time at;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  std::uint64_t digest = 0;
  std::string text;

  bool outside() const { return token <= TokenKind::timer; }
  friend bool operator==(const Token&, const Token&) = default;
};
// For reports of a difference.
std::string describe(const Token& token);

struct NodeRecord {
  // How to build the process again.
  std::string program;
  std::string process;
  std::uint64_t seed = 0;
  bool seeded_order = false;
  CpuCost cost;
  std::vector<Token> tokens;
  std::uint64_t hash = 0;  // of the process, at the end
};

std::string write_record(const NodeRecord& record);
Result<NodeRecord> read_record(std::string_view text);

}  // namespace flux::sim
