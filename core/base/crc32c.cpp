#include "core/base/crc32c.h"

#include <isa-l/crc.h>

#include "core/base/check.h"

namespace flux {

std::uint32_t crc32c(ByteView bytes) { return crc32c_extend(0, bytes); }

std::uint32_t crc32c_extend(std::uint32_t crc, ByteView bytes) {
  CHECK_LE(bytes.size(), static_cast<std::size_t>(INT32_MAX));
  // ISA-L works on the raw register, without the customary inversion before and after. It does not
  // write its input, though its parameter is not const.
  auto* data = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data()));
  return ~crc32_iscsi(data, static_cast<int>(bytes.size()), ~crc);
}

}  // namespace flux
