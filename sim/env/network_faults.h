// What the simulated network can do to bytes: the rule of one direction between two hosts, and the
// habits of the whole network. Units in the names; a Ratio is a chance for each thing named.
//
// Below the byte stream segments are delayed, lost, doubled and reordered as packets are; a stream
// hides that from its reader, as TCP does, and shows it as time: a lost segment comes a
// retransmission later, a reordered one holds back what follows it, a doubled one costs bandwidth.
#pragma once

#include <cstdint>

#include "core/base/ratio.h"
#include "core/base/time.h"

namespace flux::sim {

struct LinkRule {
  Duration latency_min = microseconds(100);
  Duration latency_max = microseconds(500);
  Ratio tail;                                // chance of a segment in the latency tail
  Duration tail_max = milliseconds(100);     // the tail is uniform up to this
  Ratio loss;                                // of a segment; it arrives a retransmission later
  Ratio duplicate;                           // of a segment
  Ratio reorder;                             // a segment is overtaken: up to 3 latencies later
  std::uint64_t bytes_per_second = 0;        // 0: no limit
  bool blocked = false;                      // nothing passes (a one-way partition)
  std::uint16_t blocked_port = 0;            // nothing of connections to this port passes; 0: none
  std::uint32_t black_hole_above_bytes = 0;  // larger segments never arrive; 0: none

  // `port` is the one that the connection was made to.
  bool blocks(std::uint16_t port) const {
    return blocked || (blocked_port != 0 && blocked_port == port);
  }

  friend bool operator==(const LinkRule&, const LinkRule&) = default;
};

struct NetworkHabits {
  Ratio short_read;   // of a read: it gets a prefix of what is there
  Ratio short_write;  // of a write: a prefix is taken
  std::uint32_t window_bytes = 256 * 1024;
  Ratio connect_refused;      // of a connect that would succeed
  Duration accept_delay_max;  // a slow accept: uniform up to this
  Duration retransmit_min = milliseconds(200);
  Duration connect_give_up = seconds(30);
  Duration data_give_up = seconds(60);  // unacknowledged for so long: the connection is reset
  std::uint32_t backlog_max = 128;
};

}  // namespace flux::sim
