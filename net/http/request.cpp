#include "net/http/request.h"

#include <algorithm>
#include <optional>

#include "core/base/check.h"

namespace flux::http {

namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// RFC 9110, section 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return is_alnum(c) || kOthers.find(c) != std::string_view::npos;
  });
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

// Bytes above ASCII are allowed there, control characters are not.
bool is_field_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= ' ' && byte != 0x7F);
  });
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// `lowered` is in lower case.
bool same_word(std::string_view text, std::string_view lowered) {
  return std::ranges::equal(text, lowered, {}, lower);
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The part before `end`, which is taken off the text with it; all of it when there is none.
std::string_view take_until(std::string_view& text, std::string_view end) {
  const std::size_t at = text.find(end);
  const std::string_view out = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + end.size());
  return out;
}

// Of a comma-separated list, in any case.
bool has_word(std::string_view list, std::string_view lowered) {
  while (!list.empty()) {
    if (same_word(trim(take_until(list, ",")), lowered)) return true;
  }
  return false;
}

// What the header lines say that matters here.
struct Fields {
  int hosts = 0;
  bool close = false;
  bool has_body = false;
};

// Nothing when it is fine.
std::optional<Refusal> read_field(std::string_view line, Fields& fields) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    return Refusal{Status::bad_request, "a header line without a colon"};
  }
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim(line.substr(colon + 1));
  if (!is_token(name)) return Refusal{Status::bad_request, "a header name that is no token"};
  if (!is_field_value(value)) {
    return Refusal{Status::bad_request, "a control character in a header"};
  }
  if (same_word(name, "host")) ++fields.hosts;
  if (same_word(name, "connection") && has_word(value, "close")) fields.close = true;
  if (same_word(name, "transfer-encoding")) fields.has_body = true;
  if (same_word(name, "content-length") && value != "0") fields.has_body = true;
  return std::nullopt;
}

// The path of "/path?query" or "http://host/path?query".
std::optional<std::string_view> path_of(std::string_view target) {
  if (target == "*") return target;
  constexpr std::string_view kScheme = "http://";
  if (target.size() > kScheme.size() && same_word(target.substr(0, kScheme.size()), kScheme)) {
    target.remove_prefix(kScheme.size());
    const std::size_t slash = target.find('/');
    if (slash == 0) return std::nullopt;
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  if (!target.starts_with('/')) return std::nullopt;
  return target.substr(0, target.find('?'));
}

// Empty lines before a request are skipped (RFC 9112, section 2.2).
std::size_t empty_lines(std::string_view bytes) {
  std::size_t at = 0;
  while (bytes.substr(at, kLineEnd.size()) == kLineEnd) at += kLineEnd.size();
  return at;
}

Parsed parse_head(std::string_view head, std::size_t head_bytes) {
  std::string_view line = take_until(head, kLineEnd);
  const std::string_view method = take_until(line, " ");
  const std::string_view target = take_until(line, " ");
  const std::string_view version = line;
  if (!is_token(method)) return Refusal{Status::bad_request, "the method is no token"};
  if (version.size() != 8 || !version.starts_with("HTTP/") || version[6] != '.') {
    return Refusal{Status::bad_request, "the request line is not METHOD TARGET HTTP/1.1"};
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return Refusal{Status::version_not_supported, "HTTP/1.0 and HTTP/1.1 are known here"};
  }
  if (!is_printable(target)) {
    return Refusal{Status::bad_request, "the target holds what must be percent-encoded"};
  }
  const auto path = path_of(target);
  if (!path) return Refusal{Status::bad_request, "the target is no path"};
  Fields fields;
  while (!head.empty()) {
    if (auto refused = read_field(take_until(head, kLineEnd), fields)) return *refused;
  }
  const bool newer = version == "HTTP/1.1";
  if (fields.hosts > 1 || (newer && fields.hosts == 0)) {
    return Refusal{Status::bad_request, "one Host header is needed"};
  }
  if (fields.has_body) return Refusal{Status::bad_request, "no request here has a body"};
  return Request{.method = std::string(method),
                 .path = std::string(*path),
                 .keep_alive = newer && !fields.close,
                 .head_bytes = head_bytes};
}

}  // namespace

std::string_view reason_of(Status status) {
  switch (status) {
    case Status::ok:
      return "OK";
    case Status::bad_request:
      return "Bad Request";
    case Status::not_found:
      return "Not Found";
    case Status::method_not_allowed:
      return "Method Not Allowed";
    case Status::request_timeout:
      return "Request Timeout";
    case Status::header_too_large:
      return "Request Header Fields Too Large";
    case Status::service_unavailable:
      return "Service Unavailable";
    case Status::version_not_supported:
      return "HTTP Version Not Supported";
  }
  UNREACHABLE("a status outside of the list");
}

Parsed parse_request(std::string_view bytes) {
  const std::string_view within = bytes.substr(0, kHeadBytesMax);
  const std::size_t begin = empty_lines(within);
  const std::size_t end = within.find(kHeadEnd, begin);
  if (end != std::string_view::npos) {
    return parse_head(within.substr(begin, end - begin), end + kHeadEnd.size());
  }
  if (bytes.size() >= kHeadBytesMax) {
    return Refusal{Status::header_too_large, "a request's head may have 8192 bytes"};
  }
  return Incomplete{};
}

}  // namespace flux::http
