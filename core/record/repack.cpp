#include "core/record/repack.h"

#include <algorithm>

#include "core/base/crc32c.h"

namespace flux::record {

Result<Bytes> repack(const BatchView& batch, ByteView records, const Compression& to,
                     std::size_t bytes_max, const Pace& pace) {
  const std::size_t most = std::min<std::size_t>(bytes_max, INT32_MAX);
  if (most < kBatchHeaderBytes) return fail(ErrorCode::too_large, "no room for a batch's header");
  const Bytes body = TRY(compress(to, records, most - kBatchHeaderBytes, pace));
  Bytes out;
  out.reserve(kBatchHeaderBytes + body.size());
  append(out, batch.bytes().first(kBatchHeaderBytes));
  append(out, body);
  if (pace) pace(PaceOf::reading, out.size());
  std::byte* const at = out.data();
  const int others = batch.attributes() & ~layout::kCodecMask;
  store_be(at + layout::kAttributes,
           static_cast<std::int16_t>(others | static_cast<int>(to.codec)));
  store_be(at + layout::kLength, static_cast<std::int32_t>(out.size() - kBatchPrefixBytes));
  store_be<std::uint32_t>(at + layout::kCrc, crc32c(ByteView(out).subspan(layout::kAttributes)));
  return out;
}

}  // namespace flux::record
