// Epochs: where each leader epoch begins in the log (Kafka's leader epoch cache), and its file.
//
// Entries ascend in both epoch and offset. Pure; the log keeps the file equal to it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "core/base/result.h"

namespace flux::log {

struct EpochStart {
  LeaderEpoch epoch;
  Offset start;

  friend auto operator<=>(const EpochStart&, const EpochStart&) = default;
};

class Epochs {
 public:
  // Records of `epoch` begin at `start`. True when that is news. An entry that it contradicts (the
  // same or a later offset under an older epoch) goes.
  bool assign(LeaderEpoch epoch, Offset start);
  void cut_from(Offset end);      // the log now ends there
  void cut_before(Offset start);  // the log now starts there

  LeaderEpoch latest() const;
  // The largest epoch not above `epoch` and the offset at which it ended, as OffsetForLeaderEpoch
  // asks; nothing when the log knows no such epoch.
  std::optional<EpochStart> end_of(LeaderEpoch epoch, Offset log_end) const;
  const std::vector<EpochStart>& entries() const { return entries_; }

  std::string to_text() const;
  static Result<Epochs> parse(std::string_view text);

  friend bool operator==(const Epochs&, const Epochs&) = default;

 private:
  std::vector<EpochStart> entries_;
};

// The file `partition.metadata`.
std::string partition_metadata_text(const Uuid& topic_id);
Result<Uuid> parse_partition_metadata(std::string_view text);

}  // namespace flux::log
