// Kafka's protocol without a client library, for tools/do bench broker.
//
//   raw_load unbatched ...     throughput of requests of one record each
//   raw_load first-ack ...     waits for a broker that starts, up to its first acknowledgement
//   raw_load partitions ...    makes topics, up to the acknowledgement of every partition
//   raw_load create|delete ... a topic; made means that all partitions have a leader
//
// Exit status: 0 done, 1 an answer was wrong or did not come, 2 bad usage.
#include <cstdio>
#include <string>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>

#include "tests/bench/broker_load/caller.h"
#include "tests/bench/broker_load/meter.h"
#include "tests/bench/broker_load/report.h"
#include "tests/bench/broker_load/unbatched.h"

namespace {

using flux::ErrorCode;
using flux::Result;
using flux::load::Address;
using flux::load::Caller;
using flux::load::Reading;
using flux::load::Topic;
using Report = nlohmann::ordered_json;

constexpr useconds_t kAgainUs = 500;
constexpr double kPatienceSeconds = 120;

struct Options {
  std::string broker;
  Topic topic;
  int topics = 10;
  flux::load::UnbatchedOptions unbatched;
};

double now_s() { return static_cast<double>(flux::load::boot_ns()) / 1e9; }

// A broker that has just made a topic may not lead its partitions yet.
Result<void> produce_everywhere(Caller& caller, const std::string& topic, int partitions) {
  const double give_up = now_s() + kPatienceSeconds;
  std::vector<int> wanted(static_cast<std::size_t>(partitions));
  for (int i = 0; i < partitions; ++i) wanted[static_cast<std::size_t>(i)] = i;
  for (;;) {
    TRY(caller.produce_to(topic, wanted));
    if (wanted.empty()) return {};
    if (now_s() > give_up) {
      return flux::fail(ErrorCode::timed_out, std::to_string(wanted.size()) + " partitions of " +
                                                  topic + " take no record");
    }
    ::usleep(kAgainUs);
  }
}

Result<void> start_once(const Address& at, const Topic& topic) {
  Caller caller = TRY(Caller::connect(at));
  // An earlier try may have made it and lost the connection.
  const auto created = caller.create({topic});
  if (!created && created.error() != ErrorCode::exists) return created;
  return produce_everywhere(caller, topic.name, topic.partitions);
}

Result<Report> first_ack(const Address& at, const Topic& topic) {
  const double give_up = now_s() + kPatienceSeconds;
  for (;;) {
    const auto done = start_once(at, topic);
    if (done) break;
    if (now_s() > give_up) return std::unexpected(done.error());
    ::usleep(kAgainUs);
  }
  Report out;
  out["acknowledged_at_s"] = now_s();
  return out;
}

Result<Report> partitions(const Address& at, const Options& options) {
  const flux::load::Meter meter(options.unbatched.broker_pid);
  std::vector<Topic> topics;
  for (int i = 0; i < options.topics; ++i) {
    topics.push_back(options.topic);
    topics.back().name += "-" + std::to_string(i);
  }
  Caller caller = TRY(Caller::connect(at));
  const Reading begin = meter.read();
  TRY(caller.create(topics));
  const double created = now_s();
  for (const Topic& topic : topics) TRY(produce_everywhere(caller, topic.name, topic.partitions));
  Report out = meter.report(begin, meter.read());
  out["created_s"] = created - begin.clock;
  return out;
}

Result<Report> create(const Address& at, const Topic& topic) {
  Caller caller = TRY(Caller::connect(at));
  TRY(caller.create({topic}));
  const double give_up = now_s() + kPatienceSeconds;
  for (;;) {
    const auto end = caller.end_offsets(topic);
    if (end) return Report::object();
    if (now_s() > give_up) return std::unexpected(end.error());
    ::usleep(kAgainUs);
  }
}

Result<Report> remove(const Address& at, const Topic& topic) {
  Caller caller = TRY(Caller::connect(at));
  TRY(caller.remove(topic.name));
  return Report::object();
}

Result<Report> run(const std::string& command, Options& options) {
  const Address at = TRY(flux::load::parse_address(options.broker));
  if (command == "unbatched") {
    options.unbatched.at = at;
    options.unbatched.topic = options.topic;
    return flux::load::run_unbatched(options.unbatched);
  }
  if (command == "first-ack") return first_ack(at, options.topic);
  if (command == "partitions") return partitions(at, options);
  return command == "create" ? create(at, options.topic) : remove(at, options.topic);
}

CLI::App* add_command(CLI::App& app, const char* name, const char* help, Options& options) {
  CLI::App* const out = app.add_subcommand(name, help);
  out->add_option("--broker", options.broker, "HOST:PORT")->required();
  out->add_option("--topic", options.topic.name, "name of the topic")->required();
  return out;
}

void add_topic_options(CLI::App* command, Options& options) {
  command->add_option("--partitions", options.topic.partitions)->check(CLI::PositiveNumber);
  command->add_option("--setting", options.topic.settings, "NAME=VALUE, of the topic");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Kafka's protocol without a client library.", "raw_load");
  app.require_subcommand(1);
  Options options;
  auto& of = options.unbatched;
  CLI::App* const unbatched =
      add_command(app, "unbatched", "requests of one record, into an empty topic", options);
  unbatched->add_option("--partitions", options.topic.partitions)->check(CLI::PositiveNumber);
  unbatched->add_option("--connections", of.connections)->check(CLI::PositiveNumber);
  unbatched->add_option("--in-flight", of.in_flight, "of each connection")
      ->check(CLI::PositiveNumber);
  unbatched->add_option("--size", of.value_bytes, "bytes of a value");
  unbatched->add_option("--warmup", of.warmup_seconds, "seconds that do not count");
  unbatched->add_option("--seconds", of.seconds, "seconds that count");
  add_topic_options(add_command(app, "first-ack", "waits for a broker that starts", options),
                    options);
  CLI::App* const many =
      add_command(app, "partitions", "makes topics NAME-0, NAME-1, ... and writes to all", options);
  many->add_option("--topics", options.topics)->check(CLI::PositiveNumber);
  add_topic_options(many, options);
  for (CLI::App* const command : {unbatched, many}) {
    command->add_option("--broker-pid", of.broker_pid, "whose processor time to report");
  }
  add_topic_options(add_command(app, "create", "makes a topic", options), options);
  add_command(app, "delete", "deletes a topic", options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const auto report = run(app.get_subcommands().front()->get_name(), options);
  if (!report) {
    std::fprintf(stderr, "raw_load: %s\n", report.error().to_string().c_str());
    return 1;
  }
  flux::load::print(*report);
  return 0;
}
