// ServerMetrics: what the Kafka front door counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include "core/base/error.h"
#include "core/metrics/exposition.h"
#include "core/metrics/metric.h"
#include "net/kafka/errors.h"

namespace flux::server {

class ServerMetrics {
 public:
  // Pairs of API and error that are told apart; what else comes is one series.
  static constexpr std::size_t kErrorSeriesMax = 500;

  // By API key. APIs that are not served are not counted here.
  void answered(std::int16_t api, Duration took) { requests_[api].observe(took); }
  void failed(std::int16_t api, kafka::WireError error);
  void closed(ErrorCode why) { closed_[why].add(); }

  void write(metrics::Exposition& to) const;

  metrics::Counter received_bytes;
  metrics::Counter sent_bytes;
  metrics::Counter accepted;
  metrics::Counter accept_failures;
  metrics::Counter unsupported;  // requests in an API or a version that is not served
  // Connections that were turned away.
  metrics::Counter refused_full;
  metrics::Counter refused_per_ip;
  // Connections that had to wait to be let in.
  metrics::Counter waited;
  metrics::Counter throttled;

 private:
  std::map<std::int16_t, metrics::Histogram> requests_;  // of the APIs that are served
  std::map<std::pair<std::int16_t, kafka::WireError>, metrics::Counter> errors_;
  metrics::Counter other_errors_;
  std::map<ErrorCode, metrics::Counter> closed_;
};

}  // namespace flux::server
