// Internal to core/record: the codecs behind compression.h, and the growing output they share.
#pragma once

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/record/pace.h"

namespace flux::record::codecs {

// A buffer that grows as a stream comes out, up to a limit, a piece at a time.
class Output {
 public:
  // Of what is unpacked.
  Output(std::size_t first_guess, std::size_t limit, const Pace& pace)
      : Output(first_guess, limit, &pace) {}
  // Of what is packed: no longer than `bound`, whatever the limit.
  Output(std::size_t bound, std::size_t limit) : Output(bound, std::min(bound, limit), nullptr) {}
  // Unused room, at most kPaceBytes; empty only when the limit is reached.
  MutBytes room() {
    if (used_ == bytes_.size() && used_ < limit_) {
      const std::size_t size = used_ + std::min(kPaceBytes, limit_ - used_);
      if (size > bytes_.capacity()) bytes_.reserve(next_capacity(size));
      bytes_.resize(size);
    }
    return MutBytes(bytes_).subspan(used_);
  }
  void filled(std::size_t count) {
    used_ += count;
    if (pace_ != nullptr && *pace_) (*pace_)(PaceOf::unpacking, count);
  }
  // False when the limit does not allow for all of them.
  bool put(ByteView bytes) {
    while (!bytes.empty()) {
      const MutBytes to = room();
      if (to.empty()) return false;
      const std::size_t count = std::min(to.size(), bytes.size());
      std::memcpy(to.data(), bytes.data(), count);
      filled(count);
      bytes = bytes.subspan(count);
    }
    return true;
  }
  Bytes take() {
    bytes_.resize(used_);
    return std::move(bytes_);
  }

 private:
  static constexpr std::size_t kGuessMax = std::size_t{1} << 20;
  // To grow is to move all of it in one run: what is larger gets all it may have, untouched yet.
  static constexpr std::size_t kMovedMax = std::size_t{4} << 20;

  Output(std::size_t first_guess, std::size_t limit, const Pace* pace)
      : limit_(limit), pace_(pace) {
    bytes_.reserve(std::min({first_guess, limit, kGuessMax}));
  }

  std::size_t next_capacity(std::size_t size) const {
    return size > kMovedMax ? limit_ : std::min(size * 4, limit_);
  }

  Bytes bytes_;
  std::size_t used_ = 0;
  std::size_t limit_;
  const Pace* pace_;
};

// For the libraries: a process that is killed while it unpacks takes this memory with it.
inline void* allocate(void*, std::size_t bytes) { return ::operator new(bytes, std::nothrow); }
inline void release(void*, void* memory) { ::operator delete(memory); }

inline std::unexpected<Error> too_large(std::size_t limit) {
  return fail(ErrorCode::too_large,
              "decompressed records take more than " + std::to_string(limit) + " bytes");
}

inline std::unexpected<Error> packed_too_large(std::size_t limit) {
  return fail(ErrorCode::too_large,
              "compressed records take more than " + std::to_string(limit) + " bytes");
}

// How a stream is fed, by its level: what goes into it between two calls of a Pace takes about a
// millisecond at most. (Records that were made to be hard to pack may take a few.)
struct Feed {
  std::size_t bytes = std::size_t{16} << 10;
  PaceOf what = PaceOf::packing;

  // Takes a piece off the front of what is still to be packed.
  ByteView take_piece(ByteView& rest) const {
    const ByteView piece = rest.first(std::min(rest.size(), bytes));
    rest = rest.subspan(piece.size());
    return piece;
  }
  void packed(const Pace& pace, std::size_t count) const {
    if (pace) pace(what, count);
  }
};

Result<Bytes> gzip_compress(ByteView plain, std::optional<int> level, std::size_t limit,
                            const Pace& pace);
Result<Bytes> gzip_decompress(ByteView packed, std::size_t limit, const Pace& pace);
Result<Bytes> snappy_compress(ByteView plain, std::size_t limit, const Pace& pace);
Result<Bytes> snappy_decompress(ByteView packed, std::size_t limit, const Pace& pace);
Result<Bytes> lz4_compress(ByteView plain, std::optional<int> level, std::size_t limit,
                           const Pace& pace);
Result<Bytes> lz4_decompress(ByteView packed, std::size_t limit, const Pace& pace);
Result<Bytes> zstd_compress(ByteView plain, std::optional<int> level, std::size_t limit,
                            const Pace& pace);
Result<Bytes> zstd_decompress(ByteView packed, std::size_t limit, const Pace& pace);

}  // namespace flux::record::codecs
