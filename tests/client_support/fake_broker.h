// FakeBroker: just enough of a Kafka broker to see what a client sends and to answer it as a test
// says. It keeps batches in memory and knows idempotent producers; it has no fault but the
// scripted.
//
// The cluster's state belongs to the test and is changed only inside a WorldScope, so that it stays
// when a process ends.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/env/env.h"
#include "core/sync/task_group.h"
#include "net/kafka/gen/api_versions.h"
#include "net/kafka/gen/apis.h"
#include "net/kafka/gen/create_topics.h"
#include "net/kafka/gen/delete_topics.h"
#include "net/kafka/gen/describe_cluster.h"
#include "net/kafka/gen/fetch.h"
#include "net/kafka/gen/init_producer_id.h"
#include "net/kafka/gen/list_offsets.h"
#include "net/kafka/gen/metadata.h"
#include "net/kafka/gen/produce.h"
#include "net/wire/header.h"

namespace flux::test {

struct FakePartition {
  NodeId leader{1};
  std::vector<Bytes> batches;
  Offset end{0};
  struct Kept {
    Sequence first;
    Sequence last;
    Offset base;
  };
  struct ProducerState {
    ProducerEpoch epoch{0};
    std::deque<Kept> kept;
  };
  std::map<ProducerId, ProducerState> producers;
};

struct FakeTopic {
  Uuid id;
  std::vector<FakePartition> partitions;
};

enum class Act : std::uint8_t {
  serve,
  cut,         // the connection ends before the request is looked at
  lose_reply,  // done, but the connection ends instead of the answer
  mute,        // not done, never answered
  refuse,      // answered with `error`, not done (Produce and Fetch)
};

struct Verdict {
  Act act = Act::serve;
  kafka::WireError error = kafka::WireError::none;
  Duration delay;
};

struct Seen {
  kafka::ApiKey api{};
  std::int16_t version = 0;
  std::uint64_t number = 0;  // of requests of this kind, from 1
  NodeId node{-1};
};

struct FakeCluster {
  std::map<NodeId, env::Endpoint> brokers;
  std::map<std::string, FakeTopic> topics;
  std::map<kafka::ApiKey, std::uint64_t> counts;
  std::vector<Seen> seen;
  std::function<Verdict(const Seen&)> script;
  std::int64_t next_producer_id = 1000;
  std::int16_t api_versions_max = 4;
  std::size_t log_size(const std::string& topic, int partition = 0) const;
  // All values of a partition in order, read by the plain decoder.
  std::vector<std::string> values(const std::string& topic, int partition = 0) const;
};

void add_topic(FakeCluster& cluster, const std::string& name, int partitions);

// Serves for ever; run it as the main function of a process.
void serve_fake(env::Task& task, const env::Env& env, FakeCluster& cluster, NodeId node);

}  // namespace flux::test
