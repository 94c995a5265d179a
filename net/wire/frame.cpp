#include "net/wire/frame.h"

#include <string>

#include "core/base/check.h"

namespace flux::wire {

Result<std::size_t> frame_length(ByteView prefix, std::size_t size_max) {
  CHECK_EQ(prefix.size(), kFrameLengthSize);
  const auto length = load_be<std::int32_t>(prefix.data());
  if (length <= 0) {
    return fail(ErrorCode::invalid, "a frame of " + std::to_string(length) + " bytes");
  }
  if (static_cast<std::size_t>(length) > size_max) {
    return fail(ErrorCode::too_large, "a frame of " + std::to_string(length) +
                                          " bytes: the limit is " + std::to_string(size_max));
  }
  return static_cast<std::size_t>(length);
}

}  // namespace flux::wire
