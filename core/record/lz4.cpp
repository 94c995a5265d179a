#define LZ4F_STATIC_LINKING_ONLY  // memory of our own
#include <array>

#include <lz4frame.h>

#include "core/record/codecs.h"

namespace flux::record::codecs {
namespace {

constexpr LZ4F_CustomMem kMemory{allocate, nullptr, release, nullptr};
constexpr std::size_t kBlockBytes = std::size_t{64} << 10;
constexpr int kDefaultLevel = 9;
// The smallest at which the library searches harder than its fast way.
constexpr int kHardLevelMin = 3;

// Above, it gains less than a hundredth, and takes up to ten times as long for it.
constexpr int kHardLevelMax = 10;

// As Kafka's writer does it: the default means fast, every other level to search hard.
int library_level(int level) {
  return level == kDefaultLevel ? 0 : std::clamp(level, kHardLevelMin, kHardLevelMax);
}

// At these levels 64 KiB in one block take several milliseconds. Blocks stand alone, as Kafka's
// readers want them, and are packed in one run: shorter ones are, for some of the gain.
Feed feed_of(int level) {
  constexpr int kSlow = 5;
  if (level < kSlow || level == kDefaultLevel) return {.bytes = kBlockBytes};
  return {.bytes = std::size_t{16} << 10, .what = PaceOf::packing_hard};
}

// Frees the library's state however the call is left.
struct Encoder {
  LZ4F_cctx* context = nullptr;
  ~Encoder() { LZ4F_freeCompressionContext(context); }
};
struct Decoder {
  LZ4F_dctx* context = nullptr;
  ~Decoder() { LZ4F_freeDecompressionContext(context); }
};

std::unexpected<Error> bad() { return fail(ErrorCode::corrupt, "bad lz4 stream"); }

}  // namespace

Result<Bytes> lz4_compress(ByteView plain, std::optional<int> level, std::size_t limit,
                           const Pace& pace) {
  Encoder encoder;
  encoder.context = LZ4F_createCompressionContext_advanced(kMemory, LZ4F_VERSION);
  if (!encoder.context) return fail(ErrorCode::out_of_memory, "lz4");
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.compressionLevel = library_level(level.value_or(kDefaultLevel));
  preferences.autoFlush = 1;
  std::array<std::byte, LZ4F_HEADER_SIZE_MAX> header{};
  std::size_t size =
      LZ4F_compressBegin(encoder.context, header.data(), header.size(), &preferences);
  if (LZ4F_isError(size)) return fail(ErrorCode::out_of_memory, "lz4");
  const Feed feed = feed_of(level.value_or(kDefaultLevel));
  // Of whole blocks, and a length before each of those that are shorter.
  const std::size_t lengths = (plain.size() / feed.bytes + 1) * sizeof(std::uint32_t);
  Output out(LZ4F_compressFrameBound(plain.size(), &preferences) + lengths, limit);
  if (!out.put(ByteView(header).first(size))) return packed_too_large(limit);
  Bytes block(LZ4F_compressBound(kBlockBytes, &preferences));
  for (ByteView rest = plain; !rest.empty();) {
    const ByteView piece = feed.take_piece(rest);
    size = LZ4F_compressUpdate(encoder.context, block.data(), block.size(), piece.data(),
                               piece.size(), nullptr);
    if (LZ4F_isError(size)) return fail(ErrorCode::out_of_memory, "lz4");
    if (!out.put(ByteView(block).first(size))) return packed_too_large(limit);
    feed.packed(pace, piece.size());
  }
  size = LZ4F_compressEnd(encoder.context, block.data(), block.size(), nullptr);
  if (LZ4F_isError(size)) return fail(ErrorCode::out_of_memory, "lz4");
  if (!out.put(ByteView(block).first(size))) return packed_too_large(limit);
  return out.take();
}

Result<Bytes> lz4_decompress(ByteView packed, std::size_t limit, const Pace& pace) {
  Decoder decoder;
  decoder.context = LZ4F_createDecompressionContext_advanced(kMemory, LZ4F_VERSION);
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
