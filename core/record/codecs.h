// Internal to core/record: the codecs behind compression.h, and the growing output they share.
#pragma once

#include <algorithm>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace flux::record::codecs {

// A buffer that grows as a stream unfolds, up to a limit.
class Output {
 public:
  Output(std::size_t first_guess, std::size_t limit) : limit_(limit) {
    bytes_.resize(std::min(std::max<std::size_t>(first_guess, 512), limit));
  }
  // Unused room; empty only when the limit is reached.
  MutBytes room() {
    if (used_ == bytes_.size() && used_ < limit_) {
      bytes_.resize(std::min(limit_, std::max<std::size_t>(bytes_.size() * 2, 512)));
    }
    return MutBytes(bytes_).subspan(used_);
  }
  void filled(std::size_t count) { used_ += count; }
  Bytes take() {
    bytes_.resize(used_);
    return std::move(bytes_);
  }

 private:
  Bytes bytes_;
  std::size_t used_ = 0;
  std::size_t limit_;
};

inline std::unexpected<Error> too_large(std::size_t limit) {
  return fail(ErrorCode::too_large,
              "decompressed records take more than " + std::to_string(limit) + " bytes");
}

Result<Bytes> gzip_compress(ByteView plain);
Result<Bytes> gzip_decompress(ByteView packed, std::size_t limit);
Result<Bytes> snappy_compress(ByteView plain);
Result<Bytes> snappy_decompress(ByteView packed, std::size_t limit);
Result<Bytes> lz4_compress(ByteView plain);
Result<Bytes> lz4_decompress(ByteView packed, std::size_t limit);
Result<Bytes> zstd_compress(ByteView plain);
Result<Bytes> zstd_decompress(ByteView packed, std::size_t limit);

}  // namespace flux::record::codecs
