// Any bytes as the index files of a segment: refused, or a table that answers every question with
// something that lies in the segment. Input: one byte that picks the kind, then the file.
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/log/index.h"

namespace flux::log {
namespace {

constexpr std::uint64_t kSegmentBytes = 1U << 20;

void try_offsets(ByteView file) {
  const auto index = OffsetIndex::decode(file, kSegmentBytes);
  if (!index) return;
  CHECK(equal(index->encode(), file));
  for (const OffsetIndex::Entry& entry : index->entries()) {
    const auto position = static_cast<std::uint32_t>(entry.position);
    CHECK_EQ(index->position_for(entry.offset), position);
    CHECK_EQ(index->batch_before(position), position);
    CHECK_LE(index->position_for(std::int64_t{entry.offset} - 1), position);
  }
  CHECK_LT(index->position_for(INT64_MAX), kSegmentBytes);
}

void try_times(ByteView file) {
  const auto index = TimeIndex::decode(file);
  if (!index) return;
  CHECK(equal(index->encode(), file));
  for (const TimeIndex::Entry& entry : index->entries()) {
    CHECK_LE(index->offset_for(entry.timestamp), entry.offset);
  }
}

}  // namespace
}  // namespace flux::log

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const flux::ByteView input = std::as_bytes(std::span(data, size));
  if (input.empty()) return 0;
  if (data[0] % 2 == 0) {
    flux::log::try_offsets(input.subspan(1));
  } else {
    flux::log::try_times(input.subspan(1));
  }
  return 0;
}
