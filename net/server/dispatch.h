// The table of handlers: what this broker answers, and so what it advertises.
#pragma once

#include <span>
#include <string_view>

#include "net/kafka/request.h"
#include "net/server/context.h"

namespace flux::server {

struct Served {
  kafka::ApiKey key;
  Handler handler;
  // What Kafka's does with it and this broker does not, for docs/kafka_compat.md.
  std::string_view lacks = {};
};

// By key.
std::span<const Served> served_apis();

// Carries out one request, whose turn it is; the header has not been read yet. An error closes the
// connection.
Result<Reply> dispatch(env::Task& task, Context& context);

}  // namespace flux::server
