#include "net/node/setting_facts.h"

#include <algorithm>
#include <array>

namespace flux::node {

namespace {

using enum controller::ValueType;
constexpr auto kNone = std::nullopt;

constexpr std::array kFacts = {
    SettingFacts{"advertised.listeners", list, kNone,
                 "Where clients are told to connect; what is listened on where it is not set."},
    SettingFacts{"auto.create.topics.enable", boolean, "true",
                 "Whether a topic is made when a client asks for one that is not there."},
    SettingFacts{"broker.id", int32, "1", "The older name of node.id."},
    SettingFacts{"broker.rack", text, kNone, "Where the node stands, as clients are told."},
    SettingFacts{"connections.max.idle.ms", int64, "600000",
                 "How long a connection may be silent before it is closed."},
    SettingFacts{"controller.listener.names", list, kNone,
                 "Listeners that are the controller's and not for clients."},
    SettingFacts{"default.replication.factor", int32, "1",
                 "How many replicas a topic has that does not say it."},
    SettingFacts{"delete.topic.enable", boolean, "true", "Whether clients may delete topics."},
    SettingFacts{"fetch.max.bytes", int32, "57671680", "The largest answer to a fetch."},
    SettingFacts{"flux.answer.patience.ms", int64, "60000",
                 "How long a client may take nothing of its answer."},
    SettingFacts{"flux.cluster.id", text, kNone, "Id of the cluster; drawn at the first start."},
    SettingFacts{"flux.connection.request.bytes.max", int32, "16777216",
                 "Bytes of requests that one connection may have under way."},
    SettingFacts{"flux.connection.requests.max", int32, "100",
                 "Requests that one connection may have under way."},
    SettingFacts{"flux.disk.patience.ms", int64, "10000", "How long a request waits for the disk."},
    SettingFacts{"flux.frame.patience.ms", int64, "30000",
                 "How long a client may take to send what it has begun."},
    SettingFacts{"flux.http.listener", text, kNone,
                 "Where /healthz and /metrics are served; nowhere where it is not set."},
    SettingFacts{"flux.integrity.block.bytes", int32, "65536",
                 "How many bytes of a log one digest covers."},
    SettingFacts{"flux.integrity.mark.ms", int64, "50",
                 "How long after a commit its mark is made durable when no other commit does it."},
    SettingFacts{"flux.metadata.snapshot.records", int64, "10000",
                 "Records between two snapshots of the metadata."},
    SettingFacts{"flux.read.verify", text, "first",
                 "When a log's blocks are verified: when first read after opening, or always."},
    SettingFacts{"flux.request.memory.bytes", int64, "536870912",
                 "Memory of requests and answers, all connections together."},
    SettingFacts{"flux.scrub.bytes.per.second", int32, "8388608",
                 "How many bytes a second are read again to find rot."},
    SettingFacts{"flux.scrub.interval.ms", int64, "604800000",
                 "How often all that is stored is read again to find rot; -1: never."},
    SettingFacts{"flux.stop.patience.ms", int64, "10000",
                 "How long a stop waits for requests under way."},
    SettingFacts{"listener.security.protocol.map", text, kNone,
                 "Which protocol each listener speaks."},
    SettingFacts{"listeners", list, "PLAINTEXT://127.0.0.1:9092", "Where the node listens."},
    SettingFacts{"log.dir", list, "flux-data", "The older name of log.dirs."},
    SettingFacts{"log.dirs", list, kNone, "The data directory."},
    SettingFacts{"log.initial.task.delay.ms", int64, "30000",
                 "How long after the start expired records, and rot, are first looked for."},
    SettingFacts{"log.retention.check.interval.ms", int64, "300000",
                 "Time between two looks for expired records."},
    SettingFacts{"log.retention.hours", int32, "168",
                 "How long records are kept, where neither minutes nor milliseconds are set."},
    SettingFacts{"log.retention.minutes", int32, kNone,
                 "How long records are kept, where milliseconds are not set."},
    SettingFacts{"log.roll.hours", int32, "168",
                 "The age at which a segment ends, where milliseconds are not set."},
    SettingFacts{"max.connection.creation.rate", int32, "2147483647",
                 "How many connections are let in a second."},
    SettingFacts{"max.connections", int32, "2147483647", "How many connections are taken."},
    SettingFacts{"max.connections.per.ip", int32, "2147483647",
                 "How many connections one address may have."},
    SettingFacts{"max.connections.per.ip.overrides", text, kNone,
                 "How many connections certain addresses may have, as address:count."},
    SettingFacts{"max.incremental.fetch.session.cache.slots", int32, "1000",
                 "How many fetch sessions are kept."},
    SettingFacts{"max.request.partition.size.limit", int32, "2000",
                 "How many partitions one answer describes."},
    SettingFacts{"node.id", int32, "1", "The number of this node."},
    SettingFacts{"num.partitions", int32, "1",
                 "How many partitions a topic has that does not say it."},
    SettingFacts{"process.roles", list, "broker,controller", "What the node does."},
    SettingFacts{"producer.id.expiration.ms", int32, "86400000",
                 "After how long a silent idempotent producer is forgotten."},
    SettingFacts{"socket.request.max.bytes", int32, "104857600", "The largest request."},
};

static_assert(std::ranges::is_sorted(kFacts, {}, &SettingFacts::name));

}  // namespace

std::span<const SettingFacts> setting_facts() { return kFacts; }

std::vector<server::NodeSetting> node_settings(const controller::Settings& given) {
  std::vector<server::NodeSetting> out;
  for (const SettingFacts& facts : kFacts) {
    const auto value = given.find(facts.name);
    out.push_back({.name = facts.name,
                   .type = facts.type,
                   .fallback = facts.fallback,
                   .doc = facts.doc,
                   .given = value == given.end() ? std::nullopt : std::optional(value->second)});
  }
  return out;
}

}  // namespace flux::node
