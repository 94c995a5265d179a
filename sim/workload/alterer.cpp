#include "sim/workload/alterer.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/base/mark.h"
#include "sim/workload/session.h"

namespace flux::sim {
namespace {

using client::ConfigEdit;
using client::ConfigTarget;

constexpr Key kAlterer = key("client.alterer");
constexpr std::int32_t kPartitionsMax = 12;

// An empty value takes the setting away.
struct Alteration {
  std::string_view topic_name;
  std::string_view broker_name;
  std::string_view value;
};
constexpr std::array kAlterations = {
    Alteration{"internal.segment.bytes", "internal.log.segment.bytes", "500"},
    Alteration{"internal.segment.bytes", "internal.log.segment.bytes", "4096"},
    Alteration{"internal.segment.bytes", "internal.log.segment.bytes", ""},
    Alteration{"segment.ms", "log.roll.ms", "200"},
    Alteration{"segment.ms", "log.roll.ms", ""},
    Alteration{"index.interval.bytes", "log.index.interval.bytes", "1"},
    Alteration{"index.interval.bytes", "log.index.interval.bytes", ""},
    Alteration{"segment.index.bytes", "log.index.size.max.bytes", "64"},
    Alteration{"segment.index.bytes", "log.index.size.max.bytes", ""},
};

// Those that say what an acknowledgement means and what becomes of records: checkers must know.
constexpr std::array kPromises = {
    Alteration{"flux.durability", "log.flux.durability", "page-cache"},
    Alteration{"flux.durability", "log.flux.durability", "fsync"},
    Alteration{"flux.durability", "log.flux.durability", ""},
    Alteration{"flush.messages", "log.flush.interval.messages", "1"},
    Alteration{"flush.messages", "log.flush.interval.messages", "5"},
    Alteration{"flush.messages", "log.flush.interval.messages", ""},
    Alteration{"flush.ms", "log.flush.interval.ms", "10"},
    Alteration{"flush.ms", "log.flush.interval.ms", "1000"},
    Alteration{"flush.ms", "log.flush.interval.ms", ""},
    Alteration{"retention.ms", "log.retention.ms", "700"},
    Alteration{"retention.ms", "log.retention.ms", "2500"},
    Alteration{"retention.ms", "log.retention.ms", "-1"},
    Alteration{"retention.ms", "log.retention.ms", ""},
    Alteration{"retention.bytes", "log.retention.bytes", "3000"},
    Alteration{"retention.bytes", "log.retention.bytes", "20000"},
    Alteration{"retention.bytes", "log.retention.bytes", ""},
};

class Altering {
 public:
  Altering(env::Task& task, Session& session, client::Client& client)
      : task_(task), session_(session), client_(client) {}

  void step(std::uint64_t number);

 private:
  void alter(const ConfigTarget& target, Key key);
  void alter_promise(const ConfigTarget& target, Key key);
  client::Admin::Done send(const ConfigTarget& target, const Alteration& wanted);
  void grow();
  void describe();

  env::Task& task_;
  Session& session_;
  client::Client& client_;
};

void Altering::step(std::uint64_t number) {
  env::Random& random = session_.env().random;
  const Key key = kAlterer.with(number);
  switch (random.draw(key.with("what"), 6)) {
    case 0:
      return grow();
    case 1:
      return describe();
    case 2:
      return alter({.kind = ConfigTarget::Kind::broker, .name = ""}, key);
    default:
      break;
  }
  const std::vector<ClusterFacts::Topic> topics = session_.topics();
  if (topics.empty()) return;
  alter({.name = topics[random.draw(key.with("topic"), topics.size())].name}, key);
}

void Altering::alter(const ConfigTarget& target, Key key) {
  const Weights& weights = session_.spec().operations;
  const auto promises = weights.find("promise");
  if (promises != weights.end() && promises->second > 0 &&
      draw_weighted(session_.env().random, key.with("kind"), weights, "layout") == "promise") {
    return alter_promise(target, key);
  }
  const std::uint64_t drawn = session_.env().random.draw(key.with("setting"), kAlterations.size());
  if (!send(target, kAlterations[drawn]).ok()) return;
  if (target.kind == ConfigTarget::Kind::topic) {
    REACHED("client.altered_topic");
  } else {
    REACHED("client.altered_brokers");
  }
}

void Altering::alter_promise(const ConfigTarget& target, Key key) {
  const std::uint64_t drawn = session_.env().random.draw(key.with("promise"), kPromises.size());
  const Alteration& wanted = kPromises[drawn];
  const bool topic = target.kind == ConfigTarget::Kind::topic;
  Operation op;
  op.kind = OperationKind::alter_config;
  op.topic = target.name;
  op.setting = topic ? wanted.topic_name : wanted.broker_name;
  op.value = wanted.value;
  const OperationId id = session_.invoke(op);
  const client::Admin::Done done = send(target, wanted);
  session_.complete(id, [&](Operation& filled) {
    filled.outcome = outcome_of(done);
    filled.attempt = std::max(done.tries, 1u);
    filled.kafka_error = static_cast<int>(done.wire);
    if (!done.error) return;
    filled.error = done.error->code();
    filled.detail = done.error->detail();
  });
  if (done.ok()) REACHED("client.altered_promise");
}

client::Admin::Done Altering::send(const ConfigTarget& target, const Alteration& wanted) {
  const bool topic = target.kind == ConfigTarget::Kind::topic;
  ConfigEdit edit{.name = std::string(topic ? wanted.topic_name : wanted.broker_name),
                  .value = std::string(wanted.value)};
  if (wanted.value.empty()) edit.operation = ConfigEdit::Operation::remove;
  return client::Admin(client_).alter_config(task_, target, {edit});
}

void Altering::grow() {
  const std::string name = fmt::format("grown-by-{}", session_.seat().process().name());
  client::Admin admin(client_);
  const auto now = admin.describe_topic(task_, name);
  if (!now) {
    const client::NewTopic topic{.name = name, .partitions = 1, .replication = -1, .config = {}};
    session_.change_topic(task_, client_, OperationKind::create_topic, topic);
    return;
  }
  const auto count = static_cast<std::int32_t>(now->partitions.size());
  if (count >= kPartitionsMax) return;
  if (admin.create_partitions(task_, name, count + 1).ok()) REACHED("client.grew_topic");
}

void Altering::describe() {
  const ConfigTarget brokers{.kind = ConfigTarget::Kind::broker, .name = ""};
  if (client::Admin(client_).describe_config(task_, brokers)) REACHED("client.described_settings");
}

void work(env::Task& task, Session& session, client::Client& client) {
  Altering altering(task, session, client);
  const std::uint32_t limit = session.spec().operations_max;
  for (std::uint64_t step = 0; session.safety(); ++step) {
    if (limit != 0 && step >= limit) break;
    altering.step(step);
    if (task.cancelled() || !session.pause(task, step)) break;
  }
}

}  // namespace

void Alterer::run(env::Task& task, env::Env& env, Seat& seat) { run_client(task, env, seat, work); }

}  // namespace flux::sim
