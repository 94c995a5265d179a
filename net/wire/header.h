// What stands in front of every request and response inside its frame.
//
// Request: v0 has no client id, v1 has one, v2 is flexible (tagged fields, but still a client id
// with a 16-bit length). Response: v0 is the correlation id, v1 adds tagged fields. Which one goes
// with an API's version is decided by whoever knows the APIs (net/kafka/request.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "net/wire/reader.h"
#include "net/wire/writer.h"

namespace flux::wire {

enum class RequestHeaderVersion : std::uint8_t { v0, v1, v2 };
enum class ResponseHeaderVersion : std::uint8_t { v0, v1 };

struct RequestHeader {
  std::int16_t api_key = 0;
  std::int16_t api_version = 0;
  std::int32_t correlation_id = 0;
  std::optional<std::string> client_id;

  friend bool operator==(const RequestHeader&, const RequestHeader&) = default;
};

// The first eight bytes, which are the same in every version and say which version the rest has.
RequestHeader read_request_start(Reader& from);
void read_request_rest(Reader& from, RequestHeader& header, RequestHeaderVersion version);
void write_request_header(Writer& to, const RequestHeader& header, RequestHeaderVersion version);

// The correlation id.
std::int32_t read_response_header(Reader& from, ResponseHeaderVersion version);
void write_response_header(Writer& to, std::int32_t correlation_id, ResponseHeaderVersion version);

}  // namespace flux::wire
