#include "core/broker/metrics.h"

namespace flux::broker {

using metrics::Kind;

void BrokerMetrics::write(metrics::Exposition& to) const {
  const auto counter = [&to](std::string_view name, std::string_view help,
                             const metrics::Counter& value) {
    to.single(name, Kind::counter, help, value);
  };
  counter("flux_produced_batches_total", "Record batches that were appended.", produced_batches);
  counter("flux_produced_records_total", "Records that were appended.", produced_records);
  counter("flux_produced_bytes_total", "Bytes of record batches that were appended.",
          produced_bytes);
  counter("flux_fetched_bytes_total", "Bytes of record batches that were read for clients.",
          fetched_bytes);
  to.single("flux_append_duration_seconds", Kind::histogram,
            "How long it took to write a batch to its log, without waiting for its turn.",
            append_duration);
  to.single("flux_commit_duration_seconds", Kind::histogram,
            "How long it took to sync what was appended to a log.", commit_duration);
  to.family("flux_disk_patience_timeouts_total", Kind::counter,
            "Times that a request gave up waiting for the disk, or for its client's time to end.");
  to.sample(appends_timed_out, {{"waited_for", "append"}});
  to.sample(commits_timed_out, {{"waited_for", "commit"}});
  to.sample(fetches_timed_out, {{"waited_for", "fetch"}});
  counter("flux_logs_opened_total", "Logs that were opened, and recovered where they needed it.",
          logs_opened);
  counter("flux_log_open_failures_total", "Logs that could not be opened.", log_open_failures);
  counter("flux_logs_lost_total", "Logs that were given up because a sync failed.", logs_lost);
  counter("flux_log_recovered_bytes_total", "Bytes of batches that opening a log looked through.",
          recovered_bytes);
  counter("flux_log_torn_bytes_total", "Bytes of unfinished writes that opening a log cut off.",
          torn_bytes);
  counter("flux_log_rotten_ranges_total",
          "Ranges that were acknowledged and whose bytes opening a log found spoilt or missing.",
          rotten_ranges);
  counter("flux_log_corrupt_reads_total", "Reads that met spoilt bytes; none of them were served.",
          corrupt_reads);
  counter("flux_log_indexes_rebuilt_total", "Indexes that did not fit their log.", indexes_rebuilt);
  counter("flux_scrub_bytes_total", "Bytes of batches that the scrub has read again.",
          scrubbed_bytes);
  counter("flux_scrub_passes_total", "Times that the scrub came to the end of all partitions.",
          scrub_passes);
  counter("flux_scrub_rotten_ranges_total",
          "Ranges that the scrub found spoilt since they were last verified.", scrub_rotten_ranges);
  to.single("flux_partitions_failed", Kind::gauge,
            "Partitions whose log was lost or could not be opened, and is not open again.",
            partitions_failed);
}

}  // namespace flux::broker
