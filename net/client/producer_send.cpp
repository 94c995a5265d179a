// How batches travel: one task decides what leaves when; answers decide what comes back.

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "core/base/mark.h"
#include "net/client/backoff.h"
#include "net/client/errors.h"
#include "net/client/producer_state.h"

namespace flux::client {
namespace {

using kafka::ApiKey;
using kafka::WireError;

// The last version that names topics; later ones carry ids.
constexpr std::int16_t kProduceByName = 12;

}  // namespace

void Producer::send_loop(env::Task& task) {
  while (!closing_) {
    const Instant next = step();
    if (closing_) break;
    const Result<void> waited = work_.wait(task, next);
    if (!waited && waited.error() != ErrorCode::timed_out) break;
  }
  loop_running_ = false;
  ended_.notify_all();
}

// Sends what can be sent; returns when to look again though nothing happened.
Instant Producer::step() {
  Instant next = expire();
  if (config_.idempotent) {
    if (hole_) begin_new_epoch();
    if (hole_) return next;
    if (!id_valid_) {
      if (!outstanding_.empty()) want_id();
      return next;
    }
  }
  gather(next);
  return next;
}

Instant Producer::expire() {
  Instant next = Instant::max();
  const Instant now = client_.now();
  std::vector<BatchPtr> late;
  for (const auto& [at, partition] : partitions_) {
    for (const BatchPtr& batch : partition.queue) {
      if (now >= batch->expires) {
        late.push_back(batch);
      } else {
        next = std::min(next, batch->expires);
      }
    }
  }
  for (const BatchPtr& batch : late) {
    REACHED("client.batch_expired");
    end(batch, batch->maybe_appended ? Fate::unknown : Fate::refused,
        Error(ErrorCode::timed_out, "no result for " + batch->at.to_string() + " in time"));
  }
  return next;
}

// Whether the first batch in the queue may leave now; lowers `next` when it may later.
bool Producer::is_due(const Partition& partition, Instant& next) {
  if (partition.queue.empty()) return false;
  const Batch& batch = *partition.queue.front();
  const Instant now = client_.now();
  if (batch.sends > 0 || batch.retry_at > now) {
    // What comes back goes alone, so that nothing overtakes it a second time.
    if (!partition.in_flight.empty()) return false;
    if (batch.retry_at > now) {
      next = std::min(next, batch.retry_at);
      return false;
    }
    return true;
  }
  for (const BatchPtr& other : partition.in_flight) {
    if (other->sends > 1) return false;
  }
  if (!batch.open || batch.alone || batch.order < flush_below_ || partition.queue.size() > 1) {
    return true;
  }
  const Instant lingered = batch.created + config_.linger;
  if (now >= lingered) return true;
  next = std::min(next, lingered);
  return false;
}

void Producer::gather(Instant& next) {
  for (bool progress = true; progress;) {
    progress = false;
    std::map<env::Endpoint, std::vector<BatchPtr>> requests;
    std::map<env::Endpoint, std::size_t> sizes;
    for (auto& [at, partition] : partitions_) {
      if (!is_due(partition, next)) continue;
      const BrokerInfo* leader = client_.metadata().leader(at.topic, at.partition);
      if (leader == nullptr) {
        client_.want_refresh(at.topic);
        continue;
      }
      const env::Endpoint to = leader->at;
      // Two brokers at once could append in either order.
      if (!partition.in_flight.empty() && partition.in_flight_to != to) continue;
      const auto connection = client_.pool().poll(to);
      if (!connection) {
        next = std::min(next, client_.pool().retry_at(to));
        // A leader that cannot be reached may not be the leader any more.
        if (client_.pool().last_error(to)) client_.want_refresh(at.topic);
        continue;
      }
      if (in_flight_[to] >= config_.in_flight_max || !connection->has_room()) continue;
      std::vector<BatchPtr>& batches = requests[to];
      if (!batches.empty() && config_.partition_per_request) continue;
      const std::size_t size =
          partition.queue.front()->builder.plain_size() + partition.queue.front()->bytes.size();
      if (!batches.empty() && sizes[to] + size > config_.request_bytes_max) continue;
      sizes[to] += size;
      if (BatchPtr batch = take_next(partition)) {
        partition.in_flight_to = to;
        batches.push_back(std::move(batch));
      }
      progress = true;
    }
    for (auto& [to, batches] : requests) {
      if (batches.empty()) continue;
      const auto connection = client_.pool().live(to);
      CHECK(connection != nullptr);
      start(connection, std::move(batches));
    }
  }
}

// Moves the first batch from the queue to those in flight, ready for the wire; null when it turned
// out that it cannot be made.
Producer::BatchPtr Producer::take_next(Partition& partition) {
  const BatchPtr batch = partition.queue.front();
  if (batch->open) {
    batch->open = false;
    partitioner_.move_on(batch->at.topic, batch->at.partition);
    Result<Bytes> bytes = batch->builder.build();
    if (!bytes) {
      end(batch, Fate::refused, bytes.error());
      return nullptr;
    }
    batch->bytes = std::move(*bytes);
  }
  partition.queue.pop_front();
  partition.in_flight.push_back(batch);
  if (config_.idempotent && batch->sequence == kNoSequence) {
    batch->sequence = partition.next_sequence;
    batch->producer_id = id_;
    batch->producer_epoch = epoch_;
    partition.next_sequence = record::sequence_after(batch->sequence, batch->records);
    record::set_producer(batch->bytes, id_, epoch_, batch->sequence);
  }
  return batch;
}

void Producer::start(const std::shared_ptr<BrokerConnection>& connection,
                     std::vector<BatchPtr> batches) {
  const Instant now = client_.now();
  Instant deadline = now + client_.config().request_timeout;
  std::int16_t limit = INT16_MAX;
  kafka::ProduceRequest message;
  message.acks = static_cast<std::int16_t>(config_.acks);
  message.timeout_ms = static_cast<std::int32_t>(config_.ack_timeout.ms());
  for (const BatchPtr& batch : batches) {
    ++batch->sends;
    batch->connection = connection->id();
    deadline = std::min(deadline, batch->expires);
    const TopicInfo* topic = client_.metadata().topic(batch->at.topic);
    const Uuid id = topic == nullptr ? Uuid{} : topic->id;
    if (id.is_zero()) limit = kProduceByName;
    if (message.topics.empty() || message.topics.back().name != batch->at.topic) {
      auto& entry = message.topics.emplace_back();
      entry.name = batch->at.topic;
      entry.topic_id = id;
    }
    auto& entry = message.topics.back().partitions.emplace_back();
    entry.index = batch->at.partition;
    entry.records = wire::Records(ByteView(batch->bytes));
  }
  auto request = std::make_shared<Request>(Request{.to = connection->peer(),
                                                   .connection = connection,
                                                   .version = 0,
                                                   .batches = std::move(batches)});
  ++in_flight_[request->to];
  const auto version = connection->version_for(ApiKey::produce, limit);
  if (!version) {
    on_answer(*request, std::unexpected(CallFailure{
                            Error(ErrorCode::unsupported, "no common Produce version"), false}));
    return;
  }
  request->version = *version;
  connection->start(
      message, *version, deadline,
      [this, life = life_, request](CallResult<Bytes> answer) {
        if (*life) on_answer(*request, std::move(answer));
      },
      config_.acks != Acks::none);
}

// ---- answers

kafka::ProduceResponse Producer::read_answer(const Request& request, Bytes frame) {
  auto answer = BrokerConnection::decode<kafka::ProduceResponse>(std::move(frame), request.version);
  if (answer) return std::move(answer->body);
  const Error why = answer.error().in(request.to.to_string());
  if (const auto connection = request.connection.lock()) connection->close(why);
  return {};  // every batch of the request is then missing from it
}

void Producer::on_answer(const Request& request, CallResult<Bytes> answer) {
  CHECK_GE(in_flight_[request.to], 1u);
  if (--in_flight_[request.to] == 0) in_flight_.erase(request.to);
  if (!answer) {
    for (const BatchPtr& batch : request.batches) on_lost(batch, answer.error());
    return;
  }
  if (config_.acks == Acks::none) {
    for (const BatchPtr& batch : request.batches) end(batch, Fate::sent, std::nullopt);
    return;
  }
  const kafka::ProduceResponse body = read_answer(request, std::move(*answer));
  for (const BatchPtr& batch : request.batches) {
    const kafka::ProduceResponse::Partition* found = nullptr;
    batch->topic_id = {};
    const TopicInfo* known = client_.metadata().topic(batch->at.topic);
    for (const auto& topic : body.topics) {
      const bool same = request.version > kProduceByName
                            ? known != nullptr && topic.topic_id == known->id
                            : topic.name == batch->at.topic;
      if (!same) continue;
      for (const auto& partition : topic.partitions) {
        if (partition.index != batch->at.partition) continue;
        found = &partition;
        batch->topic_id = topic.topic_id;
      }
    }
    if (found != nullptr) {
      on_partition_answer(batch, *found);
    } else {
      on_lost(batch,
              CallFailure{Error(ErrorCode::corrupt, "an answer without " + batch->at.to_string()),
                          true});
    }
  }
}

bool Producer::is_first(const Partition& partition, const Batch& batch) const {
  const auto before = [&](const BatchPtr& other) { return other->order < batch.order; };
  return std::ranges::none_of(partition.in_flight, before) &&
         std::ranges::none_of(partition.queue, before);
}

void Producer::on_partition_answer(const BatchPtr& batch,
                                   const kafka::ProduceResponse::Partition& answer) {
  if (!outstanding_.contains(batch->order)) return;
  batch->wire = answer.error;
  const bool duplicate = config_.idempotent && answer.error == WireError::duplicate_sequence_number;
  if (answer.error == WireError::none || duplicate) {
    if (duplicate) REACHED("client.duplicate_sequence");
    if (!duplicate) batch->base_offset = answer.base_offset;
    batch->append_time = record::Timestamp(answer.log_append_time_ms);
    return end(batch, Fate::acknowledged, std::nullopt);
  }
  Error error = to_error(answer.error, batch->at.to_string());
  if (answer.error_message)
    error = Error(error.code(), error.detail() + ": " + *answer.error_message);
  if (!surely_not_appended(answer.error, config_.acks)) batch->maybe_appended = true;
  const kafka::WireReaction reaction = kafka::reaction_to(answer.error);
  if (reaction == kafka::WireReaction::refresh) client_.want_refresh(batch->at.topic);
  bool retriable = reaction != kafka::WireReaction::stop;
  const bool sequence_lost = answer.error == WireError::out_of_order_sequence_number ||
                             answer.error == WireError::unknown_producer_id ||
                             answer.error == WireError::invalid_producer_epoch;
  if (config_.idempotent && sequence_lost) {
    // Behind a batch that comes back it is only too early. As the first it shows that the broker
    // and we disagree: under a new epoch it may go again if no earlier try can have been appended.
    if (is_first(partitions_[batch->at], *batch)) {
      REACHED("client.sequence_lost");
      hole_ = true;
      retriable = !batch->maybe_appended;
    } else {
      retriable = true;
    }
  }
  retry_or_end(batch, error, answer.error, retriable);
}

void Producer::on_lost(const BatchPtr& batch, const CallFailure& failure) {
  if (!outstanding_.contains(batch->order)) return;
  if (failure.sent) {
    batch->maybe_appended = true;
  } else {
    --batch->sends;
  }
  client_.want_refresh(batch->at.topic);
  const bool gone =
      failure.error == ErrorCode::unsupported || failure.error == ErrorCode::cancelled;
  // Without acknowledgements a try that left is the only one.
  const bool retriable = !gone && !(failure.sent && config_.acks == Acks::none);
  retry_or_end(batch, failure.error, WireError::none, retriable);
}

void Producer::retry_or_end(const BatchPtr& batch, const Error& error, WireError wire,
                            bool retriable) {
  batch->wire = wire;
  const Instant now = client_.now();
  if (retriable && batch->sends <= config_.retries && now < batch->expires && !closing_) {
    const Key key =
        key_.with("retry").with(batch->order).with(static_cast<std::uint64_t>(batch->sends));
    batch->retry_at = now + backoff(client_.env().random, key, client_.config().retry_backoff_min,
                                    client_.config().retry_backoff_max,
                                    static_cast<std::uint32_t>(std::max(batch->sends, 1)));
    REACHED("client.produce_retry");
    requeue(batch);
    return;
  }
  end(batch, batch->maybe_appended ? Fate::unknown : Fate::refused, error);
}

void Producer::requeue(const BatchPtr& batch) {
  Partition& partition = partitions_[batch->at];
  std::erase(partition.in_flight, batch);
  const auto place = std::ranges::find_if(
      partition.queue, [&](const BatchPtr& other) { return other->order > batch->order; });
  partition.queue.insert(place, batch);
  work_.notify_all();
}

// ---- producer ids

void Producer::want_id() {
  if (std::exchange(fetching_id_, true)) return;
  client_.tasks().spawn("producer.id", [this, life = life_](env::Task& task) {
    if (*life) fetch_id(task);
  });
}

void Producer::fetch_id(env::Task& task) {
  const std::shared_ptr<bool> life = life_;
  for (std::uint32_t failures = 1;; ++failures) {
    const Result<void> got = try_fetch_id(task);
    if (!*life) return;
    if (got || outstanding_.empty()) break;
    ++id_tries_;
    if (!client_.pause(task, key_.with("id").with(id_tries_), failures, Instant::max(),
                       got.error())) {
      break;
    }
    if (!*life) return;
  }
  fetching_id_ = false;
  work_.notify_all();
}

Result<void> Producer::try_fetch_id(env::Task& task) {
  const std::shared_ptr<bool> life = life_;
  auto connection = TRY(client_.any_broker(task));
  if (!*life) return fail(ErrorCode::cancelled);
  kafka::InitProducerIdRequest request;
  request.transaction_timeout_ms = -1;
  const auto version = connection->version_for(ApiKey::init_producer_id);
  if (version && *version >= 3) {
    request.producer_id = id_;
    request.producer_epoch = epoch_;
  }
  auto answer = connection->call(task, request, client_.config().request_timeout);
  if (!*life) return fail(ErrorCode::cancelled);
  if (!answer) return std::unexpected(answer.error().error);
  if (answer->body.error != WireError::none) {
    id_ = kNoProducerId;  // whatever was wrong with the old one: ask for a fresh one
    epoch_ = kNoProducerEpoch;
    return std::unexpected(to_error(answer->body.error, "a producer id"));
  }
  id_ = answer->body.producer_id;
  epoch_ = answer->body.producer_epoch;
  id_valid_ = true;
  return {};
}

// After a hole in a sequence nothing behind it can be appended. Waits until nothing is in flight;
// then what may be in the log already must not be sent under another sequence.
void Producer::begin_new_epoch() {
  for (const auto& [at, partition] : partitions_) {
    if (!partition.in_flight.empty()) return;
  }
  REACHED("client.new_epoch");
  std::vector<BatchPtr> doubtful;
  for (auto& [at, partition] : partitions_) {
    partition.next_sequence = Sequence(0);
    for (const BatchPtr& batch : partition.queue) {
      if (batch->maybe_appended) doubtful.push_back(batch);
      if (!batch->maybe_appended) batch->sequence = kNoSequence;
    }
  }
  for (const BatchPtr& batch : doubtful) {
    end(batch, Fate::unknown,
        Error(ErrorCode::out_of_order_sequence,
              batch->at.to_string() + ": an earlier batch was lost"));
  }
  hole_ = false;
  // Under the same id, so that what of the old epoch is still on its way is refused once the new
  // one was seen: a fresh id would let it in, behind what was sent after it (KIP-360).
  if (id_valid_ && epoch_ < ProducerEpoch(INT16_MAX)) {
    epoch_ = ProducerEpoch(static_cast<std::int16_t>(epoch_.value() + 1));
  } else {
    id_valid_ = false;
  }
}

}  // namespace flux::client
