#include "sim/workload/topic_admin.h"

#include <fmt/format.h>

#include "core/base/mark.h"
#include "sim/workload/session.h"

namespace flux::sim {
namespace {

constexpr Key kAdmin = key("client.topic_admin");
constexpr std::uint64_t kChoices = 5;
constexpr std::uint64_t kTopicsMax = 4;  // names that one client uses over and over

void describe(env::Task& task, Session& session, client::Client& client, const std::string& name) {
  Operation op;
  op.kind = OperationKind::describe;
  op.topic = name;
  const OperationId id = session.invoke(op);
  client::Admin admin(client);
  const auto described = admin.describe_topic(task, name);
  session.complete(id, [&](Operation& filled) {
    filled.outcome = described ? Outcome::ok : Outcome::unknown;
    if (described) filled.topic_id = described->id;
    if (described) return;
    filled.error = described.error().code();
    const bool absent = described.error() == ErrorCode::unknown_topic_or_partition;
    if (absent) filled.outcome = Outcome::refused;
  });
}

// What is asked of a cluster about itself; the answer is no operation on a topic.
void describe_cluster(env::Task& task, client::Client& client) {
  client::Admin admin(client);
  if (admin.describe_cluster(task)) REACHED("client.described_cluster");
}

void work(env::Task& task, Session& session, client::Client& client) {
  env::Random& random = session.env().random;
  const std::uint32_t limit = session.spec().operations_max;
  for (std::uint64_t step = 0; session.safety(); ++step) {
    if (limit != 0 && step >= limit) return;
    const std::string name = fmt::format("made-by-{}-{}", session.seat().process().name(),
                                         random.draw(kAdmin.with("which").with(step), kTopicsMax));
    switch (random.draw(kAdmin.with("what").with(step), kChoices)) {
      case 0:
      case 1: {
        const auto partitions = 1 + random.draw(kAdmin.with("partitions").with(step), 3);
        const client::NewTopic topic{.name = name,
                                     .partitions = static_cast<std::int32_t>(partitions),
                                     .replication = -1,
                                     .config = {}};
        session.change_topic(task, client, OperationKind::create_topic, topic);
        break;
      }
      case 2:
        session.change_topic(task, client, OperationKind::delete_topic, {.name = name});
        break;
      case 3:
        describe(task, session, client, name);
        break;
      default:
        describe_cluster(task, client);
        break;
    }
    if (task.cancelled() || !session.pause(task, step)) return;
  }
}

}  // namespace

void TopicAdmin::run(env::Task& task, env::Env& env, Seat& seat) {
  run_client(task, env, seat, work);
}

}  // namespace flux::sim
