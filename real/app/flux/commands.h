// The commands of flux, each a function from its options to an exit code.
//
// Options are plain values that flux_main.cpp has checked as far as their form goes. A command
// prints results to standard output and complaints to standard error, and owns its connections for
// as long as it runs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "core/env/network.h"
#include "core/record/batch.h"
#include "net/client/admin.h"
#include "net/client/config.h"

namespace flux::app {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kBadUsage = 2;

struct GlobalOptions {
  std::vector<env::Endpoint> bootstrap;
  bool json = false;
  Duration timeout = seconds(30);
};

struct CreateTopicOptions {
  std::string name;
  std::int32_t partitions = -1;
  std::int16_t replication = -1;
  std::map<std::string, std::string> config;
  bool if_not_exists = false;
};
int create_topic(const GlobalOptions& global, const CreateTopicOptions& options);

struct DeleteTopicOptions {
  std::string name;
  bool if_exists = false;
};
int delete_topic(const GlobalOptions& global, const DeleteTopicOptions& options);

struct DeleteRecordsOptions {
  std::string topic;
  std::map<std::int32_t, std::int64_t> before;  // by partition; -1: all that is there
};
int delete_records(const GlobalOptions& global, const DeleteRecordsOptions& options);

int list_topics(const GlobalOptions& global, bool internal);
// All topics when none is named.
int describe_topics(const GlobalOptions& global, const std::vector<std::string>& names);

// Brokers, features, and what their directories hold.
int describe_cluster(const GlobalOptions& global);

struct AlterTopicOptions {
  std::string name;
  std::int32_t partitions = 0;
  bool dry_run = false;
};
int alter_topic(const GlobalOptions& global, const AlterTopicOptions& options);

struct DescribeConfigOptions {
  client::ConfigTarget target;
  bool all = false;      // those at their defaults too
  bool explain = false;  // with what each means
};
int describe_config(const GlobalOptions& global, const DescribeConfigOptions& options);

struct AlterConfigOptions {
  client::ConfigTarget target;
  std::vector<client::ConfigEdit> edits;
  bool dry_run = false;
};
int alter_config(const GlobalOptions& global, const AlterConfigOptions& options);

struct ProduceOptions {
  std::string topic;
  std::optional<std::int32_t> partition;
  std::string key_separator;  // empty: lines have no key
  client::Acks acks = client::Acks::all;
  record::Codec codec = record::Codec::none;
  bool idempotent = true;  // only matters with acks=all
};
int produce(const GlobalOptions& global, const ProduceOptions& options);

struct ConsumeOptions {
  enum class From : std::uint8_t { beginning, end, offset };
  std::string topic;
  std::vector<std::int32_t> partitions;  // empty: all
  From from = From::beginning;
  std::int64_t offset = 0;
  std::optional<std::uint64_t> count;  // no more than so many records
  bool exit_at_end = false;
  bool committed = false;
  std::string key_separator;  // empty: keys are not shown
};
int consume(const GlobalOptions& global, const ConsumeOptions& options);

struct LogOptions {
  std::string path;  // a data directory, a partition's directory, or a file in one
  bool records = false;
};
// What stands in the files, as it stands there.
int dump_log(const GlobalOptions& global, const LogOptions& options);
// What a broker would find on opening them, and whether all they hold can be read.
int verify_log(const GlobalOptions& global, const LogOptions& options);

}  // namespace flux::app
