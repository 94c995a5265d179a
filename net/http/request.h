// The head of an HTTP/1.x request (RFC 9112), from bytes that anybody may have sent.
//
// Pure. Every sequence of bytes is incomplete, a request, or refused with a status; what was
// decided about a head does not depend on how it arrived in pieces. Strict where leniency lets two
// readers see different requests: lines end with CRLF, no space stands before a colon, no line is
// folded, and a request with a body is refused, since no page here takes one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace flux::http {

// Of a head, with the empty line that ends it.
inline constexpr std::size_t kHeadBytesMax = 8192;

enum class Status : std::uint16_t {
  ok = 200,
  bad_request = 400,
  not_found = 404,
  method_not_allowed = 405,
  request_timeout = 408,
  header_too_large = 431,
  service_unavailable = 503,
  version_not_supported = 505,
};
std::string_view reason_of(Status status);

struct Request {
  std::string method;
  std::string path;  // without the query; begins with '/', or is "*"
  bool keep_alive = false;
  std::size_t head_bytes = 0;  // what it took of the bytes; the next request follows

  friend bool operator==(const Request&, const Request&) = default;
};

// Why a request is not answered as it wished; the connection ends after saying so.
struct Refusal {
  Status status;
  std::string_view why;  // fixed text
};

struct Incomplete {};

using Parsed = std::variant<Incomplete, Request, Refusal>;

Parsed parse_request(std::string_view bytes);

}  // namespace flux::http
