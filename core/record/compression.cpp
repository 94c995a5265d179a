#include "core/record/compression.h"

#include <array>
#include <string>

#include "core/record/codecs.h"

namespace flux::record {
namespace {
constexpr std::array<std::string_view, kCodecs> kNames = {"none", "gzip", "snappy", "lz4", "zstd"};

std::unexpected<Error> unknown(Codec codec) {
  return fail(ErrorCode::unsupported,
              "compression codec " + std::to_string(static_cast<int>(codec)));
}
}  // namespace

std::string_view name_of(Codec codec) {
  const auto index = static_cast<std::size_t>(codec);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::optional<Codec> codec_named(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Codec>(i);
  }
  return std::nullopt;
}

Result<Bytes> compress(const Compression& how, ByteView plain, std::size_t limit,
                       const Pace& pace) {
  switch (how.codec) {
    case Codec::none:
      if (plain.size() > limit) return codecs::packed_too_large(limit);
      return to_bytes(plain);
    case Codec::gzip:
      return codecs::gzip_compress(plain, how.level, limit, pace);
    case Codec::snappy:
      return codecs::snappy_compress(plain, limit, pace);
    case Codec::lz4:
      return codecs::lz4_compress(plain, how.level, limit, pace);
    case Codec::zstd:
      return codecs::zstd_compress(plain, how.level, limit, pace);
  }
  return unknown(how.codec);
}

Result<Bytes> decompress(Codec codec, ByteView packed, std::size_t limit, const Pace& pace) {
  switch (codec) {
    case Codec::none:
      if (packed.size() > limit) return codecs::too_large(limit);
      return to_bytes(packed);
    case Codec::gzip:
      return codecs::gzip_decompress(packed, limit, pace);
    case Codec::snappy:
      return codecs::snappy_decompress(packed, limit, pace);
    case Codec::lz4:
      return codecs::lz4_decompress(packed, limit, pace);
    case Codec::zstd:
      return codecs::zstd_decompress(packed, limit, pace);
  }
  return unknown(codec);
}

}  // namespace flux::record
