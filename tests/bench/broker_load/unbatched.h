// Unbatched: one record a request over many connections, each with several requests on the way.
//
// The closed loop of a thread that sleeps in epoll: a connection sends as many new requests as
// answers have come, in one call of the kernel. Requests are built once; only their correlation ids
// differ. Every answer is looked at: its id is the next one of its connection, the broker took the
// record, and offsets grow. At the end the topic holds as many records as were acknowledged.
#pragma once

#include <cstddef>

#include <nlohmann/json.hpp>

#include "core/base/result.h"
#include "tests/bench/broker_load/caller.h"

namespace flux::load {

struct UnbatchedOptions {
  Address at;
  Topic topic;  // it is there, and empty
  int connections = 64;
  int in_flight = 5;  // of each connection
  std::size_t value_bytes = 100;
  double warmup_seconds = 2;
  double seconds = 5;
  int broker_pid = 0;
};

// What Meter reports, and "requests", "per_second", "p50_us", "p99_us", "p999_us", "max_us".
Result<nlohmann::ordered_json> run_unbatched(const UnbatchedOptions& options);

}  // namespace flux::load
