// Frames: a request or a response on a connection is four bytes of length and that many bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace flux::wire {

inline constexpr std::size_t kFrameLengthSize = 4;
inline constexpr std::size_t kFrameSizeMax = 100u << 20;  // default of socket.request.max.bytes

// The number of bytes that follow `prefix`, which is kFrameLengthSize long. A frame that is
// negative, empty or larger than `size_max` is an error after which the stream means nothing: close
// it.
Result<std::size_t> frame_length(ByteView prefix, std::size_t size_max = kFrameSizeMax);

}  // namespace flux::wire
