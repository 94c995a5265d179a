// Java's clients write the xerial framing: a magic, two versions, then blocks each with its length.
// librdkafka and the Go clients write one raw block.
#include <array>
#include <snappy.h>

#include <snappy-c.h>
#include <snappy-sinksource.h>

#include "core/record/codecs.h"

namespace flux::record::codecs {
namespace {

constexpr std::array<std::uint8_t, 8> kXerialMagic = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};
constexpr std::size_t kXerialHeaderBytes = 16;
constexpr std::size_t kBlockBytes = 32 * 1024;

const char* raw(ByteView bytes) { return reinterpret_cast<const char*>(bytes.data()); }
std::unexpected<Error> bad() { return fail(ErrorCode::corrupt, "bad snappy stream"); }

// A block, given to the library in pieces: it has no other way to stop between two of them.
class PacedSource final : public ::snappy::Source {
 public:
  PacedSource(ByteView block, std::size_t unpacked, const Pace& pace)
      : rest_(block), unpacked_(unpacked), pace_(pace), size_(block.size()) {}

  std::size_t Available() const override { return rest_.size(); }
  const char* Peek(std::size_t* length) override {
    *length = std::min(rest_.size(), kPieceBytes);
    return raw(rest_);
  }
  void Skip(std::size_t count) override {
    rest_ = rest_.subspan(count);
    taken_ += count;
    if (!pace_ || (taken_ < kPieceBytes && !rest_.empty())) return;
    pace_(PaceOf::unpacking, unpacked_ * taken_ / size_);  // the share of what was taken
    taken_ = 0;
  }

 private:
  static constexpr std::size_t kPieceBytes = 4096;  // up to 64 times as much comes out
  ByteView rest_;
  std::size_t unpacked_;
  const Pace& pace_;
  std::size_t size_;
  std::size_t taken_ = 0;
};

// Makes room, touching it a piece at a time.
void grow(Bytes& out, std::size_t size, const Pace& pace) {
  if (size > out.capacity()) out.reserve(std::max(size, out.size() * 2));
  while (out.size() < size) {
    const std::size_t more = std::min(kPaceBytes, size - out.size());
    out.resize(out.size() + more);
    if (pace) pace(PaceOf::reading, more);
  }
}

Result<void> append_block(Bytes& out, ByteView block, std::size_t limit, const Pace& pace) {
  std::size_t size = 0;
  if (::snappy_uncompressed_length(raw(block), block.size(), &size) != SNAPPY_OK) return bad();
  if (size > limit - out.size()) return too_large(limit);
  // The length is a claim: each byte of a block yields at most 64 (a copy of 64 bytes takes 3).
  if (size > (block.size() + 1) * 64) return bad();
  const std::size_t used = out.size();
  grow(out, used + size, pace);
  // The library wants a place to write even when nothing comes.
  char none = 0;
  char* to = size == 0 ? &none : reinterpret_cast<char*>(out.data() + used);
  PacedSource source(block, size, pace);
  if (!::snappy::RawUncompress(&source, to)) return bad();
  return {};
}

bool is_xerial(ByteView packed) {
  return packed.size() >= kXerialHeaderBytes &&
         equal(packed.first(kXerialMagic.size()), std::as_bytes(std::span(kXerialMagic)));
}

}  // namespace

Result<Bytes> snappy_compress(ByteView plain, std::size_t limit, const Pace& pace) {
  std::array<std::byte, kXerialHeaderBytes> header{};
  const ByteView magic = std::as_bytes(std::span(kXerialMagic));
  std::copy(magic.begin(), magic.end(), header.begin());
  store_be<std::int32_t>(header.data() + 8, 1);   // version
  store_be<std::int32_t>(header.data() + 12, 1);  // lowest compatible version
  Bytes block(4 + ::snappy_max_compressed_length(kBlockBytes));
  const std::size_t blocks = (plain.size() + kBlockBytes - 1) / kBlockBytes;
  Output out(header.size() + blocks * block.size(), limit);
  if (!out.put(header)) return packed_too_large(limit);
  const Feed feed{.bytes = kBlockBytes};
  for (ByteView rest = plain; !rest.empty();) {
    const ByteView piece = feed.take_piece(rest);
    std::size_t size = block.size() - 4;
    char* to = reinterpret_cast<char*>(block.data() + 4);
    if (::snappy_compress(raw(piece), piece.size(), to, &size) != SNAPPY_OK) {
      return fail(ErrorCode::out_of_memory, "snappy");
    }
    store_be(block.data(), static_cast<std::int32_t>(size));
    if (!out.put(ByteView(block).first(4 + size))) return packed_too_large(limit);
    feed.packed(pace, piece.size());
  }
  return out.take();
}

Result<Bytes> snappy_decompress(ByteView packed, std::size_t limit, const Pace& pace) {
  Bytes out;
  if (!is_xerial(packed)) {
    TRY(append_block(out, packed, limit, pace));
    return out;
  }
  ByteView rest = packed.subspan(kXerialHeaderBytes);
  while (!rest.empty()) {
    if (rest.size() < 4) return bad();
    const auto size = load_be<std::uint32_t>(rest.data());
    rest = rest.subspan(4);
    if (size > rest.size()) return bad();
    TRY(append_block(out, rest.first(size), limit, pace));
    rest = rest.subspan(size);
  }
  return out;
}

}  // namespace flux::record::codecs
