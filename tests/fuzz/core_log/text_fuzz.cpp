// Any text as the small files of a partition's directory (leader-epoch-checkpoint,
// partition.metadata) and as the names in it. What parses is written back as it was read. Input:
// one byte that picks the kind, then the text.
#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/log/epochs.h"
#include "core/log/names.h"

namespace flux::log {
namespace {

void try_epochs(std::string_view text) {
  const auto epochs = Epochs::parse(text);
  if (!epochs) return;
  const auto again = Epochs::parse(epochs->to_text());
  CHECK(again.has_value());
  CHECK(*again == *epochs);
  Epochs built;
  for (const EpochStart& entry : epochs->entries()) CHECK(built.assign(entry.epoch, entry.start));
  CHECK(built == *epochs);
  for (const EpochStart& entry : epochs->entries()) {
    const auto end = epochs->end_of(entry.epoch, Offset(INT64_MAX));
    CHECK(end.has_value());
    CHECK(end->epoch == entry.epoch);
    CHECK_GE(end->start, entry.start);
  }
}

void try_metadata(std::string_view text) {
  const auto id = parse_partition_metadata(text);
  if (!id) return;
  const auto again = parse_partition_metadata(partition_metadata_text(*id));
  CHECK(again.has_value());
  CHECK(*again == *id);
}

void try_name(std::string_view name) {
  for (const std::string_view suffix :
       {kLogSuffix, kIndexSuffix, kTimeIndexSuffix, kIntegritySuffix}) {
    const auto base = base_of_file(name, suffix);
    if (base) CHECK(segment_file(*base, suffix) == name);
  }
}

}  // namespace
}  // namespace flux::log

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text = flux::as_text(std::as_bytes(std::span(data, size)).subspan(1));
  switch (data[0] % 3) {
    case 0:
      flux::log::try_epochs(text);
      break;
    case 1:
      flux::log::try_metadata(text);
      break;
    default:
      flux::log::try_name(text);
      break;
  }
  return 0;
}
