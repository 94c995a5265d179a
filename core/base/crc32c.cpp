#include "core/base/crc32c.h"

#include <isa-l/crc.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "core/base/check.h"

namespace flux {
namespace {

// ISA-L 2.30 returns from its AVX-512 form with the upper halves of the vector registers in use;
// whatever is compiled for SSE alone, as all of this is, then runs at a third of its speed.
#ifdef __x86_64__
[[gnu::target("avx")]] void zero_upper() { _mm256_zeroupper(); }
void clear_upper_halves() {
  if (__builtin_cpu_supports("avx")) zero_upper();
}
#else
void clear_upper_halves() {}
#endif

}  // namespace

std::uint32_t crc32c(ByteView bytes) { return crc32c_extend(0, bytes); }

std::uint32_t crc32c_extend(std::uint32_t crc, ByteView bytes) {
  CHECK_LE(bytes.size(), static_cast<std::size_t>(INT32_MAX));
  // ISA-L works on the raw register, without the customary inversion before and after. It does not
  // write its input, though its parameter is not const.
  auto* data = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data()));
  const std::uint32_t out = ~crc32_iscsi(data, static_cast<int>(bytes.size()), ~crc);
  clear_upper_halves();
  return out;
}

}  // namespace flux
