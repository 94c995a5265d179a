// flux: the command line for a running cluster. This file reads the arguments and nothing else.

#include <charconv>
#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "core/record/compression.h"
#include "real/app/flux/commands.h"

namespace {

using namespace flux;
using app::kBadUsage;

// The arguments as they were written; turned into options once the parser is content.
struct Arguments {
  std::string bootstrap = "127.0.0.1:9092";
  std::int64_t timeout_s = 30;
  app::GlobalOptions global;
  app::CreateTopicOptions create;
  std::vector<std::string> settings;
  app::DeleteTopicOptions remove;
  bool internal = false;
  std::vector<std::string> described;
  app::ProduceOptions produce;
  std::int32_t partition = -1;
  std::string acks = "all";
  std::string compression = "none";
  app::ConsumeOptions consume;
  std::string from = "beginning";
  std::uint64_t count = 0;
  std::function<int()> chosen;
};

std::string check_setting(const std::string& text) {
  const std::size_t equals = text.find('=');
  return equals == std::string::npos || equals == 0 ? "it must be NAME=VALUE" : "";
}

std::string check_from(const std::string& text) {
  if (text == "beginning" || text == "end") return "";
  std::int64_t offset = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  const bool number = error == std::errc() && end == text.data() + text.size() && offset >= 0;
  return number ? "" : "it must be beginning, end or an offset";
}

std::string check_servers(const std::string& text) {
  std::size_t at = 0;
  while (at <= text.size()) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const auto endpoint = env::Endpoint::parse(text.substr(at, comma - at));
    if (!endpoint || endpoint->host.empty() || endpoint->port == 0) {
      return "it must be HOST:PORT, or several with commas between";
    }
    at = comma + 1;
  }
  return "";
}

void add_topic_commands(CLI::App& program, Arguments& arguments) {
  CLI::App* topic = program.add_subcommand("topic", "Create, list, describe and delete topics");
  topic->require_subcommand(1);

  CLI::App* create = topic->add_subcommand("create", "Create a topic");
  create->add_option("NAME", arguments.create.name, "name of the topic")->required();
  create
      ->add_option("-p,--partitions", arguments.create.partitions,
                   "how many partitions; the broker's default if not given")
      ->check(CLI::Range(1, 1'000'000));
  create
      ->add_option("-r,--replication-factor", arguments.create.replication,
                   "how many replicas; the broker's default if not given")
      ->check(CLI::Range(1, 32'000));
  create->add_option("-c,--config", arguments.settings, "a setting of the topic")
      ->type_name("NAME=VALUE")
      ->check(CLI::Validator(check_setting, ""));
  create->add_flag("--if-not-exists", arguments.create.if_not_exists,
                   "succeed if the topic is there already");
  create->callback([&arguments] {
    arguments.chosen = [&arguments] {
      for (const std::string& setting : arguments.settings) {
        const std::size_t equals = setting.find('=');
        arguments.create.config[setting.substr(0, equals)] = setting.substr(equals + 1);
      }
      return app::create_topic(arguments.global, arguments.create);
    };
  });

  CLI::App* list = topic->add_subcommand("list", "List the names of all topics");
  list->add_flag("--internal", arguments.internal, "with those that brokers keep for themselves");
  list->callback([&arguments] {
    arguments.chosen = [&arguments] {
      return app::list_topics(arguments.global, arguments.internal);
    };
  });

  CLI::App* describe =
      topic->add_subcommand("describe", "Show partitions, leaders, replicas and offsets of topics");
  describe->add_option("NAME", arguments.described, "names of topics; all if none is given");
  describe->callback([&arguments] {
    arguments.chosen = [&arguments] {
      return app::describe_topics(arguments.global, arguments.described);
    };
  });

  CLI::App* remove = topic->add_subcommand("delete", "Delete a topic and all of its records");
  remove->add_option("NAME", arguments.remove.name, "name of the topic")->required();
  remove->add_flag("--if-exists", arguments.remove.if_exists, "succeed if there is no such topic");
  remove->callback([&arguments] {
    arguments.chosen = [&arguments] {
      return app::delete_topic(arguments.global, arguments.remove);
    };
  });
}

void add_cluster_commands(CLI::App& program, Arguments& arguments) {
  CLI::App* cluster = program.add_subcommand("cluster", "Look at the cluster as a whole");
  cluster->require_subcommand(1);
  CLI::App* describe =
      cluster->add_subcommand("describe", "Show brokers, features and what directories hold");
  describe->callback([&arguments] {
    arguments.chosen = [&arguments] { return app::describe_cluster(arguments.global); };
  });
}

void add_produce(CLI::App& program, Arguments& arguments) {
  CLI::App* produce =
      program.add_subcommand("produce", "Send the lines of standard input as records");
  app::ProduceOptions& options = arguments.produce;
  produce->add_option("TOPIC", options.topic, "name of the topic")->required();
  produce
      ->add_option("-p,--partition", arguments.partition,
                   "send to this partition; otherwise by key, or spread")
      ->check(CLI::NonNegativeNumber);
  produce
      ->add_option("-k,--key-separator", options.key_separator,
                   "what stands between key and value of a line")
      ->type_name("TEXT");
  produce
      ->add_option("-a,--acks", arguments.acks,
                   "who must have a record: all replicas in sync, 1 (the leader), 0 (nobody)")
      ->check(CLI::IsMember({"all", "1", "0", "-1"}));
  produce->add_option("-z,--compression", arguments.compression, "how batches are compressed")
      ->check(CLI::IsMember({"none", "gzip", "snappy", "lz4", "zstd"}));
  produce->add_flag("--idempotent,!--no-idempotent", options.idempotent,
                    "never store a record twice (with acks=all; the default)");
  produce->footer(
      "With --json each record's fate is printed: partition, offset, error.\n"
      "Example: seq 1000 | flux produce orders --compression zstd");
  produce->callback([&arguments] {
    arguments.chosen = [&arguments] {
      app::ProduceOptions& chosen = arguments.produce;
      if (arguments.partition >= 0) chosen.partition = arguments.partition;
      chosen.acks = arguments.acks == "0"   ? client::Acks::none
                    : arguments.acks == "1" ? client::Acks::leader
                                            : client::Acks::all;
      chosen.codec = *record::codec_named(arguments.compression);
      return app::produce(arguments.global, chosen);
    };
  });
}

void add_consume(CLI::App& program, Arguments& arguments) {
  CLI::App* consume = program.add_subcommand("consume", "Print the records of a topic");
  app::ConsumeOptions& options = arguments.consume;
  consume->add_option("TOPIC", options.topic, "name of the topic")->required();
  consume->add_option("-f,--from", arguments.from, "where to start: beginning, end or an offset")
      ->type_name("PLACE")
      ->check(CLI::Validator(check_from, ""))
      ->capture_default_str();
  consume
      ->add_option("-p,--partition", options.partitions,
                   "only this partition; may be given several times")
      ->check(CLI::NonNegativeNumber);
  CLI::Option* count =
      consume->add_option("-n,--count", arguments.count, "stop after so many records");
  consume->add_flag("-e,--exit-at-end", options.exit_at_end,
                    "stop where the partitions ended when it began");
  consume->add_flag("--committed", options.committed,
                    "leave out records of transactions that are open or aborted");
  consume
      ->add_option("-k,--key-separator", options.key_separator,
                   "print keys too, with this between key and value")
      ->type_name("TEXT");
  consume->footer(
      "With --json each record is an object: topic, partition, offset, timestamp,\n"
      "key, value, headers. Bytes that are no UTF-8 stand in key_base64 and so on.\n"
      "Example: flux consume orders --exit-at-end --json");
  consume->callback([&arguments, count] {
    const bool limited = count->count() > 0;
    arguments.chosen = [&arguments, limited] {
      app::ConsumeOptions& chosen = arguments.consume;
      if (limited) chosen.count = arguments.count;
      if (arguments.from == "end") {
        chosen.from = app::ConsumeOptions::From::end;
      } else if (arguments.from != "beginning") {
        chosen.from = app::ConsumeOptions::From::offset;
        std::from_chars(arguments.from.data(), arguments.from.data() + arguments.from.size(),
                        chosen.offset);
      }
      return app::consume(arguments.global, chosen);
    };
  });
}

void finish_global(Arguments& arguments) {
  std::size_t at = 0;
  while (at <= arguments.bootstrap.size()) {
    const std::size_t comma =
        std::min(arguments.bootstrap.find(',', at), arguments.bootstrap.size());
    arguments.global.bootstrap.push_back(
        env::Endpoint::parse(arguments.bootstrap.substr(at, comma - at)).value());
    at = comma + 1;
  }
  arguments.global.timeout = seconds(arguments.timeout_s);
}

// A word that is no command: the library only says that a command is missing.
bool complain_of_word(const CLI::App& program, const CLI::ParseError& error) {
  const std::vector<std::string> words = program.remaining(true);
  if (error.get_name() != "RequiredError" || words.empty()) return false;
  fmt::print(stderr, "flux: \"{}\" is no command or option here: --help lists them\n",
             words.front());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program("Flux: talk to a running cluster.", "flux");
  Arguments arguments;
  program.set_version_flag("--version", std::string("flux ") + FLUX_VERSION);
  program.add_option("-b,--bootstrap-server", arguments.bootstrap, "brokers to ask first")
      ->type_name("HOST:PORT[,...]")
      ->check(CLI::Validator(check_servers, ""))
      ->envname("FLUX_BOOTSTRAP_SERVER")
      ->capture_default_str();
  program.add_flag("--json", arguments.global.json, "print JSON");
  program.add_option("--timeout", arguments.timeout_s, "how long to try before giving up")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str();
  program.require_subcommand(1);
  program.fallthrough();
  program.footer("Exit codes: 0 done, 1 it failed, 2 bad usage. `flux COMMAND --help` says more.");
  add_topic_commands(program, arguments);
  add_cluster_commands(program, arguments);
  add_produce(program, arguments);
  add_consume(program, arguments);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (complain_of_word(program, error)) return kBadUsage;
    const int status = program.exit(error);
    return status == 0 ? app::kDone : kBadUsage;
  }
  finish_global(arguments);
  return arguments.chosen();
}
