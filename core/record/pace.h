// Pace: how long work on a batch lets others in.
//
// A few bytes may unfold to many, and a batch hold millions of records: whoever unpacks or walks
// one may hand over a Pace, which is called after each piece of the work. It may suspend.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace flux::record {

enum class PaceOf : std::uint8_t {
  unpacking,        // the bytes came out of a compressed stream
  reading,          // the bytes were read through, or made room for
  packing,          // the bytes went into a compressed stream, at a codec's default level or below
  packing_hard,     // at a level that takes about ten times as long
  packing_hardest,  // at one that takes about a hundred times as long
};

using Pace = std::function<void(PaceOf what, std::size_t bytes)>;

// About what is done between two calls.
inline constexpr std::size_t kPaceBytes = std::size_t{64} << 10;

}  // namespace flux::record
