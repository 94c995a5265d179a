// What requests that change the cluster's metadata share: the controller decides on all that one
// asks for at once, in a task that may outlast the request.
#pragma once

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "core/broker/patience.h"
#include "core/controller/decisions.h"
#include "net/server/context.h"
#include "net/server/pace.h"

namespace flux::server {

// The client's patience, which cannot be longer than the broker's.
inline Instant deadline_of(const Context& context, std::int32_t timeout_ms) {
  return std::min(context.broker.patience_end(),
                  context.env.clock.now() + milliseconds(std::max(0, timeout_ms)));
}

inline constexpr const char* kControllerLate = "The controller did not answer in time.";

// `decide(worker, controller)` must own what it touches. Errors: as of broker::patiently().
template <class T, class Decide>
Result<T> ask_controller(env::Task& task, const Context& context, std::string_view name,
                         Instant until, Decide decide) {
  broker::Broker& broker = context.broker;
  return broker::patiently<T>(
      task, broker.patient_work(), name, until,
      [&broker, decide = std::move(decide)](env::Task& worker) {
        return decide(worker, broker.controller());
      },
      env::StackSize::large);
}

// Of the topics of a request, in their order, each with what was decided about it. Those that are
// named once go to `carry_out`, which takes their pointers and gives a Result of one Decision<T>
// for each; one that is named again is refused, once.
template <class T, class Topic, class CarryOut>
std::vector<std::pair<const Topic*, controller::Decision<T>>> decide_on_topics(
    env::Task& task, const std::vector<Topic>& topics, const CarryOut& carry_out) {
  Steps steps(task);
  std::map<std::string_view, int> times;
  for (const Topic& topic : topics) {
    steps.step();
    ++times[topic.name];
  }
  std::vector<const Topic*> once;
  for (const Topic& topic : topics) {
    steps.step();
    if (times[topic.name] == 1) once.push_back(&topic);
  }
  auto decided = carry_out(once);
  std::vector<std::pair<const Topic*, controller::Decision<T>>> out;
  std::size_t next = 0;
  for (const Topic& topic : topics) {
    steps.step();
    int& named = times[topic.name];
    if (named > 1) {
      const controller::Refusal twice{controller::RefusalKind::invalid_request,
                                      "Duplicate topic name."};
      out.emplace_back(&topic, std::unexpected(twice));
      named = 0;  // answered once
    } else if (named == 1 && decided) {
      out.emplace_back(&topic, std::move((*decided)[next++]));
    } else if (named == 1) {
      const controller::Refusal late{controller::RefusalKind::timed_out, kControllerLate};
      out.emplace_back(&topic, std::unexpected(late));
    }
  }
  return out;
}

}  // namespace flux::server
