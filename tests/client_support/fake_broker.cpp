#include "tests/client_support/fake_broker.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/record/batch.h"
#include "core/record/compression.h"
#include "net/client/plain_decoder.h"
#include "net/kafka/request.h"
#include "net/wire/frame.h"
#include "sim/world/node_heap.h"

namespace flux::test {
namespace {

using kafka::ApiKey;
using kafka::WireError;
using sim::WorldScope;

// One connection's server.
class Session {
 public:
  Session(const env::Env& env, FakeCluster& cluster, NodeId node,
          std::unique_ptr<env::Connection> stream)
      : env_(env), cluster_(cluster), node_(node), stream_(std::move(stream)) {}

  void run(env::Task& task) {
    while (serve_one(task)) {
    }
    stream_->close();
  }

 private:
  bool serve_one(env::Task& task) {
    std::array<std::byte, 4> prefix;
    if (!env::read_exact(task, *stream_, prefix)) return false;
    Bytes frame(wire::frame_length(prefix).value());
    if (!env::read_exact(task, *stream_, frame)) return false;
    wire::Reader reader(frame);
    const wire::RequestHeader header = kafka::decode_request_header(reader).value();
    const Verdict verdict = judge(header);
    if (verdict.delay > Duration() && !env::sleep_until(task, env_.clock.now() + verdict.delay)) {
      return false;
    }
    if (verdict.act == Act::cut) return false;
    if (verdict.act == Act::mute) return true;
    wire::Writer writer;
    writer.begin_frame();
    std::int16_t version = header.api_version;
    const bool too_new = header.api_key == static_cast<int>(ApiKey::api_versions) &&
                         version > cluster_.api_versions_max;
    wire::write_response_header(
        writer, header.correlation_id,
        kafka::response_header_version(*kafka::find_api(header.api_key), too_new ? 0 : version));
    const bool answers = handle(header, reader, writer, verdict);
    writer.end_frame();
    if (verdict.act == Act::lose_reply) return false;
    if (!answers) return true;
    return env::write_all(task, *stream_, writer.take()).has_value();
  }

  Verdict judge(const wire::RequestHeader& header) {
    const WorldScope scope;
    const auto api = static_cast<ApiKey>(header.api_key);
    const Seen seen{
        .api = api, .version = header.api_version, .number = ++cluster_.counts[api], .node = node_};
    cluster_.seen.push_back(seen);
    return cluster_.script ? cluster_.script(seen) : Verdict{};
  }

  bool handle(const wire::RequestHeader& header, wire::Reader& from, wire::Writer& to,
              const Verdict& verdict) {
    const std::int16_t version = header.api_version;
    switch (static_cast<ApiKey>(header.api_key)) {
      case ApiKey::api_versions: {
        const bool too_new = version > cluster_.api_versions_max;
        CHECK(api_versions(too_new).encode(to, too_new ? 0 : version).has_value());
        return true;
      }
      case ApiKey::metadata:
        CHECK(metadata(kafka::MetadataRequest::decode(from, version).value())
                  .encode(to, version)
                  .has_value());
        return true;
      case ApiKey::produce: {
        const auto request = kafka::ProduceRequest::decode(from, version).value();
        CHECK(produce(request, version, verdict).encode(to, version).has_value());
        return request.acks != 0;
      }
      case ApiKey::fetch: {
        const auto request = kafka::FetchRequest::decode(from, version).value();
        CHECK(fetch(request, version, verdict).encode(to, version).has_value());
        return true;
      }
      case ApiKey::list_offsets:
        CHECK(list_offsets(kafka::ListOffsetsRequest::decode(from, version).value())
                  .encode(to, version)
                  .has_value());
        return true;
      case ApiKey::init_producer_id:
        CHECK(init_producer(kafka::InitProducerIdRequest::decode(from, version).value())
                  .encode(to, version)
                  .has_value());
        return true;
      case ApiKey::describe_cluster:
        CHECK(describe_cluster().encode(to, version).has_value());
        return true;
      case ApiKey::create_topics:
        CHECK(create(kafka::CreateTopicsRequest::decode(from, version).value())
                  .encode(to, version)
                  .has_value());
        return true;
      case ApiKey::delete_topics:
        CHECK(remove(kafka::DeleteTopicsRequest::decode(from, version).value(), version)
                  .encode(to, version)
                  .has_value());
        return true;
      default:
        UNREACHABLE("a request that the fake broker does not know");
    }
  }

  kafka::ApiVersionsResponse api_versions(bool too_new) {
    kafka::ApiVersionsResponse out;
    if (too_new) out.error = WireError::unsupported_version;
    for (const kafka::ApiInfo& api : kafka::kApis) {
      auto& entry = out.api_keys.emplace_back();
      entry.api_key = static_cast<std::int16_t>(api.key);
      entry.min_version = api.advertised_min;
      entry.max_version = api.advertised_max;
    }
    return out;
  }

  kafka::MetadataResponse metadata(const kafka::MetadataRequest& request) {
    kafka::MetadataResponse out;
    for (const auto& [id, at] : cluster_.brokers) {
      auto& broker = out.brokers.emplace_back();
      broker.node_id = id;
      broker.host = at.host;
      broker.port = at.port;
    }
    out.cluster_id = "fake";
    out.controller_id = cluster_.brokers.begin()->first;
    std::vector<std::string> names;
    if (request.topics) {
      for (const auto& topic : *request.topics) names.push_back(*topic.name);
    } else {
      for (const auto& [name, topic] : cluster_.topics) names.push_back(name);
    }
    for (const std::string& name : names) {
      auto& entry = out.topics.emplace_back();
      entry.name = name;
      const auto found = cluster_.topics.find(name);
      if (found == cluster_.topics.end()) {
        entry.error = WireError::unknown_topic_or_partition;
        continue;
      }
      entry.topic_id = found->second.id;
      std::int32_t index = 0;
      for (const FakePartition& partition : found->second.partitions) {
        auto& p = entry.partitions.emplace_back();
        p.index = PartitionIndex(index++);
        p.leader_id = partition.leader;
        p.leader_epoch = LeaderEpoch(0);
        p.replica_nodes = {partition.leader};
        p.isr_nodes = {partition.leader};
      }
    }
    return out;
  }

  FakePartition* find(const std::string& name, const Uuid& id, PartitionIndex index) {
    for (auto& [topic_name, topic] : cluster_.topics) {
      if (topic_name != name && (id.is_zero() || topic.id != id)) continue;
      const auto at = static_cast<std::size_t>(index.value());
      return at < topic.partitions.size() ? &topic.partitions[at] : nullptr;
    }
    return nullptr;
  }

  kafka::ProduceResponse produce(const kafka::ProduceRequest& request, std::int16_t version,
                                 const Verdict& verdict) {
    kafka::ProduceResponse out;
    for (const auto& topic : request.topics) {
      auto& entry = out.topics.emplace_back();
      if (version <= 12) entry.name = topic.name;
      if (version > 12) entry.topic_id = topic.topic_id;
      for (const auto& partition : topic.partitions) {
        auto& p = entry.partitions.emplace_back();
        p.index = partition.index;
        p.base_offset = Offset(-1);
        FakePartition* to = find(topic.name, topic.topic_id, partition.index);
        if (verdict.act == Act::refuse) {
          p.error = verdict.error;
        } else if (to == nullptr) {
          p.error = WireError::unknown_topic_or_partition;
        } else if (to->leader != node_) {
          p.error = WireError::not_leader_or_follower;
        } else {
          p.error = append(*to, partition.records.bytes(), p.base_offset);
        }
      }
    }
    return out;
  }

  WireError append(FakePartition& to, ByteView bytes, Offset& base) {
    const auto batch = record::BatchView::first_of(bytes).value();
    CHECK(batch.crc_fits());
    CHECK_EQ(batch.size(), bytes.size());
    const WorldScope scope;
    if (batch.producer_id() != kNoProducerId) {
      FakePartition::ProducerState& state = to.producers[batch.producer_id()];
      if (batch.producer_epoch() < state.epoch) return WireError::invalid_producer_epoch;
      if (batch.producer_epoch() > state.epoch) state = {.epoch = batch.producer_epoch()};
      for (const FakePartition::Kept& kept : state.kept) {
        if (kept.first == batch.base_sequence() && kept.last == batch.last_sequence()) {
          base = kept.base;
          return WireError::none;
        }
      }
      const Sequence expected =
          state.kept.empty() ? Sequence(0) : record::sequence_after(state.kept.back().last);
      if (batch.base_sequence() != expected) return WireError::out_of_order_sequence_number;
      state.kept.push_back({batch.base_sequence(), batch.last_sequence(), to.end});
      if (state.kept.size() > 5) state.kept.pop_front();
    }
    base = to.end;
    Bytes stored = to_bytes(bytes);
    record::set_base_offset(stored, to.end);
    record::set_leader_epoch(stored, LeaderEpoch(0));
    to.end = to.end + batch.record_count();
    to.batches.push_back(std::move(stored));
    return WireError::none;
  }

  kafka::FetchResponse fetch(const kafka::FetchRequest& request, std::int16_t version,
                             const Verdict& verdict) {
    kafka::FetchResponse out;
    fetched_.clear();
    for (const auto& topic : request.topics) {
      auto& entry = out.topics.emplace_back();
      if (version <= 12) entry.name = topic.name;
      if (version > 12) entry.topic_id = topic.topic_id;
      for (const auto& partition : topic.partitions) {
        auto& p = entry.partitions.emplace_back();
        p.index = partition.index;
        const FakePartition* from = find(topic.name, topic.topic_id, partition.index);
        if (verdict.act == Act::refuse) {
          p.error = verdict.error;
        } else if (from == nullptr || from->leader != node_) {
          p.error = WireError::not_leader_or_follower;
        } else if (partition.fetch_offset > from->end || partition.fetch_offset < Offset(0)) {
          p.error = WireError::offset_out_of_range;
        } else {
          Bytes& bytes = fetched_.emplace_back();
          for (const Bytes& stored : from->batches) {
            const auto batch = record::BatchView::first_of(stored).value();
            if (batch.next_offset() <= partition.fetch_offset) continue;
            if (bytes.size() > static_cast<std::size_t>(partition.partition_max_bytes)) break;
            flux::append(bytes, stored);
          }
          p.records = wire::Records(ByteView(bytes));
          p.high_watermark = from->end;
        }
      }
    }
    return out;
  }

  kafka::ListOffsetsResponse list_offsets(const kafka::ListOffsetsRequest& request) {
    kafka::ListOffsetsResponse out;
    for (const auto& topic : request.topics) {
      auto& entry = out.topics.emplace_back();
      entry.name = topic.name;
      for (const auto& partition : topic.partitions) {
        auto& p = entry.partitions.emplace_back();
        p.index = partition.index;
        const FakePartition* from = find(topic.name, {}, partition.index);
        if (from == nullptr || from->leader != node_) {
          p.error = WireError::not_leader_or_follower;
        } else {
          p.offset = partition.timestamp == -2 ? Offset(0) : from->end;
        }
      }
    }
    return out;
  }

  kafka::InitProducerIdResponse init_producer(const kafka::InitProducerIdRequest& request) {
    kafka::InitProducerIdResponse out;
    const bool again = request.producer_id != kNoProducerId;
    out.producer_id = again ? request.producer_id : ProducerId(cluster_.next_producer_id++);
    out.producer_epoch = again ? request.producer_epoch + 1 : ProducerEpoch(0);
    return out;
  }

  kafka::DescribeClusterResponse describe_cluster() {
    kafka::DescribeClusterResponse out{.cluster_id = "fake", .controller_id = node_};
    for (const auto& [id, at] : cluster_.brokers) {
      out.brokers.push_back({.broker_id = id, .host = at.host, .port = at.port});
    }
    return out;
  }

  kafka::CreateTopicsResponse create(const kafka::CreateTopicsRequest& request) {
    kafka::CreateTopicsResponse out;
    for (const auto& topic : request.topics) {
      auto& entry = out.topics.emplace_back();
      entry.name = topic.name;
      if (cluster_.topics.contains(topic.name)) {
        entry.error = WireError::topic_already_exists;
        entry.error_message = "it is there";
      } else {
        add_topic(cluster_, topic.name, topic.num_partitions);
      }
    }
    return out;
  }

  kafka::DeleteTopicsResponse remove(const kafka::DeleteTopicsRequest& request,
                                     std::int16_t version) {
    kafka::DeleteTopicsResponse out;
    std::vector<std::string> names = request.topic_names;
    if (version >= 6) {
      names.clear();
      for (const auto& topic : request.topics) names.push_back(*topic.name);
    }
    const WorldScope scope;
    for (const std::string& name : names) {
      auto& entry = out.topics.emplace_back();
      entry.name = name;
      if (cluster_.topics.erase(name) == 0) entry.error = WireError::unknown_topic_or_partition;
    }
    return out;
  }

  env::Env env_;
  FakeCluster& cluster_;
  NodeId node_;
  std::unique_ptr<env::Connection> stream_;
  std::deque<Bytes> fetched_;
};

}  // namespace

void add_topic(FakeCluster& cluster, const std::string& name, int partitions) {
  const WorldScope scope;
  FakeTopic& topic = cluster.topics[name];
  topic.id = Uuid{7, cluster.topics.size()};
  topic.partitions.resize(static_cast<std::size_t>(partitions));
}

std::size_t FakeCluster::log_size(const std::string& topic, int partition) const {
  return values(topic, partition).size();
}

std::vector<std::string> FakeCluster::values(const std::string& topic, int partition) const {
  std::vector<std::string> out;
  const client::plain::Unpack unpack = [](int codec, ByteView packed) {
    return record::decompress(static_cast<record::Codec>(codec), packed, 1 << 24);
  };
  for (const Bytes& batch :
       topics.at(topic).partitions.at(static_cast<std::size_t>(partition)).batches) {
    const auto decoded = client::plain::decode(batch, unpack);
    CHECK(decoded.has_value());
    for (const auto& record : decoded->batches.at(0).records) {
      out.emplace_back(record.value ? as_text(*record.value) : "null");
    }
  }
  return out;
}

void serve_fake(env::Task& task, const env::Env& env, FakeCluster& cluster, NodeId node) {
  const env::Endpoint at = cluster.brokers.at(node);
  auto listener = env.network.listen(task, {"", at.port}).value();
  sync::TaskGroup sessions(env.scheduler);
  while (auto stream = listener->accept(task)) {
    auto session = std::make_shared<Session>(env, cluster, node, std::move(*stream));
    sessions.spawn("session", [session](env::Task& own) { session->run(own); });
  }
}

}  // namespace flux::test
