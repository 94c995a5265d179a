#include "net/node/properties.h"

#include <fmt/format.h>

namespace flux::node {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\f'; }

std::string_view skip_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text = end == std::string_view::npos ? "" : text.substr(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool goes_on(std::string_view line) {
  std::size_t backslashes = 0;
  while (backslashes < line.size() && line[line.size() - 1 - backslashes] == '\\') ++backslashes;
  return backslashes % 2 == 1;
}

// A line with those that continue it; comments do not continue.
std::string take_logical_line(std::string_view& text, std::size_t& line_number) {
  std::string out;
  for (bool first = true;; first = false) {
    ++line_number;
    const std::string_view line = skip_blanks(take_line(text));
    if (first && (line.empty() || line.front() == '#' || line.front() == '!')) return out;
    if (!goes_on(line)) return out.append(line);
    out.append(line.substr(0, line.size() - 1));
    if (text.empty()) return out;
  }
}

Result<std::string> unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char escaped = text[++i];
    switch (escaped) {
      case 't':
        out += '\t';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 'f':
        out += '\f';
        break;
      case 'u':
        return fail(ErrorCode::invalid, "\\u escapes are not supported");
      default:
        out += escaped;
    }
  }
  return out;
}

// Where the key ends: at the first '=', ':' or blank that no backslash hides.
std::size_t key_end(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '=' || line[i] == ':' || is_blank(line[i])) {
      return i;
    }
  }
  return line.size();
}

Result<std::pair<std::string, std::string>> parse_line(std::string_view line) {
  const std::size_t end = key_end(line);
  if (end == 0) return fail(ErrorCode::invalid, "there is no key before the value");
  std::string_view rest = skip_blanks(line.substr(end));
  if (!rest.empty() && (rest.front() == '=' || rest.front() == ':')) {
    rest = skip_blanks(rest.substr(1));
  }
  std::string key = TRY(unescape(line.substr(0, end)));
  std::string value = TRY(unescape(rest));
  while (!value.empty() && is_blank(value.back())) value.pop_back();
  return std::pair(std::move(key), std::move(value));
}

}  // namespace

Result<Properties> parse_properties(std::string_view text) {
  Properties out;
  std::size_t line_number = 0;
  while (!text.empty()) {
    const std::size_t first_line = line_number + 1;
    const std::string line = take_logical_line(text, line_number);
    if (line.empty()) continue;
    auto pair = parse_line(line);
    if (!pair) return std::unexpected(pair.error().in(fmt::format("line {}", first_line)));
    out.push_back(std::move(*pair));
  }
  return out;
}

}  // namespace flux::node
