#include "sim/workload/session.h"

#include <algorithm>

namespace flux::sim {
namespace {

using kafka::WireError;

constexpr Key kPause = key("client.pause");

}  // namespace

std::vector<ClusterFacts::Topic> Session::topics() const {
  std::vector<ClusterFacts::Topic> out;
  for (const ClusterFacts::Topic& topic : seat_.facts().topics) {
    const std::vector<std::string>& wanted = seat_.spec().topics;
    if (wanted.empty() || std::ranges::find(wanted, topic.name) != wanted.end()) {
      out.push_back(topic);
    }
  }
  return out;
}

bool Session::make_topics(env::Task& task, client::Client& client) {
  for (const ClusterFacts::Topic& topic : topics()) {
    const client::NewTopic wanted{.name = topic.name,
                                  .partitions = topic.partitions,
                                  .replication = -1,
                                  .config = topic.config};
    while (!change_topic(task, client, OperationKind::create_topic, wanted)) {
      seat_.waits_for("topic " + topic.name);
      if (!env::sleep_until(task, env_.clock.now() + milliseconds(200))) return false;
    }
  }
  return true;
}

Outcome outcome_of(const client::Admin::Done& done) {
  if (done.ok()) return Outcome::ok;
  // An error from a broker is definite if it was the first try that brought it; one without an
  // answer is not, unless nothing left.
  if (done.tries == 0) return Outcome::refused;
  const bool answered = done.wire != WireError::none && done.wire != WireError::request_timed_out &&
                        done.wire != WireError::kafka_storage_error &&
                        done.wire != WireError::unknown_server_error;
  return answered && done.tries == 1 ? Outcome::refused : Outcome::unknown;
}

bool Session::change_topic(env::Task& task, client::Client& client, OperationKind kind,
                           const client::NewTopic& topic) {
  Operation op;
  op.kind = kind;
  op.topic = topic.name;
  const OperationId id = invoke(op);
  client::Admin admin(client);
  const bool creates = kind == OperationKind::create_topic;
  const client::Admin::Done done =
      creates ? admin.create_topic(task, topic) : admin.delete_topic(task, topic.name);
  complete(id, [&](Operation& filled) {
    filled.outcome = outcome_of(done);
    filled.topic_id = done.topic_id;
    filled.attempt = std::max(done.tries, 1u);
    filled.kafka_error = static_cast<int>(done.wire);
    if (!done.error) return;
    filled.error = done.error->code();
    filled.detail = done.error->detail();
  });
  const WireError already =
      creates ? WireError::topic_already_exists : WireError::unknown_topic_or_partition;
  return done.ok() || done.wire == already;
}

bool Session::pause(env::Task& task, std::uint64_t step) {
  const WorkloadSpec& spec = seat_.spec();
  const std::int64_t ns =
      draw_span(env_.random, kPause.with(step), {spec.pause_min.ns(), spec.pause_max.ns()});
  return env::sleep_until(task, env_.clock.now() + Duration(ns)).has_value();
}

void run_client(env::Task& task, env::Env& env, Seat& seat, const ClientWork& work) {
  Session session(env, seat);
  const Habits habits = draw_habits(env.random, seat);
  client::Client client(env, habits.client);
  work(task, session, client);
  client.close(task);
  seat.done();
}

}  // namespace flux::sim
