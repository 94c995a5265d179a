#include "net/wire/header.h"

namespace flux::wire {

RequestHeader read_request_start(Reader& from) {
  RequestHeader header;
  header.api_key = from.integer<std::int16_t>();
  header.api_version = from.integer<std::int16_t>();
  header.correlation_id = from.integer<std::int32_t>();
  return header;
}

void read_request_rest(Reader& from, RequestHeader& header, RequestHeaderVersion version) {
  if (version == RequestHeaderVersion::v0) return;
  header.client_id = from.classic_text();
  if (version == RequestHeaderVersion::v2) skip_tags(from);
}

void write_request_header(Writer& to, const RequestHeader& header, RequestHeaderVersion version) {
  to.integer(header.api_key);
  to.integer(header.api_version);
  to.integer(header.correlation_id);
  if (version == RequestHeaderVersion::v0) return;
  if (header.client_id) {
    to.classic_text(*header.client_id);
  } else {
    to.null_classic_text();
  }
  if (version == RequestHeaderVersion::v2) to.no_tags();
}

std::int32_t read_response_header(Reader& from, ResponseHeaderVersion version) {
  const auto correlation_id = from.integer<std::int32_t>();
  if (version == ResponseHeaderVersion::v1) skip_tags(from);
  return correlation_id;
}

void write_response_header(Writer& to, std::int32_t correlation_id, ResponseHeaderVersion version) {
  to.integer(correlation_id);
  if (version == ResponseHeaderVersion::v1) to.no_tags();
}

}  // namespace flux::wire
