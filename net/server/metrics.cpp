#include "net/server/metrics.h"

#include "core/base/check.h"
#include "net/kafka/request.h"

namespace flux::server {

using metrics::Kind;

namespace {

std::string_view api_name(std::int16_t key) {
  const kafka::ApiInfo* api = kafka::find_api(key);
  CHECK(api != nullptr);
  return api->name;
}

// As clients see it: what a peer does that ends its side in order is no error.
std::string_view reason(ErrorCode why) {
  return why == ErrorCode::closed ? "client" : flux::name_of(why);
}

}  // namespace

void ServerMetrics::failed(std::int16_t api, kafka::WireError error) {
  const std::pair series(api, error);
  const auto known = errors_.find(series);
  if (known != errors_.end()) return known->second.add();
  if (errors_.size() == kErrorSeriesMax) return other_errors_.add();
  errors_[series].add();
}

void ServerMetrics::write(metrics::Exposition& to) const {
  to.family("flux_request_duration_seconds", Kind::histogram,
            "From the last byte of a request to the last byte of its answer, with the time that a "
            "fetch waits for records.");
  for (const auto& [api, took] : requests_) to.sample(took, {{"api", api_name(api)}});
  to.family("flux_requests_total", Kind::counter, "Requests that were answered.");
  for (const auto& [api, took] : requests_) to.sample(took.count(), {{"api", api_name(api)}});
  to.family("flux_request_errors_total", Kind::counter,
            "Errors in answers: one for each partition, topic or other thing that was refused.");
  for (const auto& [what, count] : errors_) {
    to.sample(count, {{"api", api_name(what.first)}, {"error", kafka::name_of(what.second)}});
  }
  if (other_errors_.value() > 0) to.sample(other_errors_, {{"api", "other"}, {"error", "other"}});
  to.single("flux_requests_unsupported_total", Kind::counter,
            "Requests of an API, or in a version of it, that is not served.", unsupported);
  to.single("flux_network_received_bytes_total", Kind::counter, "Bytes that clients sent.",
            received_bytes);
  to.single("flux_network_sent_bytes_total", Kind::counter, "Bytes that clients were sent.",
            sent_bytes);
  to.single("flux_connections_accepted_total", Kind::counter, "Connections that were accepted.",
            accepted);
  to.single("flux_connection_accept_failures_total", Kind::counter,
            "Times that no connection could be accepted, as without file descriptors.",
            accept_failures);
  to.family("flux_connections_refused_total", Kind::counter,
            "Connections that were closed at once because of a limit.");
  to.sample(refused_full, {{"limit", "served"}});
  to.sample(refused_per_ip, {{"limit", "max.connections.per.ip"}});
  to.family("flux_connections_waited_total", Kind::counter,
            "Connections that waited to be let in because of a limit.");
  to.sample(waited, {{"limit", "max.connections"}});
  to.sample(throttled, {{"limit", "max.connection.creation.rate"}});
  to.family("flux_connections_closed_total", Kind::counter, "Connections that ended, and why.");
  for (const auto& [why, count] : closed_) to.sample(count, {{"reason", reason(why)}});
}

}  // namespace flux::server
