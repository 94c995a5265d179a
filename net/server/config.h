// What the front door is told: where to listen and what a client may take up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.h"
#include "core/controller/records.h"
#include "core/controller/setting_layers.h"
#include "core/env/network.h"
#include "net/server/connection_limits.h"
#include "net/server/fetch_sessions.h"

namespace flux::server {

struct ListenerConfig {
  std::string name;  // PLAINTEXT
  env::Endpoint at;

  friend bool operator==(const ListenerConfig&, const ListenerConfig&) = default;
};

struct ServerConfig {
  std::vector<ListenerConfig> listeners;
  std::size_t request_bytes_max = 100u << 20;  // socket.request.max.bytes
  Duration idle_max = seconds(600);            // connections.max.idle.ms
  ConnectionLimitConfig connections;           // max.connections and its relatives
  bool auto_create_topics = true;              // auto.create.topics.enable
  bool delete_topics = true;                   // delete.topic.enable
  // Requests of one connection that are being worked on; it is not read from beyond that.
  std::size_t in_flight_max = 100;              // flux.connection.requests.max
  std::size_t in_flight_bytes_max = 16u << 20;  // flux.connection.request.bytes.max
  // What is served at once, whatever the limits above say, and the requests of all connections
  // beyond one of each. Both take stacks (fiber::StackPool), and some are left for the rest of the
  // node.
  std::size_t connections_served_max = 8'000;
  std::size_t extra_requests_max = 2'000;
  // How long a fetch waits for records, whatever its client says: Kafka's clients give a request up
  // after 30 s (request.timeout.ms), and one that is gone should not keep its place for longer.
  Duration fetch_wait_max = seconds(30);
  FetchSessionLimits fetch_sessions;
  // Of one answer of DescribeTopicPartitions.
  std::int32_t described_partitions_max = 2'000;  // max.request.partition.size.limit
  // Bytes of requests of all connections together (request_memory.h).
  std::size_t request_memory_max = 512u << 20;  // flux.request.memory.bytes
  // How long a client may take over the rest of a frame that it began, beside 1 s for each 256 KiB;
  // and over the next 256 KiB of it.
  Duration frame_patience = seconds(30);  // flux.frame.patience.ms
  // How long a client may take nothing of an answer.
  Duration answer_patience = seconds(60);  // flux.answer.patience.ms
  Duration stop_patience = seconds(10);    // flux.stop.patience.ms

  friend bool operator==(const ServerConfig&, const ServerConfig&) = default;
};

// A setting of the node itself, as it was when the node started.
struct NodeSetting {
  std::string_view name;
  controller::ValueType type;
  std::optional<std::string_view> fallback;  // nothing: there is no default
  std::string_view doc;
  std::optional<std::string> given;  // what the file says
};

// What the server tells clients about the node.
struct NodeFacts {
  NodeId node{1};
  std::string cluster_id;
  std::vector<controller::FeatureRange> features;
  std::vector<NodeSetting> settings;  // beside the defaults of topics
};

}  // namespace flux::server
