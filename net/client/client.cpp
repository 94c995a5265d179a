#include "net/client/client.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/base/check.h"
#include "core/base/mark.h"
#include "net/client/backoff.h"
#include "net/client/errors.h"

namespace flux::client {
namespace {

using kafka::WireError;

constexpr Key kClient = key("client");
constexpr std::size_t kWantedTopicsMax = 1000;

}  // namespace

Client::Client(const env::Env& env, ClientConfig config)
    : env_(env),
      config_(std::move(config)),
      key_(kClient.with(config_.client_id)),
      tasks_(env_.scheduler),
      pool_(env_, config_, tasks_, [this] { tell(); }) {}

void Client::close(env::Task& task) {
  closed_ = true;
  pool_.close(Error(ErrorCode::closed, "the client was closed"));
  tell();
  tasks_.cancel();
  const env::Shield shield(task);
  while (tasks_.running() != 0) {
    if (!tasks_.wait(task)) {
      // Only the task's own deadline can end this wait; what was cancelled still ends by itself.
      env_.scheduler.yield(task);
    }
  }
}

std::vector<env::Endpoint> Client::known_addresses() {
  std::vector<env::Endpoint> out;
  for (const auto& [id, broker] : metadata_.brokers()) out.push_back(broker.at);
  // Start anywhere, so that not every client asks the same broker.
  if (!out.empty()) {
    const std::uint64_t first = env_.random.draw(key_.with("pick").with(++picks_), out.size());
    std::ranges::rotate(out, out.begin() + static_cast<std::ptrdiff_t>(first));
  }
  for (const env::Endpoint& at : config_.bootstrap) {
    if (std::ranges::find(out, at) == out.end()) out.push_back(at);
  }
  return out;
}

Result<std::shared_ptr<BrokerConnection>> Client::any_broker(env::Task& task) {
  const std::vector<env::Endpoint> addresses = known_addresses();
  if (addresses.empty()) return fail(ErrorCode::invalid, "no bootstrap server was given");
  for (const env::Endpoint& at : addresses) {
    if (auto open = pool_.live(at)) return open;
  }
  std::optional<Error> first;
  std::string more;
  for (const env::Endpoint& at : addresses) {
    auto connection = pool_.get(task, at);
    if (connection) return connection;
    if (connection.error() == ErrorCode::cancelled) return connection;
    if (!first) {
      first = connection.error();
    } else {
      more += "; " + connection.error().detail();
    }
  }
  return std::unexpected(Error(first->code(), first->detail() + more));
}

Result<std::shared_ptr<BrokerConnection>> Client::controller(env::Task& task) {
  if (const BrokerInfo* known = metadata_.broker(metadata_.controller())) {
    const env::Endpoint at = known->at;
    auto connection = pool_.get(task, at);
    if (connection) return connection;
  }
  return any_broker(task);
}

Result<void> Client::refresh(env::Task& task, const std::vector<std::string>& topics, bool all) {
  auto connection = TRY(any_broker(task));
  kafka::MetadataRequest request;
  request.allow_auto_topic_creation = false;
  const auto version = connection->version_for(kafka::ApiKey::metadata);
  if (version && *version < 4) request.allow_auto_topic_creation = true;  // it cannot say no
  if (!all || (version && *version == 0)) {
    request.topics.emplace();
    for (const std::string& name : topics) {
      kafka::MetadataRequest::Topic topic;
      topic.name = name;
      request.topics->push_back(std::move(topic));
    }
  }
  auto answer = connection->call(task, request, config_.request_timeout);
  if (!answer) return std::unexpected(answer.error().error);
  if (answer->body.error != WireError::none) {
    return std::unexpected(to_error(answer->body.error, "metadata"));
  }
  metadata_.learn(answer->body, now());
  prune_pool();
  tell();
  return {};
}

void Client::tell() {
  for (sync::Condition* watcher : watchers_) watcher->notify_all();
}

void Client::prune_pool() {
  std::set<env::Endpoint> wanted(config_.bootstrap.begin(), config_.bootstrap.end());
  for (const auto& [id, broker] : metadata_.brokers()) wanted.insert(broker.at);
  pool_.keep_only(wanted);
}

void Client::want_refresh(const std::string& topic) {
  if (closed_) return;
  const auto at = std::ranges::lower_bound(wanted_, topic);
  if ((at == wanted_.end() || *at != topic) && wanted_.size() < kWantedTopicsMax) {
    wanted_.insert(at, topic);
  }
  if (refreshing_) return;
  refreshing_ = true;
  tasks_.spawn("client.metadata", [this](env::Task& task) { run_refresh(task); });
}

void Client::run_refresh(env::Task& task) {
  while (!wanted_.empty() && !closed_) {
    if (!env::sleep_until(task, refresh_not_before_)) break;
    const std::vector<std::string> topics = std::exchange(wanted_, {});
    const Result<void> done = refresh(task, topics);
    if (!done) REACHED("client.refresh_failed");
    const Key key = key_.with("refresh").with(++refreshes_);
    refresh_not_before_ =
        now() + backoff(env_.random, key, config_.retry_backoff_min, config_.retry_backoff_max, 1);
    tell();
  }
  refreshing_ = false;
}

Result<const TopicInfo*> Client::topic(env::Task& task, const std::string& name) {
  if (const TopicInfo* known = metadata_.topic(name)) {
    if (now() - known->learned > config_.metadata_age_max) want_refresh(name);
    if (known->error == WireError::none) return known;
  }
  TRY(refresh(task, {name}));
  const TopicInfo* info = metadata_.topic(name);
  if (info == nullptr) {
    return fail(ErrorCode::unknown_topic_or_partition, "no topic is named \"" + name + "\"");
  }
  if (info->error != WireError::none) return std::unexpected(to_error(info->error, name));
  return info;
}

Result<void> Client::pause(env::Task& task, Key key, std::uint32_t failures, Instant until,
                           const Error& why) {
  const Key wait = key_.with(key.value).with(++pauses_);
  const Instant at = now() + backoff(env_.random, wait, config_.retry_backoff_min,
                                     config_.retry_backoff_max, failures);
  if (at >= until) return std::unexpected(why);
  if (Result<void> slept = env::sleep_until(task, at); !slept) {
    return std::unexpected(slept.error() == ErrorCode::timed_out ? why : slept.error());
  }
  return {};
}

}  // namespace flux::client
