// What requests about partitions share: they list topics, each with a list of partitions, and are
// answered in the same shape and order.
#pragma once

#include "core/broker/fault.h"
#include "net/server/context.h"
#include "net/server/pace.h"

namespace flux::server {

// Among the partitions of a topic that may not be there (null).
inline broker::Outcome<std::shared_ptr<broker::Partition>> find_partition(
    const Context& context, const controller::TopicState* topic, PartitionIndex index,
    LeaderEpoch current_leader_epoch = kNoLeaderEpoch) {
  if (topic == nullptr) return broker::fault(broker::FaultKind::unknown_topic_or_partition);
  return context.broker.partition(*topic, index, current_leader_epoch);
}

// `list` is the member of the request's topics that lists partitions. `answer` is called for each
// of them, with the request's topic and what the cluster knows of it, null when it is not there.
template <class Response, class Topic, class List, class Answer>
Response answer_each_partition(env::Task& task, const Context& context,
                               const std::vector<Topic>& topics, List Topic::* list,
                               const Answer& answer) {
  Response response;
  Steps steps(task);
  for (const Topic& topic : topics) {
    const auto state = context.broker.image()->topic(topic.name);
    auto& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const auto& wanted : topic.*list) {
      out.partitions.push_back(answer(topic, state.get(), wanted));
      steps.step();
    }
  }
  return response;
}

}  // namespace flux::server
