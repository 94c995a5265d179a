// Session: what the workloads over the client library share: connecting, topics, and turning the
// library's answers into operations of the History.
//
// Lives in the client's process for one incarnation, on the stack of its main task.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "net/client/admin.h"
#include "net/client/client.h"
#include "sim/workload/habits.h"
#include "sim/workload/workload.h"

namespace flux::sim {

class Session {
 public:
  Session(env::Env& env, Seat& seat) : env_(env), seat_(seat) {}

  env::Env& env() { return env_; }
  Seat& seat() { return seat_; }
  History& history() { return seat_.history(); }
  const WorkloadSpec& spec() const { return seat_.spec(); }
  bool safety() const { return seat_.phase() == RunPhase::safety; }

  // The topics that this workload is about.
  std::vector<ClusterFacts::Topic> topics() const;
  // Makes those that are not there, however long it takes. False when the task must end.
  bool make_topics(env::Task& task, client::Client& client);

  OperationId invoke(const Operation& operation) {
    return history().invoke(seat_.process(), operation);
  }
  void complete(OperationId id, const std::function<void(Operation&)>& fill) {
    history().complete(seat_.process(), id, fill);
  }
  // create_topic or delete_topic, as one operation; true when it is done or was done before.
  bool change_topic(env::Task& task, client::Client& client, OperationKind kind,
                    const client::NewTopic& topic);

  // Between two operations, drawn by `step`; false when the task must end.
  bool pause(env::Task& task, std::uint64_t step);

 private:
  env::Env& env_;
  Seat& seat_;
};

// The whole of a workload that works through one client of the library.
using ClientWork = std::function<void(env::Task&, Session&, client::Client&)>;
void run_client(env::Task& task, env::Env& env, Seat& seat, const ClientWork& work);

// An error of the library as an outcome: what is surely not done is refused.
Outcome outcome_of(const client::Admin::Done& done);

}  // namespace flux::sim
