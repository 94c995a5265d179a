#define LZ4F_STATIC_LINKING_ONLY  // memory of our own
#include <lz4frame.h>

#include "core/record/codecs.h"

namespace flux::record::codecs {
namespace {

// Frees the library's state however the call is left.
struct Decoder {
  LZ4F_dctx* context = nullptr;
  ~Decoder() { LZ4F_freeDecompressionContext(context); }
};

std::unexpected<Error> bad() { return fail(ErrorCode::corrupt, "bad lz4 stream"); }

}  // namespace

Result<Bytes> lz4_compress(ByteView plain) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  Bytes out(LZ4F_compressFrameBound(plain.size(), &preferences));
  const std::size_t size =
      LZ4F_compressFrame(out.data(), out.size(), plain.data(), plain.size(), &preferences);
  if (LZ4F_isError(size)) return fail(ErrorCode::out_of_memory, "lz4");
  out.resize(size);
  return out;
}

Result<Bytes> lz4_decompress(ByteView packed, std::size_t limit, const Pace& pace) {
  Decoder decoder;
  const LZ4F_CustomMem memory{allocate, nullptr, release, nullptr};
  decoder.context = LZ4F_createDecompressionContext_advanced(memory, LZ4F_VERSION);
  if (!decoder.context) return fail(ErrorCode::out_of_memory, "lz4");
  if (packed.empty()) return bad();
  Output out(packed.size() * 4, limit, pace);
  for (ByteView rest = packed;;) {
    const MutBytes room = out.room();
    std::byte spare{};  // with no room left a last byte tells whether the stream wanted more
    std::size_t produced = room.empty() ? 1 : room.size();
    std::size_t consumed = rest.size();
    const std::size_t hint = LZ4F_decompress(decoder.context, room.empty() ? &spare : room.data(),
                                             &produced, rest.data(), &consumed, nullptr);
    if (LZ4F_isError(hint)) return bad();
    if (room.empty() && produced > 0) return too_large(limit);
    out.filled(produced);
    rest = rest.subspan(consumed);
    if (hint == 0 && rest.empty()) return out.take();
    if (produced == 0 && consumed == 0) return bad();
  }
}

}  // namespace flux::record::codecs
