// Names of the files of a partition's directory.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/ids.h"

namespace flux::log {

inline constexpr std::string_view kLogSuffix = ".log";
inline constexpr std::string_view kIndexSuffix = ".index";
inline constexpr std::string_view kTimeIndexSuffix = ".timeindex";
inline constexpr std::string_view kIntegritySuffix = ".integrity";
// The producers at the offset that names it: of each segment's base, and of the end when the log
// was closed.
inline constexpr std::string_view kSnapshotSuffix = ".snapshot";
// What is there for one segment, and goes with it.
inline constexpr std::array kSegmentSuffixes = {kLogSuffix, kIndexSuffix, kTimeIndexSuffix,
                                                kIntegritySuffix, kSnapshotSuffix};
inline constexpr std::string_view kTemporarySuffix = ".tmp";
inline constexpr std::string_view kStartFile = "log-start-offset";
inline constexpr std::string_view kCleanFile = "clean-shutdown";
inline constexpr std::string_view kEpochFile = "leader-epoch-checkpoint";
inline constexpr std::string_view kMetadataFile = "partition.metadata";

// "00000000000000000042.log"
std::string segment_file(Offset base, std::string_view suffix);
// The base offset in the name of any file of a segment, whatever its suffix.
std::optional<Offset> base_of_file(std::string_view name);
// The base offset in such a name; nothing for any other name.
std::optional<Offset> base_of_file(std::string_view name, std::string_view suffix);

}  // namespace flux::log
