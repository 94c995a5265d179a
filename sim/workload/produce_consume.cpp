#include "sim/workload/produce_consume.h"

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "core/base/check.h"
#include "net/client/consumer.h"
#include "net/client/producer.h"
#include "sim/workload/hostile.h"
#include "sim/workload/session.h"
#include "sim/workload/values.h"

namespace flux::sim {
namespace {

using client::BatchResult;
using client::ConsumedRecord;
using client::Fate;
using client::PartitionNews;
using client::ProducerRecord;
using client::StartAt;
using kafka::WireError;

constexpr Key kNext = key("client.next");
constexpr Key kBatch = key("client.batch");
constexpr Key kPlace = key("client.place");
constexpr Key kProof = key("client.proof");
constexpr Key kLookUp = key("client.look_up");
constexpr Key kDelete = key("client.delete_records");
constexpr std::int64_t kLatest = -1;
constexpr Span kLookBackMs = {-200, 8000};
constexpr Duration kPollMax = milliseconds(20);
constexpr Duration kProofPause = milliseconds(50);
// How long what was acknowledged may stay unreadable before another write is tried: beyond the time
// after which a broker tries a failed commit again.
constexpr Duration kProofPatience = seconds(3);
// After that long a reader that comes on, but slowly, may leave out what lies between; one that has
// come nowhere for so long is stuck.
constexpr Duration kReaderPatience = seconds(10);
constexpr Duration kReaderStuck = seconds(2);

Weights usual_operations() {
  return {{"describe", 1}, {"fetch", 40},   {"list_offsets", 2},
          {"omit", 5},     {"produce", 60}, {"seek", 1}};
}

class Writer {
 public:
  Writer(Session& session, client::Client& client, const Habits& habits)
      : session_(session), habits_(habits), client_(client), producer_(client, habits.producer) {}

  // One batch to one partition. False when the task must end.
  bool produce(env::Task& task, const ClusterFacts::Topic& topic, std::uint64_t step) {
    if (!wait_below(task, habits_.outstanding_max)) return false;
    const Key key = kBatch.with(step);
    return send(task, {topic.name, choose_partition(topic, key)}, key);
  }

  // A healed core takes writes again, and what it took becomes readable: one batch to the
  // partition, sent anew until that is so. False when the task must end.
  bool prove_alive(env::Task& task, const TopicPartition& to) {
    session_.seat().waits_for("a write to " + to.to_string());
    for (;;) {
      last_ = {};
      if (!send(task, to, kProof.with(proofs_++)) || !wait_below(task, 1)) return false;
      if (last_.fate == Fate::sent) return true;
      if (last_.fate == Fate::acknowledged && is_readable(task, to, last_.base_offset)) return true;
      if (!pause(task, kProofPause)) return false;
    }
  }

  // Where the record of that proof lies; nothing when its client did not ask.
  std::optional<Offset> proven() const {
    if (last_.fate != Fate::acknowledged) return std::nullopt;
    return last_.base_offset;
  }

  // Everything that was handed in gets its result.
  void finish(env::Task& task) { producer_.close(task); }

 private:
  bool pause(env::Task& task, Duration time) {
    return env::sleep_until(task, session_.env().clock.now() + time).has_value();
  }

  // acks=1 is answered before the high watermark is there.
  bool is_readable(env::Task& task, const TopicPartition& at, Offset offset) {
    const Instant until = session_.env().clock.now() + kProofPatience;
    client::Admin admin(client_);
    while (session_.env().clock.now() < until) {
      const auto listed = admin.list_offsets(task, {at}, kLatest);
      if (listed && !listed->at(at).error && listed->at(at).offset > offset) return true;
      if (!pause(task, kProofPause)) return false;
    }
    return false;
  }

  bool wait_below(env::Task& task, std::size_t outstanding) {
    while (producer_.outstanding_batches() >= outstanding) {
      if (!pause(task, milliseconds(5))) return false;
    }
    return true;
  }

  bool send(env::Task& task, const TopicPartition& to, Key key) {
    env::Random& random = session_.env().random;
    const WorkloadSpec& spec = session_.spec();
    Operation op;
    op.kind = OperationKind::produce;
    op.topic = to.topic;
    op.partition = to.partition;
    op.acks = history_acks(habits_.producer.acks);
    op.producer = producer_.producer_id();
    // Until the batch is on its way nobody knows on which connection: for now it has its own.
    op.connection = (std::uint64_t{1} << 63) |
                    (std::uint64_t{session_.seat().process().index()} << 40) | ++operations_;
    std::vector<ProducerRecord> records;
    const std::int64_t count = draw_span(random, key.with("records"), spec.records_per_batch);
    for (std::int64_t i = 0; i < count; ++i) {
      records.push_back(make_record(to, key.with(static_cast<std::uint64_t>(i)), op));
    }
    const OperationId id = session_.invoke(op);
    const Result<void> taken = producer_.send_batch(
        task, to, records, [this, id](const BatchResult& result) { ended(id, result); });
    if (!taken) {
      BatchResult refused{.fate = Fate::refused, .at = to, .error = taken.error()};
      ended(id, refused);
      return taken.error() != ErrorCode::cancelled;
    }
    return true;
  }

  PartitionIndex choose_partition(const ClusterFacts::Topic& topic, Key key) {
    env::Random& random = session_.env().random;
    const auto partitions = static_cast<std::uint64_t>(topic.partitions);
    return PartitionIndex(
        static_cast<std::int32_t>(random.draw(key.with("partition"), partitions)));
  }

  ProducerRecord make_record(const TopicPartition& to, Key key, Operation& op) {
    env::Random& random = session_.env().random;
    const WorkloadSpec& spec = session_.spec();
    const ValueId id = session_.history().next_value(session_.seat().process());
    ProducerRecord record{.topic = to.topic, .partition = to.partition};
    if (spec.keys > 0) {
      const bool hot = random.draw(key.with("hot"), 100) < spec.hot_key_percent;
      const std::uint64_t number = hot ? 0 : random.draw(key.with("key"), spec.keys);
      record.key = to_bytes(as_bytes("k" + std::to_string(number)));
    }
    const std::int64_t size = draw_span(random, key.with("size"), spec.value_bytes);
    record.value = value_bytes(id, static_cast<std::size_t>(size));
    RecordDigest digest(record.key, record.value);
    if (random.draw(key.with("header"), 4) == 0) {
      record.headers.push_back({.key = "step", .value = record.key});
      digest.add_header("step", record.key);
    }
    record.timestamp = record::Timestamp(session_.env().clock.wall_now().ms());
    if (const std::int64_t spread = spec.timestamp_spread.ms(); spread > 0) {
      const std::int64_t off = draw_span(random, key.with("time"), {-spread, spread});
      record.timestamp = record::Timestamp(record.timestamp.value() + off);
    }
    op.records.push_back(
        {.value = id, .digest = digest.value(), .timestamp_ms = record.timestamp.value()});
    return record;
  }

  void ended(OperationId id, const BatchResult& result) {
    last_ = {result.fate, result.base_offset};
    session_.complete(id, [&](Operation& op) {
      switch (result.fate) {
        case Fate::acknowledged:
          // An old duplicate is acknowledged without its offset: no more than unknown to us.
          op.outcome = result.base_offset.value() >= 0 ? Outcome::ok : Outcome::unknown;
          op.base_offset = result.base_offset;
          op.topic_id = result.topic_id;
          break;
        case Fate::sent:
          op.outcome = Outcome::ok;
          break;
        case Fate::refused:
          op.outcome = Outcome::refused;
          break;
        case Fate::unknown:
          op.outcome = Outcome::unknown;
          break;
      }
      op.producer = result.producer_id;
      op.producer_epoch = result.producer_epoch;
      op.sequence = result.base_sequence;
      if (result.connection != 0) op.connection = result.connection;
      op.attempt = static_cast<std::uint32_t>(std::max(result.sends, 1));
      op.kafka_error = static_cast<int>(result.wire);
      if (!result.error) return;
      op.error = result.error->code();
      op.detail = result.error->detail();
    });
  }

  Session& session_;
  const Habits& habits_;
  client::Client& client_;
  client::Producer producer_;
  std::uint64_t operations_ = 0;
  struct Ending {
    Fate fate = Fate::unknown;
    Offset base_offset{-1};
  };
  Ending last_;
  std::uint64_t proofs_ = 0;
};

class Reader {
 public:
  Reader(Session& session, client::Client& client, const Habits& habits)
      : session_(session), habits_(habits), consumer_(client, habits.consumer) {}

  void assign_all() {
    for (const ClusterFacts::Topic& topic : session_.topics()) {
      for (std::int32_t i = 0; i < topic.partitions; ++i) {
        start_over({topic.name, PartitionIndex(i)}, false);
      }
    }
  }

  bool fetch(env::Task& task) {
    const auto polled = consumer_.poll(task, kPollMax);
    if (!polled) return polled.error() != ErrorCode::cancelled;
    for (const PartitionNews& news : *polled) take(news);
    return true;
  }

  void start_over(const TopicPartition& at, bool tell) {
    close_open(at);
    if (tell) session_.history().reset(session_.seat().process(), at.topic, at.partition);
    consumer_.assign(at, StartAt::beginning());
    invoke(at, Offset(-1));
  }

  enum class Reach : std::uint8_t { read, gone, cancelled };

  // What is readable is read, by the consumer that was there all along, from where it stands; only
  // what cannot be read is left out. Gone: the offset is none of its partition's, since it was
  // deleted, or the topic made anew.
  Reach reaches(env::Task& task, const TopicPartition& at, Offset offset) {
    session_.seat().waits_for("reading " + at.to_string());
    const Instant began = session_.env().clock.now();
    Instant moved = began;
    std::optional<Offset> seen;
    bool skipped = false;
    for (;;) {
      const std::optional<Offset> position = consumer_.position(at);
      if (position && *position > offset) return Reach::read;
      const Instant now = session_.env().clock.now();
      if (position != seen) moved = now;
      seen = position;
      const bool slow = now - began > kReaderPatience && now - moved < kReaderStuck;
      const auto failed = failed_.extract(at);
      if (skipped && failed && failed.mapped() == WireError::offset_out_of_range) {
        return Reach::gone;
      }
      if (slow || failed) {
        skip_to(at, offset);
        skipped = true;
      }
      if (!fetch(task)) return Reach::cancelled;
    }
  }

  // What is still being asked has no answer: an operation without records.
  void finish() {
    while (!open_.empty()) close_open(open_.begin()->first);
  }

 private:
  void invoke(const TopicPartition& at, Offset from) {
    Operation op;
    op.kind = OperationKind::fetch;
    op.topic = at.topic;
    op.partition = at.partition;
    op.offset = from;
    op.read_committed = habits_.consumer.isolation == client::Isolation::read_committed;
    open_[at] = session_.invoke(op);
  }

  void skip_to(const TopicPartition& at, Offset offset) {
    close_open(at);
    session_.history().reset(session_.seat().process(), at.topic, at.partition);
    consumer_.assign(at, StartAt::offset(offset));
    invoke(at, offset);
  }

  void close_open(const TopicPartition& at) {
    const auto open = open_.find(at);
    if (open == open_.end()) return;
    session_.complete(open->second, [](Operation& op) { op.outcome = Outcome::ok; });
    open_.erase(open);
  }

  void take(const PartitionNews& news) {
    const auto open = open_.find(news.at);
    CHECK(open != open_.end(), "an answer to no fetch");
    const OperationId id = open->second;
    open_.erase(open);
    session_.complete(id, [&](Operation& op) {
      const bool answered = !news.error || news.wire != WireError::none || !news.records.empty();
      op.outcome = !answered                      ? Outcome::unknown
                   : news.wire != WireError::none ? Outcome::refused
                                                  : Outcome::ok;
      op.kafka_error = static_cast<int>(news.wire);
      op.log_start = news.log_start;
      op.high_watermark = news.high_watermark;
      op.last_stable = news.last_stable;
      op.answered_by = news.answered_by.value();
      op.topic_id = news.topic_id;
      for (const ConsumedRecord& record : news.records) op.records.push_back(view_of(record));
      if (!news.error) return;
      op.error = news.error->code();
      op.detail = news.error->detail();
    });
    if (news.error) failed_[news.at] = news.wire;
    if (news.wire == WireError::offset_out_of_range) return start_over(news.at, true);
    invoke(news.at, news.next);
  }

  static RecordView view_of(const ConsumedRecord& record) {
    RecordDigest digest(record.key, record.value);
    for (const client::RecordHeader& header : record.headers) {
      digest.add_header(header.key, header.value);
    }
    return {.value = read_value(record.value),
            .digest = digest.value(),
            .offset = record.offset,
            .epoch = record.epoch,
            .timestamp_ms = record.timestamp.value(),
            .producer = record.producer_id,
            .producer_epoch = record.producer_epoch,
            .sequence = record.sequence};
  }

  Session& session_;
  const Habits& habits_;
  client::Consumer consumer_;
  std::map<TopicPartition, OperationId> open_;
  std::map<TopicPartition, WireError> failed_;  // since it was last looked at
};

class Worker {
 public:
  Worker(Session& session, const Habits& habits)
      : session_(session),
        writing_(session.env(), named(habits, "-out")),
        reading_(session.env(), named(habits, "-in")),
        writer_(session, writing_, habits),
        reader_(session, reading_, habits) {}

  void run(env::Task& task) {
    if (session_.make_topics(task, writing_)) {
      reader_.assign_all();
      work(task);
      prove_alive(task);
    }
    session_.seat().waits_for("the results of what it sent");
    writer_.finish(task);
    reader_.finish();
    writing_.close(task);
    reading_.close(task);
  }

 private:
  static client::ClientConfig named(const Habits& habits, std::string_view suffix) {
    client::ClientConfig config = habits.client;
    config.client_id += suffix;
    return config;
  }

  void prove_alive(env::Task& task) {
    for (const ClusterFacts::Topic& topic : session_.topics()) {
      for (std::int32_t i = 0; i < topic.partitions; ++i) {
        const TopicPartition at{topic.name, PartitionIndex(i)};
        if (!prove_alive(task, at)) return;
      }
    }
  }

  // A proof that is gone before it was read is given again. False when the task must end.
  bool prove_alive(env::Task& task, const TopicPartition& at) {
    for (;;) {
      if (!writer_.prove_alive(task, at)) return false;
      const std::optional<Offset> proven = writer_.proven();
      if (!proven) return true;
      const Reader::Reach reach = reader_.reaches(task, at, *proven);
      if (reach != Reader::Reach::gone) return reach == Reader::Reach::read;
    }
  }

  void work(env::Task& task) {
    const std::vector<ClusterFacts::Topic> topics = session_.topics();
    if (topics.empty()) return;
    const WorkloadSpec& spec = session_.spec();
    const Weights operations = spec.operations.empty() ? usual_operations() : spec.operations;
    env::Random& random = session_.env().random;
    for (std::uint64_t step = 0; session_.safety(); ++step) {
      if (spec.operations_max != 0 && step >= spec.operations_max) break;
      const ClusterFacts::Topic& topic = topics[random.draw(kPlace.with(step), topics.size())];
      const std::string next = draw_weighted(random, kNext.with(step), operations, "produce");
      if (!act(task, next, topic, step) || !session_.pause(task, step)) break;
    }
  }

  bool act(env::Task& task, const std::string& what, const ClusterFacts::Topic& topic,
           std::uint64_t step) {
    const auto partitions = static_cast<std::uint64_t>(topic.partitions);
    const TopicPartition at{topic.name,
                            PartitionIndex(static_cast<std::int32_t>(session_.env().random.draw(
                                kPlace.with("partition").with(step), partitions)))};
    if (what == "produce") return writer_.produce(task, topic, step);
    if (what == "fetch") return reader_.fetch(task);
    if (what == "list_offsets") return list_offsets(task, at);
    if (what == "look_up") return look_up(task, at, step);
    if (what == "describe") return describe(task, at);
    if (what == "delete_records") return delete_records(task, at, step);
    CHECK(what == "seek" || what == "omit", what);
    if (what == "seek") reader_.start_over(at, true);
    return true;
  }

  bool list_offsets(env::Task& task, const TopicPartition& at) {
    Operation op;
    op.kind = OperationKind::list_offsets;
    op.topic = at.topic;
    op.partition = at.partition;
    op.offset = Offset(-1);
    return ask_offset(task, op, kLatest);
  }

  // By a time of the last seconds, or the newest.
  bool look_up(env::Task& task, const TopicPartition& at, std::uint64_t step) {
    env::Random& random = session_.env().random;
    const std::int64_t now_ms = session_.env().clock.wall_now().ms();
    const bool newest = random.draw(kLookUp.with("newest").with(step), 4) == 0;
    Operation op;
    op.kind = OperationKind::find_offset;
    op.topic = at.topic;
    op.partition = at.partition;
    op.time_ms = newest ? kNewestTime : now_ms - draw_span(random, kLookUp.with(step), kLookBackMs);
    return ask_offset(task, op, op.time_ms);
  }

  // False when it was cancelled.
  bool ask_offset(env::Task& task, const Operation& op, std::int64_t time_ms) {
    const TopicPartition at{op.topic, op.partition};
    const OperationId id = session_.invoke(op);
    const auto listed = client::Admin(reading_).list_offsets(task, {at}, time_ms);
    session_.complete(id, [&](Operation& filled) {
      filled.outcome = Outcome::unknown;
      if (!listed) {
        filled.error = listed.error().code();
        return;
      }
      const client::ListedOffset& answer = listed->at(at);
      filled.kafka_error = static_cast<int>(answer.wire);
      filled.base_offset = answer.offset;
      filled.found_ms = answer.timestamp_ms;
      if (answer.error) filled.error = answer.error->code();
      if (!answer.error) filled.outcome = Outcome::ok;
    });
    return listed || listed.error() != ErrorCode::cancelled;
  }

  // Before some offset that is there, or was.
  bool delete_records(env::Task& task, const TopicPartition& at, std::uint64_t step) {
    client::Admin admin(reading_);
    const auto listed = admin.list_offsets(task, {at}, kLatest);
    if (!listed) return listed.error() != ErrorCode::cancelled;
    const std::int64_t end = listed->at(at).offset.value();
    if (end <= 0) return true;
    const Offset before(draw_span(session_.env().random, kDelete.with(step), {0, end}));
    Operation op;
    op.kind = OperationKind::delete_records;
    op.topic = at.topic;
    op.partition = at.partition;
    op.offset = before;
    const OperationId id = session_.invoke(op);
    const client::DeletedRecords deleted = admin.delete_records(task, {{at, before}}).at(at);
    session_.complete(id, [&](Operation& filled) {
      filled.attempt = std::max(deleted.tries, 1u);
      filled.kafka_error = static_cast<int>(deleted.wire);
      filled.log_start = deleted.start;
      filled.outcome = deleted.ok()         ? Outcome::ok
                       : deleted.tries == 0 ? Outcome::refused
                                            : Outcome::unknown;
      if (!deleted.error) return;
      filled.error = deleted.error->code();
      filled.detail = deleted.error->detail();
    });
    return deleted.ok() || *deleted.error != ErrorCode::cancelled;
  }

  bool describe(env::Task& task, const TopicPartition& at) {
    Operation op;
    op.kind = OperationKind::describe;
    op.topic = at.topic;
    const OperationId id = session_.invoke(op);
    client::Admin admin(reading_);
    const auto described = admin.describe_topic(task, at.topic);
    session_.complete(id, [&](Operation& filled) {
      filled.outcome = described ? Outcome::ok : Outcome::unknown;
      if (described) filled.topic_id = described->id;
      if (!described) filled.error = described.error().code();
    });
    return described || described.error() != ErrorCode::cancelled;
  }

  Session& session_;
  client::Client writing_;
  client::Client reading_;
  Writer writer_;
  Reader reader_;
};

}  // namespace

void ProduceConsume::run(env::Task& task, env::Env& env, Seat& seat) {
  Session session(env, seat);
  const Habits habits = draw_habits(env.random, seat);
  if (habits.library == Library::hostile) {
    misbehave(task, session);
  } else {
    Worker worker(session, habits);
    worker.run(task);
  }
  seat.done();
}

}  // namespace flux::sim
