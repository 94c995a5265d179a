// Any bytes as what comes in on a connection: the length of a frame and the header of its request.
// A header that is understood is written as it was read.
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "net/kafka/request.h"
#include "net/wire/frame.h"

namespace flux::kafka {
namespace {

void try_input(ByteView input) {
  if (input.size() < wire::kFrameLengthSize) return;
  const auto length = wire::frame_length(input.first(wire::kFrameLengthSize));
  if (length) CHECK_LE(*length, wire::kFrameSizeMax);
  const ByteView frame = input.subspan(wire::kFrameLengthSize);
  wire::Reader from(frame);
  const auto header = decode_request_header(from);
  if (!header) return;
  const ApiInfo* api = find_api(header->api_key);
  CHECK(api != nullptr);
  if (!is_known(*api, header->api_version)) return;
  const auto version = request_header_version(*api, header->api_version);
  wire::Writer to;
  wire::write_request_header(to, *header, version);
  const Bytes bytes = to.join();
  wire::Reader again(bytes);
  const auto same = decode_request_header(again);
  CHECK(same.has_value());
  CHECK(*same == *header);
}

}  // namespace
}  // namespace flux::kafka

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  flux::kafka::try_input(std::as_bytes(std::span(data, size)));
  return 0;
}
