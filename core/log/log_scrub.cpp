// The scrub: what was verified once is believed until the process ends, unless somebody looks
// again.
//
// It reads as consumers do, beside everything else: no lock is held, and rot that it finds is the
// segment's like any other. Only what was synced is looked at: what was not, the system may still
// lose, and that is no rot.
#include <algorithm>

#include "core/base/mark.h"
#include "core/base/mutant.h"
#include "core/log/log.h"
#include "core/log/segment.h"

namespace flux::log {

using env::Task;

// The one that the place lies in or, if that has gone, the next; null at the end.
Log::SegmentPointer Log::segment_to_scrub(ScrubPlace& place) const {
  const auto at = std::ranges::lower_bound(
      segments_, place.segment, {}, [](const SegmentPointer& one) { return one->base_offset(); });
  if (at == segments_.end() || (*at)->base_offset() >= place.until) return nullptr;
  const Offset base = (*at)->base_offset();
  if (base != place.segment) place = {.until = place.until, .segment = base};
  return *at;
}

Result<std::optional<Scrubbed>> Log::scrub(Task& task, ScrubPlace& place, std::uint64_t bytes_max) {
  TRY(check_writable());
  const SegmentPointer segment = segment_to_scrub(place);
  if (segment == nullptr) return std::nullopt;
  Result<Scrubbed> out = scrub_segment(task, *segment, place, bytes_max);
  if (out) return *out;
  TRY(check_writable());
  // Its files may have been removed meanwhile.
  if (std::ranges::find(segments_, segment) != segments_.end()) return std::unexpected(out.error());
  REACHED("log.deleted_under_scrub");
  return Scrubbed{};
}

Result<Scrubbed> Log::scrub_segment(Task& task, Segment& segment, ScrubPlace& place,
                                    std::uint64_t bytes_max) {
  // Once a log is halted its files' names may be those of another: nothing is opened from then on.
  const Segment::Held held = TRY(segment.hold_files(task));
  Scrubbed out;
  do {
    TRY(check_writable());
    const std::size_t rot_before = segment.rot().size();
    const std::optional<Range> read = TRY(segment.scrub(task, place.position, place.until));
    if (!read) {
      place = {.until = place.until, .segment = place.segment + 1};
      break;
    }
    place.position = read->to;
    out.bytes += read->to - read->from;
    const std::size_t rot_now = segment.rot().size();
    if (rot_now <= rot_before) continue;
    REACHED("log.rot_found_by_scrub");
    out.rotten += rot_now - rot_before;
    if (MUTANT("log.scrub_cuts_rot")) {
      TRY(held.data->truncate(task, segment.rot().front().at.from));
    }
  } while (out.bytes < bytes_max);
  return out;
}

std::vector<Damage> Log::damage() const {
  std::vector<Damage> out;
  const auto add = [&](Offset from, Offset to) {
    from = std::max(from, start_offset_);
    if (from >= to) return;
    // Blocks side by side, each found rotten, are one range.
    if (!out.empty() && out.back().to >= from) {
      out.back().to = std::max(out.back().to, to);
    } else {
      out.push_back({from, to});
    }
  };
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    for (const RotRange& rot : segments_[i]->rot()) add(rot.base, rot.end);
    // What is missing between two segments was there once.
    if (i + 1 < segments_.size()) add(segments_[i]->end_offset(), segments_[i + 1]->base_offset());
  }
  return out;
}

}  // namespace flux::log
