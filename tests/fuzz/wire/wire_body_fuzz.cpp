// Any bytes as the body of any message in any version: a value or an error, and a value encodes
// again. Input: one byte that picks the message, one for its version, the body. Built twice, so
// that requests and responses are searched apart: FLUX_LEFT_OUT is how names of the other kind end.

#include <string_view>

#include "core/base/check.h"
#include "net/kafka/gen/reflection.h"
#include "net/wire/codec.h"

namespace flux::kafka {
namespace {

template <class Message>
void try_body(ByteView body, std::int16_t version) {
  wire::Reader from(body);
  const auto message = Message::decode(from, version);
  if (!message) return;
  CHECK(!message->to_string().empty());
  wire::Writer to;
  CHECK(message->encode(to, version).has_value());
  const Bytes bytes = to.join();
  wire::Reader again(bytes);
  const auto same = Message::decode(again, version);
  CHECK(same.has_value() && *same == *message);
}

void try_input(ByteView input) {
  if (input.size() < 2) return;
  auto skip = std::to_integer<unsigned>(input[0]);
  reflect::each_message([&]<class Message>() {
    if (Message::kName.ends_with(std::string_view(FLUX_LEFT_OUT)) || skip-- != 0) return;
    const int versions = Message::kVersionMax - Message::kVersionMin + 1;
    const int version = Message::kVersionMin + std::to_integer<int>(input[1]) % versions;
    try_body<Message>(input.subspan(2), static_cast<std::int16_t>(version));
  });
}

}  // namespace
}  // namespace flux::kafka

// libFuzzer has no header that declares it.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  flux::kafka::try_input(std::as_bytes(std::span(data, size)));
  return 0;
}
