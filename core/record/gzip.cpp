#include <climits>
#include <zlib.h>

#include "core/record/codecs.h"

namespace flux::record::codecs {
namespace {

constexpr int kWindowBits = 15;
constexpr int kGzipHeader = 16;  // added to the window bits: write and expect RFC 1952
constexpr int kMemoryLevel = 8;

Bytef* raw(std::byte* bytes) { return reinterpret_cast<Bytef*>(bytes); }
// zlib does not write its input.
Bytef* raw(const std::byte* bytes) {
  return reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes));
}

// Ends the library's state however the call is left.
struct Inflate {
  z_stream stream{};
  bool live = false;
  ~Inflate() {
    if (live) inflateEnd(&stream);
  }
};

struct Deflate {
  z_stream stream{};
  bool live = false;
  ~Deflate() {
    if (live) deflateEnd(&stream);
  }
};

void own_memory(z_stream& stream) {
  stream.zalloc = [](voidpf, uInt count, uInt size) {
    return allocate(nullptr, std::size_t{count} * size);
  };
  stream.zfree = release;
}

// From here on zlib compares with thousands of earlier places before it is content.
constexpr int kHardLevelMin = 7;

Feed feed_of(int level) {
  if (level < kHardLevelMin) return {};
  return {.bytes = std::size_t{1} << 10, .what = PaceOf::packing_hard};
}

std::unexpected<Error> bad() { return fail(ErrorCode::corrupt, "bad gzip stream"); }

}  // namespace

Result<Bytes> gzip_compress(ByteView plain, std::optional<int> level, std::size_t limit,
                            const Pace& pace) {
  Deflate deflater;
  z_stream& stream = deflater.stream;
  own_memory(stream);
  if (deflateInit2(&stream, level.value_or(Z_DEFAULT_COMPRESSION), Z_DEFLATED,
                   kWindowBits + kGzipHeader, kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK) {
    return fail(ErrorCode::out_of_memory, "gzip");
  }
  deflater.live = true;
  Output out(deflateBound(&stream, static_cast<uLong>(plain.size())), limit);
  const Feed feed = feed_of(level.value_or(Z_DEFAULT_COMPRESSION));
  for (ByteView rest = plain;;) {
    const ByteView piece = feed.take_piece(rest);
    stream.next_in = raw(piece.data());
    stream.avail_in = static_cast<uInt>(piece.size());
    int code = Z_OK;
    do {
      const MutBytes room = out.room();
      if (room.empty()) return packed_too_large(limit);
      stream.next_out = raw(room.data());
      stream.avail_out = static_cast<uInt>(room.size());
      code = deflate(&stream, rest.empty() ? Z_FINISH : Z_NO_FLUSH);
      if (code == Z_STREAM_ERROR) return fail(ErrorCode::out_of_memory, "gzip");
      out.filled(room.size() - stream.avail_out);
    } while (stream.avail_in > 0 || (rest.empty() && code != Z_STREAM_END));
    feed.packed(pace, piece.size());
    if (rest.empty()) return out.take();
  }
}

Result<Bytes> gzip_decompress(ByteView packed, std::size_t limit, const Pace& pace) {
  if (packed.size() > INT_MAX) return fail(ErrorCode::too_large);
  Inflate inflater;
  z_stream& stream = inflater.stream;
  own_memory(stream);
  if (inflateInit2(&stream, kWindowBits + kGzipHeader) != Z_OK) {
    return fail(ErrorCode::out_of_memory, "gzip");
  }
  inflater.live = true;
  stream.next_in = raw(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  Output out(packed.size() * 4, limit, pace);
  for (;;) {
    const MutBytes room = out.room();
    // With no room left a last byte tells whether the stream wanted more.
    std::byte spare{};
    const std::size_t size = std::min<std::size_t>(room.size(), INT_MAX);
    stream.next_out = raw(room.empty() ? &spare : room.data());
    stream.avail_out = room.empty() ? 1 : static_cast<uInt>(size);
    const uInt offered = stream.avail_out;
    const int code = inflate(&stream, Z_NO_FLUSH);
    const uInt produced = offered - stream.avail_out;
    if (room.empty() && produced > 0) return too_large(limit);
    out.filled(room.empty() ? 0 : produced);
    if (code == Z_STREAM_END) {
      if (stream.avail_in == 0) return out.take();
      if (inflateReset(&stream) != Z_OK) return bad();  // another member follows
    } else if (code != Z_OK || (produced == 0 && stream.avail_in == 0)) {
      return bad();
    }
  }
}

}  // namespace flux::record::codecs
