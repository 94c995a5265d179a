#include "net/client/consumer.h"

#include <algorithm>
#include <utility>

#include "core/base/mark.h"
#include "net/client/backoff.h"
#include "net/client/errors.h"

namespace flux::client {
namespace {

using kafka::ApiKey;
using kafka::WireError;

constexpr Key kConsumer = key("client.consumer");
// The last version that names topics; later ones carry ids.
constexpr std::int16_t kFetchByName = 12;
constexpr std::int16_t kFetchSessionsFrom = 7;
constexpr std::int64_t kLatest = -1;

}  // namespace

Consumer::Consumer(Client& client, const ConsumerConfig& config)
    : client_(client), config_(config), key_(kConsumer.with(client.config().client_id)) {
  client_.watch(changed_);
}

Consumer::~Consumer() {
  *life_ = false;
  client_.unwatch(changed_);
}

void Consumer::assign(const TopicPartition& at, const StartAt& start) {
  Partition partition{.start = start, .position = std::nullopt, .not_before = Instant()};
  if (!start.to_be_looked_up()) partition.position = Offset(start.value());
  partition.generation = ++generations_;
  partitions_.insert_or_assign(at, partition);
  std::erase_if(news_, [&](const PartitionNews& news) { return news.at == at; });
  changed_.notify_all();
}

void Consumer::unassign(const TopicPartition& at) {
  partitions_.erase(at);
  std::erase_if(news_, [&](const PartitionNews& news) { return news.at == at; });
}

std::vector<TopicPartition> Consumer::assignment() const {
  std::vector<TopicPartition> out;
  for (const auto& [at, partition] : partitions_) out.push_back(at);
  return out;
}

std::optional<Offset> Consumer::position(const TopicPartition& at) const {
  const auto found = partitions_.find(at);
  return found == partitions_.end() ? std::nullopt : found->second.position;
}

Offset Consumer::high_watermark(const TopicPartition& at) const {
  const auto found = partitions_.find(at);
  return found == partitions_.end() ? Offset(-1) : found->second.high_watermark;
}

Result<std::vector<PartitionNews>> Consumer::poll(env::Task& task, Duration wait_max) {
  const Instant until = client_.now() + wait_max;
  for (;;) {
    if (client_.closed()) return fail(ErrorCode::closed, "the client was closed");
    if (!news_.empty()) {
      for (const PartitionNews& news : news_) {
        const auto found = partitions_.find(news.at);
        if (found != partitions_.end()) found->second.busy = false;
      }
      return std::exchange(news_, {});
    }
    const Instant next = std::min(issue(), until);
    if (!news_.empty()) continue;
    const Result<void> waited = changed_.wait(task, next);
    if (waited || waited.error() != ErrorCode::timed_out) {
      TRY(waited);
      continue;
    }
    if (!news_.empty()) continue;
    if (client_.now() >= until) return std::vector<PartitionNews>();
    if (task.deadline() <= next) return fail(ErrorCode::timed_out);
  }
}

// Asks every broker that leads something to read and is not being asked already; returns when to
// look again though nothing happened.
Instant Consumer::issue() {
  Instant next = Instant::max();
  const Instant now = client_.now();
  std::map<NodeId, std::vector<Asked>> fetches;
  std::map<NodeId, std::vector<Asked>> look_ups;
  for (auto& [at, partition] : partitions_) {
    if (partition.busy) continue;
    if (partition.not_before > now) {
      next = std::min(next, partition.not_before);
      continue;
    }
    const BrokerInfo* leader = client_.metadata().leader(at.topic, at.partition);
    if (leader == nullptr) {
      client_.want_refresh(at.topic);
      continue;
    }
    if (asking_.contains(leader->at)) continue;
    if (!client_.pool().poll(leader->at)) {
      next = std::min(next, client_.pool().retry_at(leader->at));
      if (client_.pool().last_error(leader->at)) client_.want_refresh(at.topic);
      continue;
    }
    const Asked asked{.at = at,
                      .generation = partition.generation,
                      .position = partition.position.value_or(Offset(partition.start.value()))};
    (partition.position ? fetches : look_ups)[leader->id].push_back(asked);
  }
  for (const auto& [node, asked] : look_ups) look_up(*client_.metadata().broker(node), asked);
  for (const auto& [node, asked] : fetches) {
    const BrokerInfo& broker = *client_.metadata().broker(node);
    // What was looked up first is read next time.
    if (!asking_.contains(broker.at)) fetch(broker, asked);
  }
  return next;
}

Consumer::RequestPtr Consumer::begin(const BrokerInfo& to, ApiKey api,
                                     const std::vector<Asked>& asked, std::int16_t limit) {
  const std::shared_ptr<BrokerConnection> connection = client_.pool().live(to.at);
  if (!connection || !connection->has_room()) return nullptr;
  auto request = std::make_shared<Request>(
      Request{.to = to.at, .node = to.id, .connection = connection, .version = 0, .asked = asked});
  for (const Asked& one : asked) partitions_.at(one.at).busy = true;
  asking_.insert(to.at);
  const auto version = connection->version_for(api, limit);
  if (!version) {
    on_failure(*request, Error(ErrorCode::unsupported,
                               to.at.to_string() + " speaks no version that this client does"));
    return nullptr;
  }
  request->version = *version;
  return request;
}

void Consumer::fetch(const BrokerInfo& from, const std::vector<Asked>& asked) {
  kafka::FetchRequest message;
  message.max_wait_ms = static_cast<std::int32_t>(config_.fetch_wait_max.ms());
  message.min_bytes = config_.fetch_bytes_min;
  message.max_bytes = config_.fetch_bytes_max;
  message.isolation_level = static_cast<std::int8_t>(config_.isolation);
  std::int16_t limit = INT16_MAX;
  for (const Asked& one : asked) {
    const TopicInfo* topic = client_.metadata().topic(one.at.topic);
    const PartitionInfo* info = client_.metadata().partition(one.at.topic, one.at.partition);
    if (topic == nullptr || topic->id.is_zero()) limit = kFetchByName;
    if (message.topics.empty() || message.topics.back().name != one.at.topic) {
      auto& entry = message.topics.emplace_back();
      entry.name = one.at.topic;
      if (topic != nullptr) entry.topic_id = topic->id;
    }
    auto& entry = message.topics.back().partitions.emplace_back();
    entry.index = one.at.partition;
    entry.fetch_offset = one.position;
    entry.partition_max_bytes = config_.partition_bytes_max;
    if (info != nullptr) entry.current_leader_epoch = info->leader_epoch;
  }
  const RequestPtr request = begin(from, ApiKey::fetch, asked, limit);
  if (!request) return;
  if (config_.sessions && request->version >= kFetchSessionsFrom) {
    sessions_[from.at].shape(message, request->version > kFetchByName);
  }
  const Instant deadline =
      client_.now() + client_.config().request_timeout + config_.fetch_wait_max;
  request->connection.lock()->start(message, request->version, deadline,
                                    [this, life = life_, request](CallResult<Bytes> answer) {
                                      if (*life) on_fetched(*request, std::move(answer));
                                    });
}

void Consumer::look_up(const BrokerInfo& from, const std::vector<Asked>& asked) {
  kafka::ListOffsetsRequest message;
  message.isolation_level = static_cast<std::int8_t>(config_.isolation);
  for (const Asked& one : asked) {
    if (message.topics.empty() || message.topics.back().name != one.at.topic) {
      message.topics.emplace_back().name = one.at.topic;
    }
    auto& entry = message.topics.back().partitions.emplace_back();
    entry.index = one.at.partition;
    entry.timestamp = one.position.value();
  }
  const RequestPtr request = begin(from, ApiKey::list_offsets, asked, INT16_MAX);
  if (!request) return;
  if (request->version < 2) message.isolation_level = 0;
  const Instant deadline = client_.now() + client_.config().request_timeout;
  request->connection.lock()->start(message, request->version, deadline,
                                    [this, life = life_, request](CallResult<Bytes> answer) {
                                      if (*life) on_looked_up(*request, std::move(answer));
                                    });
}

// ---- answers

void Consumer::on_fetched(const Request& request, CallResult<Bytes> frame) {
  asking_.erase(request.to);
  if (!frame) return on_failure(request, frame.error().error);
  auto answer = BrokerConnection::decode<kafka::FetchResponse>(std::move(*frame), request.version);
  if (!answer) {
    const Error why = answer.error().in(request.to.to_string());
    on_failure(request, why);
    if (const auto connection = request.connection.lock()) connection->close(why);
    return;
  }
  const auto session = sessions_.find(request.to);
  if (session != sessions_.end() && session->second.answered(answer->body)) {
    return ask_again(request);
  }
  if (answer->body.error != WireError::none) {
    return on_failure(request, to_error(answer->body.error, "fetch"));
  }
  for (const Asked& asked : request.asked) {
    const TopicInfo* known = client_.metadata().topic(asked.at.topic);
    const kafka::FetchResponse::Partition* found = nullptr;
    Uuid topic_id;
    for (const auto& topic : answer->body.topics) {
      const bool same = request.version > kFetchByName
                            ? known != nullptr && topic.topic_id == known->id
                            : topic.name == asked.at.topic;
      if (!same) continue;
      for (const auto& partition : topic.partitions) {
        if (partition.index != asked.at.partition) continue;
        found = &partition;
        topic_id = topic.topic_id;
      }
    }
    if (found != nullptr) {
      take_partition(request, asked, topic_id, *found);
    } else if (Partition* partition = still(asked)) {
      partition->busy = false;  // nothing to say about it
    }
  }
  changed_.notify_all();
}

void Consumer::take_partition(const Request& request, const Asked& asked, const Uuid& topic_id,
                              const kafka::FetchResponse::Partition& answer) {
  Partition* partition = still(asked);
  if (partition == nullptr) return;
  if (answer.error != WireError::none) {
    const bool out_of_range = answer.error == WireError::offset_out_of_range;
    if (out_of_range && config_.reset != OffsetReset::none) {
      REACHED("client.offset_reset");
      partition->start =
          config_.reset == OffsetReset::earliest ? StartAt::beginning() : StartAt::end();
      partition->position.reset();
    }
    const kafka::WireReaction reaction = kafka::reaction_to(answer.error);
    return on_error(request, asked, to_error(answer.error, asked.at.to_string()), answer.error,
                    reaction == kafka::WireReaction::refresh,
                    reaction != kafka::WireReaction::stop ||
                        (out_of_range && config_.reset != OffsetReset::none));
  }
  partition->failures = 0;
  partition->high_watermark = answer.high_watermark;
  const bool committed = config_.isolation == Isolation::read_committed;
  FetchedRecords read = read_batches(
      answer.records.bytes(), asked.position, config_,
      committed && answer.aborted_transactions ? &*answer.aborted_transactions : nullptr);
  partition->position = read.next;
  if (read.error) partition->not_before = client_.now() + client_.config().retry_backoff_max;
  PartitionNews news{.at = asked.at,
                     .asked = asked.position,
                     .records = std::move(read.records),
                     .next = read.next,
                     .error = std::move(read.error),
                     .wire = WireError::none,
                     .retrying = false,
                     .high_watermark = answer.high_watermark,
                     .last_stable = answer.last_stable_offset,
                     .log_start = answer.log_start_offset,
                     .answered_by = request.node,
                     .topic_id = topic_id};
  deliver(std::move(news));
}

void Consumer::on_looked_up(const Request& request, CallResult<Bytes> frame) {
  asking_.erase(request.to);
  if (!frame) return on_failure(request, frame.error().error);
  auto answer =
      BrokerConnection::decode<kafka::ListOffsetsResponse>(std::move(*frame), request.version);
  if (!answer) {
    const Error why = answer.error().in(request.to.to_string());
    on_failure(request, why);
    if (const auto connection = request.connection.lock()) connection->close(why);
    return;
  }
  for (const Asked& asked : request.asked) {
    for (const auto& topic : answer->body.topics) {
      if (topic.name != asked.at.topic) continue;
      for (const auto& partition : topic.partitions) {
        if (partition.index == asked.at.partition) take_offset(request, asked, partition);
      }
    }
    Partition* partition = still(asked);
    if (partition != nullptr && !partition->position && partition->failures == 0) {
      partition->busy = false;
    }
  }
  changed_.notify_all();
}

void Consumer::take_offset(const Request& request, const Asked& asked,
                           const kafka::ListOffsetsResponse::Partition& answer) {
  Partition* partition = still(asked);
  if (partition == nullptr) return;
  if (answer.error != WireError::none) {
    const kafka::WireReaction reaction = kafka::reaction_to(answer.error);
    return on_error(request, asked, to_error(answer.error, asked.at.to_string()), answer.error,
                    reaction == kafka::WireReaction::refresh,
                    reaction != kafka::WireReaction::stop);
  }
  if (answer.offset.value() < 0 && asked.position.value() == kLatest) {
    return on_error(request, asked,
                    Error(ErrorCode::corrupt, asked.at.to_string() + " has an end below 0"),
                    WireError::none, false, true);
  }
  partition->failures = 0;
  partition->busy = false;
  if (answer.offset.value() < 0) {
    partition->start = StartAt::end();  // no record is that young
    return;
  }
  partition->position = answer.offset;
}

void Consumer::on_failure(const Request& request, const Error& error) {
  asking_.erase(request.to);
  const bool retriable = error != ErrorCode::unsupported;
  for (const Asked& asked : request.asked) {
    on_error(request, asked, error, WireError::none, true, retriable);
  }
  changed_.notify_all();
}

void Consumer::ask_again(const Request& request) {
  for (const Asked& asked : request.asked) {
    if (Partition* partition = still(asked)) partition->busy = false;
  }
  changed_.notify_all();
}

void Consumer::on_error(const Request& request, const Asked& asked, const Error& error,
                        WireError wire, bool refresh, bool retriable) {
  Partition* partition = still(asked);
  if (partition == nullptr) return;
  if (refresh) client_.want_refresh(asked.at.topic);
  ++partition->failures;
  const Key key = key_.with(asked.at.to_string()).with(++retries_);
  partition->not_before =
      client_.now() + backoff(client_.env().random, key, client_.config().retry_backoff_min,
                              client_.config().retry_backoff_max, partition->failures);
  PartitionNews news{.at = asked.at,
                     .asked = asked.position,
                     .records = {},
                     .next = partition->position.value_or(Offset(-1)),
                     .error = error,
                     .wire = wire,
                     .retrying = retriable,
                     .high_watermark = Offset(-1),
                     .last_stable = Offset(-1),
                     .log_start = Offset(-1),
                     .answered_by = request.node,
                     .topic_id = {}};
  deliver(std::move(news));
}

Consumer::Partition* Consumer::still(const Asked& asked) {
  const auto found = partitions_.find(asked.at);
  if (found == partitions_.end() || found->second.generation != asked.generation) return nullptr;
  return &found->second;
}

void Consumer::deliver(PartitionNews news) {
  news_.push_back(std::move(news));
  changed_.notify_all();
}

}  // namespace flux::client
