// Compression of a batch's records: one stream a batch, in the framings that Kafka's clients write.
//
// A call that returns has freed what its library allocated: no context lives across calls. Output
// is bounded by the caller, since a few bytes may unfold to gigabytes. While at work, which may
// suspend, a library's memory comes from operator new: it goes with the process that is killed.
#pragma once

#include <optional>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/record/batch.h"
#include "core/record/pace.h"

namespace flux::record {

std::string_view name_of(Codec codec);
std::optional<Codec> codec_named(std::string_view name);

// A codec and how hard it tries, in Kafka's numbers (compression.<codec>.level, KIP-390).
struct Compression {
  Codec codec = Codec::none;
  std::optional<int> level;  // none: the codec's default; none and snappy have no other

  friend bool operator==(const Compression&, const Compression&) = default;
};

inline constexpr std::size_t kUnlimited = SIZE_MAX;

// Codec::none copies. too_large beyond `limit` bytes of output.
Result<Bytes> compress(const Compression& how, ByteView plain, std::size_t limit = kUnlimited,
                       const Pace& pace = {});
inline Result<Bytes> compress(Codec codec, ByteView plain) {
  return compress(Compression{.codec = codec, .level = {}}, plain);
}

// too_large beyond `limit` bytes of output; corrupt when the stream is bad or ends early;
// unsupported for a number that is no codec. Snappy is taken in Java's framing and raw; gzip and
// zstd as any number of members, lz4 as any number of frames.
Result<Bytes> decompress(Codec codec, ByteView packed, std::size_t limit, const Pace& pace = {});

}  // namespace flux::record
