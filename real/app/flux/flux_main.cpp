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
  app::DeleteRecordsOptions delete_records;
  std::vector<std::string> before;
  app::AlterTopicOptions alter;
  std::string config_kind;
  std::string config_name;
  app::DescribeConfigOptions config;
  std::vector<std::string> set;
  std::vector<std::string> append;
  std::vector<std::string> subtract;
  std::vector<std::string> removed;
  bool dry_run = false;
  bool internal = false;
  std::vector<std::string> described;
  app::ProduceOptions produce;
  std::int32_t partition = -1;
  std::string acks = "all";
  std::string compression = "none";
  app::ConsumeOptions consume;
  std::string from = "beginning";
  std::uint64_t count = 0;
  app::LogOptions log;
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

// "PARTITION:OFFSET", the offset a number or "end".
std::string take_before(const std::string& text, std::map<std::int32_t, std::int64_t>& before) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string offset_text = colon < text.size() ? text.substr(colon + 1) : "";
  const auto number = [](const std::string& digits, auto& out) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return error == std::errc() && end == digits.data() + digits.size() && out >= 0;
  };
  std::int32_t partition = 0;
  std::int64_t offset = -1;
  const bool good = number(text.substr(0, colon), partition) &&
                    (offset_text == "end" || number(offset_text, offset));
  if (!good) return "it must be PARTITION:OFFSET, where the offset may be end";
  if (!before.emplace(partition, offset).second) return "a partition is named twice";
  return "";
}

std::string check_before(const std::string& text) {
  std::map<std::int32_t, std::int64_t> one;
  return take_before(text, one);
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

void add_topic_create(CLI::App& topic, Arguments& arguments) {
  CLI::App* create = topic.add_subcommand("create", "Create a topic");
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
}

void add_topic_commands(CLI::App& program, Arguments& arguments) {
  CLI::App* topic =
      program.add_subcommand("topic", "Create, list, describe, alter and delete topics");
  topic->require_subcommand(1);

  add_topic_create(*topic, arguments);

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

  CLI::App* alter = topic->add_subcommand("alter", "Give a topic more partitions");
  alter->add_option("NAME", arguments.alter.name, "name of the topic")->required();
  alter
      ->add_option("-p,--partitions", arguments.alter.partitions,
                   "how many it is to have then; they never become fewer")
      ->required()
      ->check(CLI::Range(1, 1'000'000));
  alter->add_flag("--dry-run", arguments.alter.dry_run, "ask whether it could be done");
  alter->footer(
      "Records with a key may go to another partition from then on.\n"
      "Its settings are altered by `flux config alter topic NAME`.");
  alter->callback([&arguments] {
    arguments.chosen = [&arguments] { return app::alter_topic(arguments.global, arguments.alter); };
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

client::ConfigTarget target_of(const Arguments& arguments) {
  using Kind = client::ConfigTarget::Kind;
  const bool topic = arguments.config_kind == "topic";
  const bool all_brokers = !topic && arguments.config_name == "default";
  return {.kind = topic ? Kind::topic : Kind::broker,
          .name = all_brokers ? "" : arguments.config_name};
}

void add_target(CLI::App& command, Arguments& arguments) {
  command.add_option("KIND", arguments.config_kind, "what the settings belong to")
      ->required()
      ->check(CLI::IsMember({"topic", "broker"}));
  command
      .add_option("NAME", arguments.config_name,
                  "name of the topic, or id of the broker; default for all brokers")
      ->required();
}

int alter_config(const Arguments& arguments) {
  using Operation = client::ConfigEdit::Operation;
  app::AlterConfigOptions options{
      .target = target_of(arguments), .edits = {}, .dry_run = arguments.dry_run};
  const auto add = [&](const std::vector<std::string>& texts, Operation operation) {
    for (const std::string& text : texts) {
      const std::size_t equals = text.find('=');
      options.edits.push_back({.name = text.substr(0, equals),
                               .operation = operation,
                               .value = equals == text.npos ? "" : text.substr(equals + 1)});
    }
  };
  add(arguments.set, Operation::set);
  add(arguments.append, Operation::append);
  add(arguments.subtract, Operation::subtract);
  add(arguments.removed, Operation::remove);
  return app::alter_config(arguments.global, options);
}

void add_config_alter(CLI::App& config, Arguments& arguments) {
  CLI::App* alter = config.add_subcommand("alter", "Change settings while the broker runs");
  add_target(*alter, arguments);
  CLI::Option_group* edits = alter->add_option_group("edits");
  const auto add = [&](const char* name, std::vector<std::string>& into, const char* words) {
    edits->add_option(name, into, words)
        ->type_name("NAME=VALUE")
        ->allow_extra_args(false)
        ->check(CLI::Validator(check_setting, ""));
  };
  add("-s,--set", arguments.set, "give a setting this value");
  add("--append", arguments.append, "add to a setting that is a list");
  add("--subtract", arguments.subtract, "take from a setting that is a list");
  edits->add_option("-d,--delete", arguments.removed, "let a setting have its default again")
      ->type_name("NAME")
      ->allow_extra_args(false);
  edits->require_option(1, 0);
  alter->add_flag("--dry-run", arguments.dry_run, "ask whether it could be done");
  alter->footer(
      "All edits are carried out, or none. Of a broker, the defaults of topics can be altered.\n"
      "Example: flux config alter topic orders --set retention.ms=60000 --delete segment.ms\n"
      "Example: flux config alter broker default --set log.retention.ms=86400000");
  alter->callback(
      [&arguments] { arguments.chosen = [&arguments] { return alter_config(arguments); }; });
}

void add_config_commands(CLI::App& program, Arguments& arguments) {
  CLI::App* config =
      program.add_subcommand("config", "Describe and alter the settings of topics and brokers");
  config->require_subcommand(1);

  CLI::App* describe =
      config->add_subcommand("describe", "Show settings and where their values come from");
  add_target(*describe, arguments);
  describe->add_flag("-a,--all", arguments.config.all, "those at their defaults too");
  describe->add_flag("--explain", arguments.config.explain, "say what each setting means");
  describe->footer(
      "Values come from the topic, the broker or all brokers (altered while they run), the\n"
      "broker's file, or are defaults.\n"
      "Example: flux config describe topic orders --all --explain\n"
      "Example: flux config describe broker 1 --json");
  describe->callback([&arguments] {
    arguments.chosen = [&arguments] {
      arguments.config.target = target_of(arguments);
      return app::describe_config(arguments.global, arguments.config);
    };
  });

  add_config_alter(*config, arguments);

  CLI::App* remove = config->add_subcommand("delete", "Let settings have their defaults again");
  add_target(*remove, arguments);
  remove->add_option("SETTING", arguments.removed, "names of settings")->required();
  remove->add_flag("--dry-run", arguments.dry_run, "ask whether it could be done");
  remove->footer("Example: flux config delete topic orders retention.ms segment.ms");
  remove->callback(
      [&arguments] { arguments.chosen = [&arguments] { return alter_config(arguments); }; });
}

void add_delete_records(CLI::App& program, Arguments& arguments) {
  CLI::App* command = program.get_subcommand("topic")->add_subcommand(
      "delete-records", "Delete the records of partitions that lie before an offset");
  command->add_option("NAME", arguments.delete_records.topic, "name of the topic")->required();
  command
      ->add_option("--before", arguments.before,
                   "the first offset that stays, or end; may be given for several partitions")
      ->type_name("PARTITION:OFFSET")
      ->required()
      ->check(CLI::Validator(check_before, ""));
  command->footer("Example: flux topic delete-records orders --before 0:1000 --before 1:end");
  command->callback([&arguments] {
    for (const std::string& text : arguments.before) {
      const std::string wrong = take_before(text, arguments.delete_records.before);
      if (!wrong.empty()) throw CLI::ValidationError("--before " + text, wrong);
    }
    arguments.chosen = [&arguments] {
      return app::delete_records(arguments.global, arguments.delete_records);
    };
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

void add_log_commands(CLI::App& program, Arguments& arguments) {
  CLI::App* log = program.add_subcommand("log", "Look into the files of a broker that is stopped");
  log->require_subcommand(1);
  const auto add_path = [&arguments](CLI::App* command) {
    command
        ->add_option("PATH", arguments.log.path,
                     "a data directory, a partition's directory, or a file in one")
        ->required();
  };

  CLI::App* dump = log->add_subcommand("dump", "Print what stands in the files");
  add_path(dump);
  dump->add_flag("--records", arguments.log.records, "the records of each batch too");
  dump->footer(
      "Batches of .log and .checkpoint files, entries of .integrity, .index and .timeindex\n"
      "files, leader epochs, topic ids; with --json an object each.\n"
      "Example: flux log dump /var/lib/flux/orders-0 --records --json");
  dump->callback([&arguments] {
    arguments.chosen = [&arguments] { return app::dump_log(arguments.global, arguments.log); };
  });

  CLI::App* verify = log->add_subcommand(
      "verify", "Recover partitions as a broker would, in memory, and read all they hold");
  add_path(verify);
  verify->footer(
      "Changes nothing. Tells what is rotten (acknowledged, and spoilt or gone) from a torn tail\n"
      "(an unfinished write, which the broker cuts off), and what the broker would change.\n"
      "Exit codes: 0 nothing is rotten, 1 something is, or cannot be opened, 2 bad usage.");
  verify->callback([&arguments] {
    arguments.chosen = [&arguments] { return app::verify_log(arguments.global, arguments.log); };
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
  add_delete_records(program, arguments);
  add_cluster_commands(program, arguments);
  add_config_commands(program, arguments);
  add_produce(program, arguments);
  add_consume(program, arguments);
  add_log_commands(program, arguments);
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
