#include "sim/replay/node_record.h"

#include <array>
#include <charconv>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "core/base/check.h"
#include "sim/world/seam.h"

namespace flux::sim {
namespace {

constexpr std::string_view kNames[] = {
    "",      "start", "end",     "wake",      "stop",    "pause",  "unpause", "clock",
    "timer", "turn",  "resumed", "suspended", "charged", "passed", "call",    "answer"};
constexpr std::string_view kFormat = "flux-node-1";

std::string hexadecimal(std::string_view text) {
  std::string out;
  for (const char c : text) {
    fmt::format_to(std::back_inserter(out), "{:02x}", static_cast<unsigned char>(c));
  }
  return out;
}

class LineReader {
 public:
  explicit LineReader(std::string_view line) : rest_(line) {}

  std::string_view word() {
    const std::size_t space = rest_.find(' ');
    const std::string_view word = rest_.substr(0, space);
    rest_ = space == std::string_view::npos ? std::string_view() : rest_.substr(space + 1);
    return word;
  }
  template <class T>
  bool number(T& out, int base = 16) {
    const std::string_view digits = word();
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), out, base);
    return error == std::errc() && end == digits.data() + digits.size();
  }
  bool bytes(std::string& out) {
    const std::string_view digits = word();
    if (digits.size() % 2 != 0) return false;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
      unsigned value = 0;
      const auto [end, error] =
          std::from_chars(digits.data() + i, digits.data() + i + 2, value, 16);
      if (error != std::errc() || end != digits.data() + i + 2) return false;
      out.push_back(static_cast<char>(value));
    }
    return true;
  }

 private:
  std::string_view rest_;
};

std::optional<Token> read_token(std::string_view line) {
  LineReader in(line);
  Token token;
  unsigned which = 0;
  unsigned kind = 0;
  std::int64_t at = 0;
  const bool good = in.number(which) && in.number(kind) && in.number(at) && in.number(token.a) &&
                    in.number(token.b) && in.number(token.digest) && in.bytes(token.text);
  if (!good || which == 0 || which >= std::size(kNames) || kind > 255) return std::nullopt;
  token.token = static_cast<TokenKind>(which);
  token.kind = static_cast<std::uint8_t>(kind);
  token.at = Time(at);
  return token;
}

}  // namespace

std::string_view name_of(TokenKind kind) {
  const auto index = static_cast<std::size_t>(kind);
  CHECK(index < std::size(kNames));
  return kNames[index];
}

std::string describe(const Token& token) {
  std::string out(name_of(token.token));
  if (token.outside() || token.token == TokenKind::turn) {
    out += fmt::format(" at {} ns", token.at.ns());
  }
  if (token.token == TokenKind::passed) {
    out += fmt::format(" {}", name_of(static_cast<SeamKind>(token.kind)));
  } else if (token.kind != 0) {
    out += fmt::format(" kind {}", token.kind);
  }
  out += fmt::format(" a={:x} b={:x}", token.a, token.b);
  if (token.digest != 0) out += fmt::format(" digest={:016x}", token.digest);
  if (!token.text.empty()) out += fmt::format(" ({} bytes)", token.text.size());
  return out;
}

std::string write_record(const NodeRecord& record) {
  std::string out = fmt::format("{} {} {} {:x} {:x} {:x} {:x} {:x} {:x}\n", kFormat,
                                hexadecimal(record.program), hexadecimal(record.process),
                                record.seed, record.seeded_order ? 1 : 0, record.cost.resume.ns(),
                                record.cost.call.ns(), record.cost.per_kib.ns(), record.hash);
  for (const Token& token : record.tokens) {
    fmt::format_to(std::back_inserter(out), "{:x} {:x} {:x} {:x} {:x} {:x} {}\n",
                   static_cast<unsigned>(token.token), token.kind, token.at.ns(), token.a, token.b,
                   token.digest, hexadecimal(token.text));
  }
  return out;
}

Result<NodeRecord> read_record(std::string_view text) {
  NodeRecord record;
  std::size_t number = 1;
  std::size_t end = text.find('\n');
  LineReader head(text.substr(0, end));
  unsigned seeded = 0;
  std::array<std::int64_t, 3> cost{};
  const bool good = head.word() == kFormat && head.bytes(record.program) &&
                    head.bytes(record.process) && head.number(record.seed) && head.number(seeded) &&
                    head.number(cost[0]) && head.number(cost[1]) && head.number(cost[2]) &&
                    head.number(record.hash);
  if (!good) return fail(ErrorCode::invalid, fmt::format("not a node record ({})", kFormat));
  record.seeded_order = seeded != 0;
  record.cost = {Duration(cost[0]), Duration(cost[1]), Duration(cost[2]), 1};
  while (end != std::string_view::npos && end + 1 < text.size()) {
    const std::size_t begin = end + 1;
    end = text.find('\n', begin);
    ++number;
    const auto token = read_token(text.substr(begin, end - begin));
    if (!token) return fail(ErrorCode::invalid, fmt::format("line {}: not a token", number));
    record.tokens.push_back(*token);
  }
  return record;
}

}  // namespace flux::sim
