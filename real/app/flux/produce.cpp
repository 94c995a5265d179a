#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "net/client/producer.h"
#include "real/app/flux/commands.h"
#include "real/app/flux/input.h"
#include "real/app/flux/output.h"
#include "real/app/flux/session.h"

namespace flux::app {
namespace {

using client::Client;
using client::Fate;
using client::Producer;
using client::ProducerRecord;
using client::RecordResult;
using env::Task;

constexpr std::uint64_t kComplaintsMax = 10;

// What became of the lines so far.
struct Tally {
  std::uint64_t good = 0;
  std::uint64_t bad = 0;

  void take(const GlobalOptions& global, std::uint64_t line, const RecordResult& result) {
    const bool ok = result.fate == Fate::acknowledged || result.fate == Fate::sent;
    ++(ok ? good : bad);
    if (!ok && bad <= kComplaintsMax) {
      const std::string_view fate =
          result.fate == Fate::refused ? "was refused" : "may or may not be stored";
      complain(fmt::format("line {} {}: {}", line, fate,
                           result.error ? words_of(*result.error) : "no reason is known"));
    }
    if (!global.json) return;
    nlohmann::ordered_json out = {{"line", line},
                                  {"fate", name_of(result.fate)},
                                  {"topic", result.at.topic},
                                  {"partition", result.at.partition.value()}};
    if (result.offset.value() >= 0) out["offset"] = result.offset.value();
    if (result.timestamp != record::kNoTimestamp) out["timestamp"] = result.timestamp.value();
    if (result.error) out["error"] = words_of(*result.error);
    print_json(out);
  }
};

ProducerRecord record_of(const ProduceOptions& options, const std::string& line) {
  ProducerRecord record{.topic = options.topic};
  if (options.partition) record.partition = PartitionIndex(*options.partition);
  std::string_view value = line;
  if (!options.key_separator.empty()) {
    const std::size_t at = value.find(options.key_separator);
    if (at != std::string_view::npos) {
      record.key = to_bytes(as_bytes(value.substr(0, at)));
      value.remove_prefix(at + options.key_separator.size());
    }
  }
  record.value = to_bytes(as_bytes(value));
  return record;
}

client::ProducerConfig config_for(const GlobalOptions& global, const ProduceOptions& options) {
  client::ProducerConfig config;
  config.acks = options.acks;
  config.idempotent = options.idempotent && options.acks == client::Acks::all;
  config.codec = options.codec;
  config.batch_bytes_max = 256 * 1024;
  config.delivery_timeout = global.timeout;
  config.ack_timeout = global.timeout;
  return config;
}

int run(Task& task, Client& client, const GlobalOptions& global, const ProduceOptions& options) {
  if (const auto topic = client.topic(task, options.topic); !topic) {
    complain(topic.error());
    return kFailed;
  }
  Tally tally;
  bool stopped = false;
  {
    Producer producer(client, config_for(global, options));
    LineInput input(client.env());
    for (std::uint64_t line = 1;; ++line) {
      auto next = input.next(task);
      if (!next) {
        stopped = true;
        if (next.error() != ErrorCode::cancelled) complain(next.error());
        break;
      }
      if (!*next) break;
      const Result<void> taken = producer.send(
          task, record_of(options, **next),
          [&, line](const RecordResult& result) { tally.take(global, line, result); });
      if (!taken) {
        tally.take(global, line,
                   RecordResult{.fate = Fate::refused,
                                .at = {options.topic, PartitionIndex(-1)},
                                .error = taken.error()});
        if (taken.error() == ErrorCode::cancelled) break;
      }
    }
    producer.close(task);
  }
  if (tally.bad > kComplaintsMax) {
    complain(fmt::format("{} more lines were not acknowledged", tally.bad - kComplaintsMax));
  }
  if (!global.json) {
    print_line(fmt::format("{} {} record{}",
                           options.acks == client::Acks::none ? "sent" : "acknowledged", tally.good,
                           tally.good == 1 ? "" : "s"));
  }
  return flush_output() && tally.bad == 0 && !stopped ? kDone : kFailed;
}

}  // namespace

int produce(const GlobalOptions& global, const ProduceOptions& options) {
  return with_client(
      global, [&](Task& task, Client& client) { return run(task, client, global, options); });
}

}  // namespace flux::app
