// Any bytes as values of metadata records, folded into an image as the log's and a snapshot's are.
// Whatever comes of it can be written as a snapshot and read again. Input: records, each with two
// bytes of length before it.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/controller/image.h"
#include "net/node/kafka_record_codec.h"

namespace flux::controller {
namespace {

Result<Image> fold(const node::KafkaRecordCodec& codec, const std::vector<Bytes>& values) {
  Image image;
  for (const Bytes& value : values) {
    const Record record = TRY(codec.decode(value));
    TRY(image.apply(record));
  }
  return image;
}

void try_input(ByteView input) {
  const node::KafkaRecordCodec codec;
  Image image;
  while (input.size() >= 2) {
    const std::size_t length = load_be<std::uint16_t>(input.data());
    input = input.subspan(2);
    const ByteView value = input.first(std::min(length, input.size()));
    input = input.subspan(value.size());
    const auto record = codec.decode(value);
    if (!record) continue;
    // A record that does not fit makes the image useless.
    if (!image.apply(*record)) return;
  }
  std::vector<Bytes> values;
  for (const Record& record : image.records()) {
    auto value = codec.encode(record);
    if (!value) return;  // longer than the format has room for
    values.push_back(std::move(*value));
  }
  const Result<Image> again = fold(codec, values);
  CHECK(again.has_value());
  CHECK(same_content(*again, image));
}

}  // namespace
}  // namespace flux::controller

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  flux::controller::try_input(std::as_bytes(std::span(data, size)));
  return 0;
}
