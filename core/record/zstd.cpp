#define ZSTD_STATIC_LINKING_ONLY  // memory of our own
#include <zstd.h>

#include "core/record/codecs.h"

namespace flux::record::codecs {
namespace {

constexpr int kDefaultLevel = 3;
// A frame may ask for a window of gigabytes; clients' default levels need at most 8 MiB.
constexpr int kWindowLogMax = 27;

// Frees the library's state however the call is left.
struct Encoder {
  ZSTD_CCtx* context = ZSTD_createCCtx_advanced({allocate, release, nullptr});
  ~Encoder() { ZSTD_freeCCtx(context); }
};
struct Decoder {
  ZSTD_DCtx* context = ZSTD_createDCtx_advanced({allocate, release, nullptr});
  ~Decoder() { ZSTD_freeDCtx(context); }
};

// The library gathers 128 KiB and packs them in one run. At its default level that takes a
// millisecond; at higher ones a block is ended with each piece, and some of the gain is lost.
struct ZstdFeed : Feed {
  ZSTD_EndDirective after_piece = ZSTD_e_continue;
};
constexpr int kHardLevelMin = 4;
constexpr int kHardestLevelMin = 13;

ZstdFeed feed_of(int level) {
  if (level < kHardLevelMin) return {};
  if (level < kHardestLevelMin) return {{.what = PaceOf::packing_hard}, ZSTD_e_flush};
  return {{.bytes = std::size_t{2} << 10, .what = PaceOf::packing_hardest}, ZSTD_e_flush};
}

std::unexpected<Error> bad() { return fail(ErrorCode::corrupt, "bad zstd stream"); }

}  // namespace

Result<Bytes> zstd_compress(ByteView plain, std::optional<int> level, std::size_t limit,
                            const Pace& pace) {
  Encoder encoder;
  ZSTD_CCtx* const context = encoder.context;
  if (!context) return fail(ErrorCode::out_of_memory, "zstd");
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level.value_or(kDefaultLevel));
  // With its size at hand the library takes no more memory than the records need.
  ZSTD_CCtx_setPledgedSrcSize(context, plain.size());
  Output out(ZSTD_compressBound(plain.size()), limit);
  const ZstdFeed feed = feed_of(level.value_or(kDefaultLevel));
  for (ByteView rest = plain;;) {
    const ByteView piece = feed.take_piece(rest);
    ZSTD_inBuffer input{piece.data(), piece.size(), 0};
    const ZSTD_EndDirective end = rest.empty() ? ZSTD_e_end : feed.after_piece;
    std::size_t left = 0;
    do {
      const MutBytes room = out.room();
      if (room.empty()) return packed_too_large(limit);
      ZSTD_outBuffer output{room.data(), room.size(), 0};
      left = ZSTD_compressStream2(context, &output, &input, end);
      if (ZSTD_isError(left)) return fail(ErrorCode::out_of_memory, "zstd");
      out.filled(output.pos);
    } while (input.pos < input.size || (end != ZSTD_e_continue && left > 0));
    feed.packed(pace, piece.size());
    if (rest.empty()) return out.take();
  }
}

Result<Bytes> zstd_decompress(ByteView packed, std::size_t limit, const Pace& pace) {
  Decoder decoder;
  if (!decoder.context) return fail(ErrorCode::out_of_memory, "zstd");
  ZSTD_DCtx_setParameter(decoder.context, ZSTD_d_windowLogMax, kWindowLogMax);
  if (packed.empty()) return bad();
  ZSTD_inBuffer input{packed.data(), packed.size(), 0};
  Output out(packed.size() * 4, limit, pace);
  for (;;) {
    const MutBytes room = out.room();
    std::byte spare{};  // with no room left a last byte tells whether the stream wanted more
    ZSTD_outBuffer output{room.empty() ? &spare : room.data(), room.empty() ? 1 : room.size(), 0};
    const std::size_t before = input.pos;
    const std::size_t hint = ZSTD_decompressStream(decoder.context, &output, &input);
    if (ZSTD_isError(hint)) return bad();
    if (room.empty() && output.pos > 0) return too_large(limit);
    out.filled(output.pos);
    if (hint == 0 && input.pos == input.size) return out.take();
    if (output.pos == 0 && input.pos == before) return bad();
  }
}

}  // namespace flux::record::codecs
