// BrokerMetrics: what the partitions of a broker count together. Nothing is kept for a single
// partition: there may be very many, and a client can make them.
#pragma once

#include <cstdint>

#include "core/metrics/exposition.h"
#include "core/metrics/metric.h"

namespace flux::broker {

struct BrokerMetrics {
  metrics::Counter produced_batches;
  metrics::Counter produced_records;
  metrics::Counter produced_bytes;
  metrics::Counter fetched_bytes;
  metrics::Histogram append_duration;  // of one batch, into the page cache
  metrics::Histogram commit_duration;  // of one group of batches, to the disk
  // Requests that gave up on the disk.
  metrics::Counter appends_timed_out;
  metrics::Counter commits_timed_out;
  metrics::Counter fetches_timed_out;

  metrics::Counter logs_opened;
  metrics::Counter log_open_failures;
  metrics::Counter logs_lost;  // after a failed sync
  metrics::Counter recovered_bytes;
  metrics::Counter torn_bytes;
  metrics::Counter rotten_ranges;
  metrics::Counter corrupt_reads;
  metrics::Counter indexes_rebuilt;

  metrics::Counter scrubbed_bytes;
  metrics::Counter scrub_passes;
  metrics::Counter scrub_rotten_ranges;

  // Partitions whose log was lost or could not be opened, and that are not open again.
  std::uint64_t partitions_failed = 0;

  void write(metrics::Exposition& to) const;
};

}  // namespace flux::broker
