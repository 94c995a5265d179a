// Any bytes as the head of an HTTP request: incomplete, a request that keeps to the limits, or a
// refusal; and however the bytes come in pieces, the first decision is the same.

#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "net/http/request.h"

namespace flux::http {
namespace {

void check_request(const Request& request, std::string_view bytes) {
  CHECK_LE(request.head_bytes, bytes.size());
  CHECK_LE(request.head_bytes, kHeadBytesMax);
  CHECK(bytes.substr(0, request.head_bytes).ends_with("\r\n\r\n"));
  CHECK(!request.method.empty());
  CHECK(request.path.starts_with('/') || request.path == "*");
  for (const char c : request.path) CHECK(c > ' ' && c < 0x7F);
  for (const char c : request.method) CHECK(c > ' ' && c < 0x7F);
}

// Whatever one of its prefixes decides, the whole decides too.
void try_bytes(std::string_view bytes) {
  const Parsed whole = parse_request(bytes);
  if (const auto* request = std::get_if<Request>(&whole)) check_request(*request, bytes);
  for (std::size_t eighths = 0; eighths < 8; ++eighths) {
    const Parsed part = parse_request(bytes.substr(0, bytes.size() * eighths / 8));
    if (std::holds_alternative<Incomplete>(part)) continue;
    CHECK_EQ(part.index(), whole.index());
    if (const auto* request = std::get_if<Request>(&part)) {
      CHECK(*request == std::get<Request>(whole));
    } else {
      CHECK(std::get<Refusal>(part).status == std::get<Refusal>(whole).status);
      CHECK(!reason_of(std::get<Refusal>(part).status).empty());
    }
  }
}

}  // namespace
}  // namespace flux::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  flux::http::try_bytes({reinterpret_cast<const char*>(data), size});
  return 0;
}
