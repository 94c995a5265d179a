#define ZSTD_STATIC_LINKING_ONLY  // memory of our own
#include <zstd.h>

#include "core/record/codecs.h"

namespace flux::record::codecs {
namespace {

constexpr int kLevel = 3;
// A frame may ask for a window of gigabytes; clients' default levels need at most 8 MiB.
constexpr int kWindowLogMax = 27;

// Frees the library's state however the call is left.
struct Decoder {
  ZSTD_DCtx* context = ZSTD_createDCtx_advanced({allocate, release, nullptr});
  ~Decoder() { ZSTD_freeDCtx(context); }
};

std::unexpected<Error> bad() { return fail(ErrorCode::corrupt, "bad zstd stream"); }

}  // namespace

Result<Bytes> zstd_compress(ByteView plain) {
  Bytes out(ZSTD_compressBound(plain.size()));
  const std::size_t size =
      ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), kLevel);
  if (ZSTD_isError(size)) return fail(ErrorCode::out_of_memory, "zstd");
  out.resize(size);
  return out;
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
