// Any bytes as one codec's frames, and any bytes through a codec and back. Input: one byte that
// picks the codec and the way, then the bytes.
#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/record/compression.h"

namespace flux::record {
namespace {

// Small, so that an input that unfolds to much ends early.
constexpr std::size_t kLimit = 1U << 16;

void try_input(ByteView input) {
  if (input.empty()) return;
  const auto choice = std::to_integer<unsigned>(input[0]);
  const auto codec = static_cast<Codec>(choice % kCodecs);
  const ByteView bytes = input.subspan(1);
  if ((choice & 0x80U) == 0) {
    const auto plain = decompress(codec, bytes, kLimit);
    CHECK(!plain || plain->size() <= kLimit);
    return;
  }
  const auto packed = compress(codec, bytes);
  CHECK(packed.has_value());
  const auto plain = decompress(codec, *packed, bytes.size());
  CHECK(plain.has_value());
  CHECK(equal(*plain, bytes));
}

}  // namespace
}  // namespace flux::record

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  flux::record::try_input(std::as_bytes(std::span(data, size)));
  return 0;
}
