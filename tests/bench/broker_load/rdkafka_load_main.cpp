// librdkafka as the client of tools/do bench broker.
//
//   rdkafka_load produce ...   as many records as go, acks=all
//   rdkafka_load pace ...      records at a rate; the time from when each was meant to be sent to
//                              its acknowledgement
//   rdkafka_load fetch ...     reads a topic from its start, by assignment
//
// `--mock` takes librdkafka's in-process broker, which stores next to nothing: what the client
// itself can reach. Nagle's algorithm is off (librdkafka 2.0.2 leaves it on), and delivery reports
// have a thread of their own, so that neither is what gets measured.
//
// Exit status: 0 done, 1 a record was lost, refused or repeated, 2 bad usage.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "tests/bench/broker_load/histogram.h"
#include "tests/bench/broker_load/meter.h"
#include "tests/bench/broker_load/pacer.h"
#include "tests/bench/broker_load/report.h"

namespace {

using flux::load::boot_ns;
using flux::load::Histogram;
using flux::load::Meter;
using flux::load::Reading;
using Report = nlohmann::ordered_json;

// Records go to one partition in such runs, as a client's own sticky choice would send them.
constexpr std::uint64_t kRun = 64;
constexpr useconds_t kFullWaitUs = 500;
constexpr int kDrainMs = 60'000;
constexpr int kOffsetsMs = 10'000;

struct Options {
  std::string broker;
  bool mock = false;
  std::string topic = "bench";
  int partitions = 6;
  std::size_t value_bytes = 1024;
  double warmup_seconds = 2;
  double seconds = 5;
  std::uint64_t rate = 5000;
  std::uint64_t records = 0;
  int broker_pid = 0;
};

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "rdkafka_load: %s\n", why.c_str());
  std::exit(1);
}

void set(rd_kafka_conf_t* conf, const char* name, const std::string& value) {
  char why[512];
  if (rd_kafka_conf_set(conf, name, value.c_str(), why, sizeof why) != RD_KAFKA_CONF_OK) {
    give_up(why);
  }
}

rd_kafka_conf_t* common_conf(const Options& options) {
  rd_kafka_conf_t* const conf = rd_kafka_conf_new();
  if (options.mock) {
    set(conf, "test.mock.num.brokers", "1");
  } else {
    set(conf, "bootstrap.servers", options.broker);
  }
  set(conf, "socket.nagle.disable", "true");
  set(conf, "log_level", "4");  // the mock says at level 5 that it is one
  return conf;
}

rd_kafka_t* start(rd_kafka_type_t type, rd_kafka_conf_t* conf) {
  char why[512];
  rd_kafka_t* const out = rd_kafka_new(type, conf, why, sizeof why);
  if (out == nullptr) give_up(why);
  return out;
}

// A producer, its topic, and the thread that takes delivery reports.
class Producer {
 public:
  Producer(const Options& options, const char* linger_ms) : options_(options) {
    rd_kafka_conf_t* const conf = common_conf(options);
    set(conf, "acks", "all");
    set(conf, "linger.ms", linger_ms);
    set(conf, "queue.buffering.max.messages", "200000");
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_conf_set_opaque(conf, this);
    handle_ = start(RD_KAFKA_PRODUCER, conf);
    if (options.mock) {
      rd_kafka_mock_topic_create(rd_kafka_handle_mock_cluster(handle_), options.topic.c_str(),
                                 options.partitions, 1);
    }
    topic_ = rd_kafka_topic_new(handle_, options.topic.c_str(), nullptr);
    if (topic_ == nullptr) give_up("no topic");
    stored_before_ = end_offsets();
    reports_ = std::thread([this] {
      while (!ending_.load(std::memory_order_relaxed)) rd_kafka_poll(handle_, 50);
    });
  }
  ~Producer() {
    end_reports();
    rd_kafka_topic_destroy(topic_);
    rd_kafka_destroy(handle_);
  }
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // `meant_ns` comes back with the delivery report. False when librdkafka's queue is full. The
  // value is not copied: it has to stay.
  bool send(int partition, std::string& value, std::uint64_t meant_ns) {
    auto* const opaque = reinterpret_cast<void*>(static_cast<std::uintptr_t>(meant_ns));
    if (rd_kafka_produce(topic_, partition, 0, value.data(), value.size(), nullptr, 0, opaque) ==
        0) {
      ++sent_;
      return true;
    }
    const rd_kafka_resp_err_t error = rd_kafka_last_error();
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) give_up(rd_kafka_err2str(error));
    return false;
  }

  std::uint64_t sent() const { return sent_; }
  std::uint64_t acknowledged() const { return acknowledged_.load(std::memory_order_relaxed); }
  // From here on the times of records meant to be sent at `from_ns` or later count.
  void count_times(std::uint64_t from_ns) { from_ns_.store(from_ns, std::memory_order_relaxed); }

  // Waits for all that was sent; each record has to be stored once.
  void finish() {
    if (rd_kafka_flush(handle_, kDrainMs) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      give_up("records without an answer");
    }
    end_reports();
    if (failed_ > 0) give_up(std::to_string(failed_) + " records were refused: " + why_);
    const std::uint64_t stored = end_offsets() - stored_before_;
    if (stored != sent_ || acknowledged() != sent_) {
      give_up(std::to_string(sent_) + " records sent, " + std::to_string(acknowledged()) +
              " acknowledged, " + std::to_string(stored) + " stored");
    }
  }
  // Only after finish().
  const Histogram& times() const { return times_; }

 private:
  static void delivered(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
    auto* const self = static_cast<Producer*>(opaque);
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      if (self->failed_++ == 0) self->why_ = rd_kafka_err2str(message->err);
      return;
    }
    self->acknowledged_.fetch_add(1, std::memory_order_relaxed);
    const std::uint64_t meant_ns = reinterpret_cast<std::uintptr_t>(message->_private);
    if (meant_ns == 0 || meant_ns < self->from_ns_.load(std::memory_order_relaxed)) return;
    self->times_.add(boot_ns() - meant_ns);
  }

  // Of all partitions together.
  std::uint64_t end_offsets() const {
    std::uint64_t out = 0;
    for (int partition = 0; partition < options_.partitions; ++partition) {
      std::int64_t low = 0;
      std::int64_t high = 0;
      const rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(
          handle_, options_.topic.c_str(), partition, &low, &high, kOffsetsMs);
      if (error != RD_KAFKA_RESP_ERR_NO_ERROR) give_up(rd_kafka_err2str(error));
      out += static_cast<std::uint64_t>(high);
    }
    return out;
  }

  void end_reports() {
    ending_.store(true, std::memory_order_relaxed);
    if (reports_.joinable()) reports_.join();
  }

  const Options& options_;
  rd_kafka_t* handle_ = nullptr;
  rd_kafka_topic_t* topic_ = nullptr;
  std::thread reports_;
  std::atomic<bool> ending_ = false;
  std::atomic<std::uint64_t> from_ns_ = 0;
  std::uint64_t stored_before_ = 0;
  std::uint64_t sent_ = 0;
  // Written by the thread of the reports alone.
  std::atomic<std::uint64_t> acknowledged_ = 0;
  std::uint64_t failed_ = 0;
  std::string why_;
  Histogram times_;
};

std::uint64_t after(double seconds) {
  return boot_ns() + static_cast<std::uint64_t>(seconds * 1e9);
}

// Sends until a moment, or until `records` were sent when that is not 0.
void produce_until(Producer& producer, const Options& options, std::string& value,
                   std::uint64_t end_ns) {
  const auto partitions = static_cast<std::uint64_t>(options.partitions);
  while (boot_ns() < end_ns) {
    const auto partition = static_cast<int>(producer.sent() / kRun % partitions);
    for (std::uint64_t i = 0; i < kRun;) {
      if (options.records != 0 && producer.sent() == options.records) return;
      if (producer.send(partition, value, 0)) {
        ++i;
      } else {
        ::usleep(kFullWaitUs);
      }
    }
  }
}

Report produce(const Options& options) {
  const Meter meter(options.mock ? 0 : options.broker_pid);
  std::string value(options.value_bytes, 'x');
  Producer producer(options, "5");
  if (options.records != 0) {
    produce_until(producer, options, value, after(kDrainMs / 1000));
    producer.finish();
    return Report::object();
  }
  produce_until(producer, options, value, after(options.warmup_seconds));
  const std::uint64_t acknowledged = producer.acknowledged();
  const Reading begin = meter.read();
  produce_until(producer, options, value, after(options.seconds));
  const Reading end = meter.read();
  const std::uint64_t records = producer.acknowledged() - acknowledged;
  producer.finish();
  Report out = meter.report(begin, end);
  out["records"] = records;
  out["per_second"] = static_cast<double>(records) / (end.clock - begin.clock);
  return out;
}

Report pace(const Options& options) {
  const Meter meter(options.mock ? 0 : options.broker_pid);
  std::string value(options.value_bytes, 'x');
  Producer producer(options, "0");
  flux::load::Pacer pacer(options.rate);
  const auto counted_from =
      static_cast<std::uint64_t>(options.warmup_seconds * static_cast<double>(options.rate));
  const auto total = counted_from + static_cast<std::uint64_t>(options.seconds *
                                                               static_cast<double>(options.rate));
  producer.count_times(pacer.moment(counted_from));
  Reading begin;
  for (std::uint64_t number = 0; number < total;) {
    for (std::uint64_t come = pacer.wait(); come > 0 && number < total; --come, ++number) {
      if (number == counted_from) begin = meter.read();
      const auto partition = static_cast<int>(number % static_cast<unsigned>(options.partitions));
      if (!producer.send(partition, value, pacer.moment(number))) {
        give_up("the broker does not keep up with the rate");
      }
    }
  }
  const Reading end = meter.read();
  producer.finish();
  Report out = meter.report(begin, end);
  out["rate"] = options.rate;
  flux::load::add_times(out, producer.times());
  return out;
}

// Takes what is there; each partition's offsets have to come without a gap.
std::uint64_t take_batch(rd_kafka_queue_t* queue, std::vector<std::int64_t>& next,
                         std::vector<rd_kafka_message_t*>& room, std::uint64_t& bytes) {
  const ssize_t got = rd_kafka_consume_batch_queue(queue, 100, room.data(), room.size());
  if (got < 0) give_up(rd_kafka_err2str(rd_kafka_last_error()));
  std::uint64_t records = 0;
  for (ssize_t i = 0; i < got; ++i) {
    rd_kafka_message_t* const message = room[static_cast<std::size_t>(i)];
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) give_up(rd_kafka_message_errstr(message));
    std::int64_t& expected = next[static_cast<std::size_t>(message->partition)];
    if (message->offset != expected++) give_up("a record is missing or repeated");
    bytes += message->len;
    ++records;
    rd_kafka_message_destroy(message);
  }
  return records;
}

Report fetch(const Options& options) {
  const Meter meter(options.broker_pid);
  rd_kafka_conf_t* const conf = common_conf(options);
  rd_kafka_t* const handle = start(RD_KAFKA_CONSUMER, conf);
  rd_kafka_topic_t* const topic = rd_kafka_topic_new(handle, options.topic.c_str(), nullptr);
  rd_kafka_queue_t* const queue = rd_kafka_queue_new(handle);
  std::vector<std::int64_t> next(static_cast<std::size_t>(options.partitions));
  std::vector<rd_kafka_message_t*> room(10'000);
  const Reading begin = meter.read();
  for (int partition = 0; partition < options.partitions; ++partition) {
    if (rd_kafka_consume_start_queue(topic, partition, 0, queue) != 0) give_up("no start");
  }
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  const std::uint64_t patience = after(120);
  while (records < options.records) {
    records += take_batch(queue, next, room, bytes);
    if (boot_ns() > patience) give_up("records do not come");
  }
  const Reading end = meter.read();
  if (records > options.records) give_up("more records than there are");
  for (int partition = 0; partition < options.partitions; ++partition) {
    rd_kafka_consume_stop(topic, partition);
  }
  rd_kafka_queue_destroy(queue);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(handle);
  Report out = meter.report(begin, end);
  out["records"] = records;
  out["bytes"] = bytes;
  out["per_second"] = static_cast<double>(records) / (end.clock - begin.clock);
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("librdkafka as the client of a benchmark.", "rdkafka_load");
  app.require_subcommand(1);
  Options options;
  CLI::App* const produce_command = app.add_subcommand("produce", "as many records as go");
  CLI::App* const pace_command = app.add_subcommand("pace", "records at a rate");
  CLI::App* const fetch_command = app.add_subcommand("fetch", "reads a topic from its start");
  for (CLI::App* const command : {produce_command, pace_command, fetch_command}) {
    auto* const broker = command->add_option("--broker", options.broker, "HOST:PORT");
    if (command == fetch_command) {
      broker->required();
      command->add_option("--records", options.records, "how many are there")->required();
    } else {
      if (command == produce_command) {
        command->add_option("--records", options.records, "send as many and measure nothing");
      }
      command->add_flag("--mock", options.mock, "librdkafka's own broker, in this process")
          ->excludes(broker);
      command->add_option("--size", options.value_bytes, "bytes of a value");
      command->add_option("--warmup", options.warmup_seconds, "seconds that do not count");
      command->add_option("--seconds", options.seconds, "seconds that count");
    }
    command->add_option("--topic", options.topic, "that nobody else produces to");
    command->add_option("--partitions", options.partitions)->check(CLI::PositiveNumber);
    command->add_option("--broker-pid", options.broker_pid, "whose processor time to report");
  }
  pace_command->add_option("--rate", options.rate, "records a second")->check(CLI::PositiveNumber);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  flux::load::sleep_exactly();
  if (*produce_command) {
    flux::load::print(produce(options));
  } else {
    flux::load::print(*pace_command ? pace(options) : fetch(options));
  }
  return 0;
}
