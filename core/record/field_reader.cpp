#include "core/record/field_reader.h"

namespace flux::record {

std::int64_t FieldReader::long_varlong() {
  constexpr int kLastShift = 63;  // the tenth byte, which has room for one bit
  std::uint64_t u = 0;
  const std::byte* at = at_;
  for (int shift = 0; at != end_ && shift <= kLastShift; shift += 7) {
    const auto byte = static_cast<std::uint64_t>(*at++);
    u |= (byte & 0x7F) << shift;
    if (byte >= 0x80) continue;
    if (shift == kLastShift && byte > 1) break;
    at_ = at;
    return unzigzag(u);
  }
  fail();
  return 0;
}

}  // namespace flux::record
