// Client: one program's view of a cluster: its connections and what it knows of topics and leaders.
// Producer, Consumer and Admin each stand on one.
//
//   client::Client client(env, {.bootstrap = {endpoint}});
//   client::Producer producer(client, {});
//   RecordResult result = producer.produce(task, {.topic = "t", .value = to_bytes(as_bytes("v"))});
//   producer.close(task);
//   client.close(task);
//
// Owned by the program; must be closed, which waits for its tasks, before it is destroyed. One task
// may wait in it while another calls it. A consumer's long fetches hold up what stands behind them
// on the same connection, so a program that both reads and writes has two Clients.
//
// It never asks whether the world is simulated, and all chance comes from env.random under keys
// that carry the client's id.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/client/metadata_cache.h"
#include "net/client/pool.h"

namespace flux::client {

class Client {
 public:
  Client(const env::Env& env, ClientConfig config);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Every connection goes down, what waits fails with `closed`, and all tasks have ended.
  void close(env::Task& task);
  bool closed() const { return closed_; }

  env::Env& env() { return env_; }
  const ClientConfig& config() const { return config_; }
  ConnectionPool& pool() { return pool_; }
  const MetadataCache& metadata() const { return metadata_; }
  sync::TaskGroup& tasks() { return tasks_; }
  Instant now() { return env_.clock.now(); }

  // One try each: the request to this address, or to whichever broker can be reached. The second
  // form fails with the reasons of all addresses.
  template <class Request>
  CallResult<AnswerOf<Request>> call(env::Task& task, const env::Endpoint& to,
                                     const Request& request, std::int16_t limit = INT16_MAX);
  Result<std::shared_ptr<BrokerConnection>> any_broker(env::Task& task);
  // The controller if it is known, else any broker.
  Result<std::shared_ptr<BrokerConnection>> controller(env::Task& task);

  // Asks a broker about these topics (all of them when empty and `all`) and remembers.
  Result<void> refresh(env::Task& task, const std::vector<std::string>& topics, bool all = false);
  // Has a refresh of this topic done in the background, not before the retry backoff after the last
  // one is over. Watchers hear when it ended.
  void want_refresh(const std::string& topic);

  // `watcher` is notified whenever a connection came or went or metadata may have changed.
  void watch(sync::Condition& watcher) { watchers_.push_back(&watcher); }
  void unwatch(sync::Condition& watcher) { std::erase(watchers_, &watcher); }

  // The topic, fetched if it is not known. unknown_topic_or_partition when it does not exist. The
  // pointer is good until the task waits again.
  Result<const TopicInfo*> topic(env::Task& task, const std::string& name);

  // Waits before try number `failures` + 1 of what `key` names; fails when the task's deadline or
  // `until` comes first, with `why`.
  Result<void> pause(env::Task& task, Key key, std::uint32_t failures, Instant until,
                     const Error& why);

 private:
  std::vector<env::Endpoint> known_addresses();
  void run_refresh(env::Task& task);
  void tell();
  void prune_pool();

  env::Env env_;
  ClientConfig config_;
  Key key_;
  sync::TaskGroup tasks_;
  ConnectionPool pool_;
  MetadataCache metadata_;
  std::vector<sync::Condition*> watchers_;
  std::vector<std::string> wanted_;  // topics to refresh, sorted
  bool refreshing_ = false;
  Instant refresh_not_before_;
  std::uint64_t refreshes_ = 0;
  std::uint64_t picks_ = 0;
  std::uint64_t pauses_ = 0;
  bool closed_ = false;
};

template <class Request>
CallResult<AnswerOf<Request>> Client::call(env::Task& task, const env::Endpoint& to,
                                           const Request& request, std::int16_t limit) {
  auto connection = pool_.get(task, to);
  if (!connection) return std::unexpected(CallFailure{connection.error(), false});
  return (*connection)->call(task, request, config_.request_timeout, limit);
}

}  // namespace flux::client
