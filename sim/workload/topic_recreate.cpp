#include "sim/workload/topic_recreate.h"

#include "sim/workload/session.h"

namespace flux::sim {
namespace {

constexpr Key kRecreate = key("client.topic_recreate");

void work(env::Task& task, Session& session, client::Client& client) {
  const std::vector<ClusterFacts::Topic> topics = session.topics();
  const std::uint32_t limit = session.spec().operations_max;
  if (!session.make_topics(task, client) || topics.empty()) return;
  for (std::uint64_t step = 0; session.safety(); ++step) {
    if (limit != 0 && step >= limit) break;
    if (!session.pause(task, step)) return;
    if (!session.safety()) break;
    const std::uint64_t which =
        session.env().random.draw(kRecreate.with("which").with(step), topics.size());
    session.change_topic(task, client, OperationKind::delete_topic, {.name = topics[which].name});
    if (task.cancelled() || !session.make_topics(task, client)) return;
  }
  // A deletion whose answer was lost may come through only now, and who writes needs the topic.
  const Instant settled = session.env().clock.now() + session.spec().request_timeout;
  if (env::sleep_until(task, settled)) session.make_topics(task, client);
}

}  // namespace

void TopicRecreate::run(env::Task& task, env::Env& env, Seat& seat) {
  run_client(task, env, seat, work);
}

}  // namespace flux::sim
