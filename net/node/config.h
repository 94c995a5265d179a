// Config: what a node is told at start, under Kafka's names (server.properties).
//
// Every setting has a default and a range; a value outside is refused with what is allowed. A name
// that neither Kafka nor Flux knows is refused with the nearest one; names that Kafka knows and
// Flux does not use are listed in one notice, defaults of topics that have no effect yet in
// another. Flux's own names begin with "flux.", those of topic defaults with "log.flux.".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/broker/broker.h"
#include "core/controller/decisions.h"
#include "core/controller/image.h"
#include "core/log/config.h"
#include "net/node/properties.h"
#include "net/server/config.h"

namespace flux::node {

struct Config {
  NodeId node{1};                            // node.id
  std::string data_directory = "flux-data";  // log.dirs
  std::optional<std::string> cluster_id;     // flux.cluster.id; drawn at the first start
  std::optional<std::string> rack;           // broker.rack
  // How others reach this machine, where an address says "every interface".
  std::string host_name = "localhost";
  // advertised.listeners; without, what is listened on.
  std::vector<server::ListenerConfig> advertised;
  server::ServerConfig server{.listeners = {{"PLAINTEXT", {"127.0.0.1", 9092}}}};

  controller::CreateTopicDefaults create_topic;  // num.partitions, default.replication.factor
  controller::Settings topic_defaults;           // by topic setting, from log.* and others
  // Where /healthz and /metrics are answered; flux.http.listener.
  std::optional<env::Endpoint> http_listener;
  std::string version = "unknown";  // of the release, as /metrics tells it
  broker::LogKnobs log;
  std::int64_t fetch_bytes_max = 57'671'680;  // fetch.max.bytes
  Duration disk_patience = seconds(10);       // flux.disk.patience.ms

  broker::HousekeepingConfig housekeeping;

  std::int64_t metadata_snapshot_records = 10'000;  // flux.metadata.snapshot.records
  log::LogConfig metadata_log;

  // The node's own settings as they were written, by name; defaults of topics are not among them.
  controller::Settings given;
  // For people, one line each.
  std::vector<std::string> notices;

  static Result<Config> from(const Properties& properties);
  static Result<Config> parse(std::string_view text);
};

// The names that the node itself acts on, beside the defaults of topics.
std::vector<std::string_view> config_names();

}  // namespace flux::node
