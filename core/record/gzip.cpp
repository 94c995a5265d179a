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

std::unexpected<Error> bad() { return fail(ErrorCode::corrupt, "bad gzip stream"); }

}  // namespace

Result<Bytes> gzip_compress(ByteView plain) {
  if (plain.size() > INT_MAX) return fail(ErrorCode::too_large);
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kWindowBits + kGzipHeader,
                   kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK) {
    return fail(ErrorCode::out_of_memory, "gzip");
  }
  Bytes out(deflateBound(&stream, static_cast<uLong>(plain.size())));
  stream.next_in = raw(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = raw(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int code = deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  if (code != Z_STREAM_END) return fail(ErrorCode::out_of_memory, "gzip");
  return out;
}

Result<Bytes> gzip_decompress(ByteView packed, std::size_t limit, const Pace& pace) {
  if (packed.size() > INT_MAX) return fail(ErrorCode::too_large);
  Inflate inflater;
  z_stream& stream = inflater.stream;
  stream.zalloc = [](voidpf, uInt count, uInt size) {
    return allocate(nullptr, std::size_t{count} * size);
  };
  stream.zfree = release;
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
