// CRC-32C (Castagnoli), the checksum of Kafka's record batch v2.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"

namespace flux {

std::uint32_t crc32c(ByteView bytes);
// The checksum of a followed by b, where `crc` is that of a.
std::uint32_t crc32c_extend(std::uint32_t crc, ByteView bytes);

}  // namespace flux
