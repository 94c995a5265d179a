// What a handler is given, and what it gives back.
//
// A handler decodes its request, asks the broker, and encodes the answer; it keeps no state. It
// runs in a task of its own, in its turn: it lets the next request of the connection begin with
// turn.pass() when the order no longer matters, or simply by returning.
#pragma once

#include <memory>
#include <string>

#include "core/broker/broker.h"
#include "core/env/env.h"
#include "net/kafka/request.h"
#include "net/server/claim.h"
#include "net/server/config.h"
#include "net/server/fetch_sessions.h"
#include "net/server/frame.h"
#include "net/server/gate.h"
#include "net/server/metrics.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"

namespace flux::server {

struct Context {
  env::Env& env;
  broker::Broker& broker;
  const ServerConfig& config;
  const NodeFacts& facts;
  FetchSessions& fetch_sessions;
  ServerMetrics& metrics;
  const std::string& listener;  // name of the one that the connection came in by
  Turn& turn;
  Claim& claim;  // for an answer that may be large, to be taken before it is made

  wire::RequestHeader header;
  std::shared_ptr<Frame> frame;  // null once it was dropped
  wire::Reader body;

  void drop_frame() {
    body = wire::Reader({});
    frame.reset();
  }
};

struct Reply {
  // The whole answer with its frame and header.
  wire::Writer bytes;
  // Keeps alive what `bytes` refers to.
  std::shared_ptr<const void> owner;
  // The client asked for no answer.
  bool none = false;

  // What it takes up while it waits to be sent.
  std::size_t memory_bytes() const {
    std::size_t out = 0;
    for (const wire::Segment& segment : bytes.segments()) {
      if (!segment.is_file()) out += segment.size();
    }
    return out;
  }
};

// An error closes the connection: the request made no sense, or its client must learn of a failure
// that it asked not to be told.
using Handler = Result<Reply> (*)(env::Task& task, Context& context);

Result<Reply> handle_alter_configs(env::Task& task, Context& context);
Result<Reply> handle_api_versions(env::Task& task, Context& context);
Result<Reply> handle_create_partitions(env::Task& task, Context& context);
Result<Reply> handle_create_topics(env::Task& task, Context& context);
Result<Reply> handle_delete_records(env::Task& task, Context& context);
Result<Reply> handle_delete_topics(env::Task& task, Context& context);
Result<Reply> handle_describe_cluster(env::Task& task, Context& context);
Result<Reply> handle_describe_configs(env::Task& task, Context& context);
Result<Reply> handle_describe_groups(env::Task& task, Context& context);
Result<Reply> handle_describe_log_dirs(env::Task& task, Context& context);
Result<Reply> handle_describe_producers(env::Task& task, Context& context);
Result<Reply> handle_describe_topic_partitions(env::Task& task, Context& context);
Result<Reply> handle_fetch(env::Task& task, Context& context);
Result<Reply> handle_find_coordinator(env::Task& task, Context& context);
Result<Reply> handle_incremental_alter_configs(env::Task& task, Context& context);
Result<Reply> handle_init_producer_id(env::Task& task, Context& context);
Result<Reply> handle_list_config_resources(env::Task& task, Context& context);
Result<Reply> handle_list_groups(env::Task& task, Context& context);
Result<Reply> handle_list_offsets(env::Task& task, Context& context);
Result<Reply> handle_metadata(env::Task& task, Context& context);
Result<Reply> handle_offset_for_leader_epoch(env::Task& task, Context& context);
Result<Reply> handle_produce(env::Task& task, Context& context);

}  // namespace flux::server
