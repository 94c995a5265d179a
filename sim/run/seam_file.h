// Seam files: every event of a run's seam, for finding where two runs part. A magic of 8 bytes,
// then seven numbers of 8 bytes for each event, little-endian, in order. Made and read by the same
// build, no format to keep.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "sim/world/seam.h"

namespace flux::sim {

using SeamRecord = std::array<char, 7 * 8>;
SeamRecord pack(const SeamEvent& event);
SeamEvent unpack(const SeamRecord& record);

inline constexpr std::string_view kSeamMagic = "fluxseam";

// `invalid` when it is no seam file, or one that was not written to its end.
Result<void> check_seam(std::string_view file);

// Of two checked files. The first event in which the two differ, told in full: event, actor, field
// and both values; nothing when they are equal. `names` are the processes by index.
std::optional<std::string> first_difference(std::string_view left, std::string_view right,
                                            const std::vector<std::string>& names);

}  // namespace flux::sim
