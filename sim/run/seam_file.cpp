#include "sim/run/seam_file.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "core/base/check.h"

namespace flux::sim {
namespace {

constexpr std::size_t kRecord = sizeof(SeamRecord);

SeamEvent event_at(std::string_view file, std::size_t index) {
  SeamRecord record;
  std::memcpy(record.data(), file.data() + kSeamMagic.size() + index * kRecord, kRecord);
  return unpack(record);
}

std::string actor(const SeamEvent& event, const std::vector<std::string>& names) {
  return event.process < names.size() ? names[event.process]
                                      : fmt::format("process {}", event.process);
}

std::string describe(const SeamEvent& event, const std::vector<std::string>& names) {
  return fmt::format("t={} ns {} {} {}={:x} {}={:x} digest={:016x}", event.at.ns(),
                     actor(event, names), name_of(event.kind), name_of_a(event.kind), event.a,
                     name_of_b(event.kind), event.b, event.digest);
}

// The name of the first field that differs, and both values.
std::string differing_field(const SeamEvent& left, const SeamEvent& right,
                            const std::vector<std::string>& names) {
  const auto field = [](std::string_view name, const auto& a, const auto& b) {
    return fmt::format("field {}: {} and {}", name, a, b);
  };
  if (left.process != right.process) {
    return field("actor", actor(left, names), actor(right, names));
  }
  if (left.kind != right.kind) return field("kind", name_of(left.kind), name_of(right.kind));
  if (left.at != right.at) return field("time_ns", left.at.ns(), right.at.ns());
  if (left.a != right.a) return field(name_of_a(left.kind), left.a, right.a);
  if (left.b != right.b) return field(name_of_b(left.kind), left.b, right.b);
  return field("digest", left.digest, right.digest);
}

}  // namespace

SeamRecord pack(const SeamEvent& event) {
  const std::array<std::uint64_t, 7> numbers = {
      event.index,   static_cast<std::uint64_t>(event.at.ns()),
      event.process, static_cast<std::uint64_t>(event.kind),
      event.a,       event.b,
      event.digest};
  SeamRecord record;
  std::memcpy(record.data(), numbers.data(), record.size());
  return record;
}

SeamEvent unpack(const SeamRecord& record) {
  std::array<std::uint64_t, 7> numbers;
  std::memcpy(numbers.data(), record.data(), record.size());
  return {numbers[0],
          Time(static_cast<std::int64_t>(numbers[1])),
          static_cast<std::uint32_t>(numbers[2]),
          static_cast<SeamKind>(numbers[3]),
          numbers[4],
          numbers[5],
          numbers[6]};
}

Result<void> check_seam(std::string_view file) {
  if (!file.starts_with(kSeamMagic)) return fail(ErrorCode::invalid, "not a seam file");
  if ((file.size() - kSeamMagic.size()) % kRecord != 0) {
    return fail(ErrorCode::invalid, "a seam file whose last event is cut off");
  }
  const std::size_t events = (file.size() - kSeamMagic.size()) / kRecord;
  for (std::size_t i = 0; i < events; ++i) {
    if (!is_seam_kind(event_at(file, i).kind)) {
      return fail(ErrorCode::invalid, fmt::format("a seam file whose event {} is of no kind", i));
    }
  }
  return {};
}

std::optional<std::string> first_difference(std::string_view left, std::string_view right,
                                            const std::vector<std::string>& names) {
  CHECK(left.starts_with(kSeamMagic), "not checked");
  CHECK(right.starts_with(kSeamMagic), "not checked");
  const std::size_t both = (std::min(left.size(), right.size()) - kSeamMagic.size()) / kRecord;
  for (std::size_t i = 0; i < both; ++i) {
    const SeamEvent a = event_at(left, i);
    const SeamEvent b = event_at(right, i);
    if (a == b) continue;
    return fmt::format("event {} differs, {}\n  one run:   {}\n  the other: {}\n", i,
                       differing_field(a, b, names), describe(a, names), describe(b, names));
  }
  if (left.size() == right.size()) return std::nullopt;
  const bool first = left.size() > right.size();
  const SeamEvent next = event_at(first ? left : right, both);
  return fmt::format("event {} exists in {} run only: {}\n", both, first ? "one" : "the other",
                     describe(next, names));
}

}  // namespace flux::sim
