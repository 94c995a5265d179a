// Sight: what two small nodes saw of their world through their environments, and nothing else.
//
// It is told by nodes and read by the test, so it lives outside of their heaps.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/base/time.h"
#include "sim/world/node_heap.h"

namespace flux::parity {

struct Sight {
  // The client's round trips through one of the server's ports.
  struct Trips {
    std::uint64_t count = 0;
    std::uint64_t timeouts = 0;
    Duration sum;
    Duration longest;

    Duration mean() const { return count == 0 ? Duration() : sum / static_cast<int>(count); }
  };
  std::array<Trips, 3> trips;
  std::map<ErrorCode, std::uint64_t> connect_errors;
  std::map<ErrorCode, std::uint64_t> client_errors;
  std::map<ErrorCode, std::uint64_t> server_errors;
  std::uint64_t partial_reads = 0;   // of a message that was there as a whole
  std::uint64_t partial_writes = 0;  // a prefix was taken
  // The server's clock minus the client's, at each message.
  Duration apart_least = Duration(INT64_MAX);
  Duration apart_most = Duration(INT64_MIN);

  // The server's own life.
  std::uint64_t starts = 0;
  std::uint64_t orderly_ends = 0;
  std::set<std::uint64_t> boots;
  std::set<std::string> addresses;
  Duration longest_tick;  // of a wait for 10 ms
  Duration longest_spin;  // of a hundred yields
  std::uint64_t early_timers = 0;
  std::set<std::int64_t> wall_offsets;  // wall minus monotonic clock

  // The server's disk.
  std::map<std::pair<std::string, ErrorCode>, std::uint64_t> disk_errors;
  Duration longest_operation;
  std::uint64_t wrong_bytes = 0;  // read, and not what was written
  std::set<std::uint64_t> free_bytes;
  // After a restart: what no sync had covered, and what one had.
  std::uint64_t tail_whole = 0;
  std::uint64_t tail_cut = 0;        // its end is missing
  std::uint64_t tail_holes = 0;      // zeros in front of bytes that are there
  std::uint64_t tail_foreign = 0;    // neither zeros nor what was written
  std::uint64_t name_missing = 0;    // of a file whose directory was not synced
  std::uint64_t synced_end = 0;      // how far syncs had answered, as the last life knew
  std::uint64_t synced_missing = 0;  // restarts without what a sync had answered for
  std::uint64_t found_nothing = 0;   // restarts on an empty disk

  // All that the server did is seen by a second instance, while the first one lives.
  bool twin_found_files = false;

  std::uint64_t disk_failed(std::string_view call, ErrorCode code) const {
    const auto found = disk_errors.find({std::string(call), code});
    return found == disk_errors.end() ? 0 : found->second;
  }
  std::uint64_t timeouts() const {
    return trips[0].timeouts + trips[1].timeouts + trips[2].timeouts;
  }
  Duration longest_trip() const {
    return std::max({trips[0].longest, trips[1].longest, trips[2].longest});
  }

  // For the nodes, which must not leave anything of their own here.
  template <class Body>
  void note(Body&& body) {
    const sim::WorldScope scope;
    body(*this);
  }
};

inline std::uint64_t count_of(const std::map<ErrorCode, std::uint64_t>& errors, ErrorCode code) {
  const auto found = errors.find(code);
  return found == errors.end() ? 0 : found->second;
}

}  // namespace flux::parity
