// What a client is told when it is made. Plain values; owned by whoever makes the client, copied by
// it, never changed afterwards. Durations are measured on the environment's monotonic clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "core/env/network.h"
#include "core/record/batch.h"
#include "net/client/versions.h"

namespace flux::client {

struct ClientConfig {
  std::vector<env::Endpoint> bootstrap;
  // Names the client to brokers, and its random choices to the environment: two clients of one
  // process that shall choose differently need two names.
  std::string client_id = "flux";
  VersionCaps versions = VersionCaps::newest();

  Duration connect_timeout = seconds(10);
  // Of one request on the wire, answer included. A connection that misses it is closed: answers
  // come in order, so nothing behind the missing one can come either.
  Duration request_timeout = seconds(30);
  // Of a whole administrative call, all tries included.
  Duration api_timeout = seconds(60);
  Duration retry_backoff_min = milliseconds(100);
  Duration retry_backoff_max = seconds(1);
  Duration reconnect_backoff_min = milliseconds(50);
  Duration reconnect_backoff_max = seconds(1);
  Duration metadata_age_max = seconds(300);
  std::size_t frame_bytes_max = 100u << 20;
  // Requests that wait on one connection, sent or not; more wait in their callers.
  std::size_t line_max = 64;
};

enum class Acks : std::int16_t { all = -1, none = 0, leader = 1 };

struct ProducerConfig {
  Acks acks = Acks::all;
  // Needs acks=all and at most five in flight.
  bool idempotent = true;
  record::Codec codec = record::Codec::none;
  Duration linger = milliseconds(5);
  std::size_t batch_bytes_max = 16 * 1024;
  std::int32_t batch_records_max = 100'000;
  // Of one record with what surrounds it; a larger one is refused without being sent.
  std::size_t record_bytes_max = 1024 * 1024;
  std::size_t request_bytes_max = 1024 * 1024;
  // Records that were given to the producer and have no result yet; send() waits beyond it.
  std::size_t buffer_bytes_max = 32 * 1024 * 1024;
  std::size_t in_flight_max = 5;
  // Tries after the first. Without idempotence a try whose answer was lost may leave a copy.
  std::int32_t retries = 2'147'483'647;
  // From send() to the result, whatever happens.
  Duration delivery_timeout = seconds(120);
  // What the broker may take to hear of its replicas.
  Duration ack_timeout = seconds(30);
  // True: one partition a request, as librdkafka does. False: all that one broker leads.
  bool partition_per_request = false;
};

enum class OffsetReset : std::uint8_t { none, earliest, latest };
enum class Isolation : std::int8_t { read_uncommitted = 0, read_committed = 1 };

struct ConsumerConfig {
  Duration fetch_wait_max = milliseconds(500);
  std::int32_t fetch_bytes_min = 1;
  std::int32_t fetch_bytes_max = 50 * 1024 * 1024;
  std::int32_t partition_bytes_max = 1024 * 1024;
  Isolation isolation = Isolation::read_uncommitted;
  // Where to go on when the position is outside of the log; `none` reports it and stays.
  OffsetReset reset = OffsetReset::none;
  bool check_crcs = true;
  // Tell brokers only what changed since the last fetch (KIP-227).
  bool sessions = true;
  // Of one batch, decompressed.
  std::size_t batch_bytes_max = 64u << 20;
};

}  // namespace flux::client
