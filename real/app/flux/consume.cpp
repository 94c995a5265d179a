#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "net/client/admin.h"
#include "net/client/consumer.h"
#include "real/app/flux/commands.h"
#include "real/app/flux/output.h"
#include "real/app/flux/session.h"

namespace flux::app {
namespace {

using client::Client;
using client::ConsumedRecord;
using client::Consumer;
using client::PartitionNews;
using client::StartAt;
using env::Task;

class Consuming {
 public:
  Consuming(Client& client, const GlobalOptions& global, const ConsumeOptions& options)
      : client_(client), global_(global), options_(options), consumer_(client, config()) {}

  int run(Task& task) {
    if (const Result<void> begun = begin(task); !begun) {
      complain(begun.error());
      return kFailed;
    }
    Instant silent_since = client_.now();
    while (!is_over()) {
      const auto polled = consumer_.poll(task, seconds(1));
      if (!polled) {
        flush_output();
        // Told to stop by a person: that is how an endless reading ends.
        if (polled.error() == ErrorCode::cancelled && !options_.exit_at_end) return kDone;
        complain(polled.error());
        return kFailed;
      }
      for (const PartitionNews& news : *polled) {
        if (!news.error) silent_since = client_.now();
        const bool lasting = client_.now() - silent_since > global_.timeout;
        if (news.error && (!news.retrying || lasting)) {
          flush_output();
          complain(*news.error);
          return kFailed;
        }
        if (!show(news)) return kFailed;
      }
      if (!flush_output()) return kFailed;
    }
    return flush_output() ? kDone : kFailed;
  }

 private:
  client::ConsumerConfig config() const {
    client::ConsumerConfig config;
    if (options_.committed) config.isolation = client::Isolation::read_committed;
    return config;
  }

  Result<void> begin(Task& task) {
    const client::TopicInfo* topic = TRY(client_.topic(task, options_.topic));
    std::vector<TopicPartition> wanted;
    for (const std::int32_t index : options_.partitions) {
      const PartitionIndex partition(index);
      if (client_.metadata().partition(options_.topic, partition) == nullptr) {
        return fail(ErrorCode::unknown_topic_or_partition,
                    fmt::format("topic {} has no partition {}: it has {}", options_.topic, index,
                                topic->partitions.size()));
      }
      wanted.push_back({options_.topic, partition});
    }
    if (wanted.empty()) {
      for (const auto& partition : topic->partitions) {
        wanted.push_back({options_.topic, partition.index});
      }
    }
    if (options_.exit_at_end) wanted = TRY(with_ends(task, wanted));
    for (const TopicPartition& at : wanted) consumer_.assign(at, start());
    return {};
  }

  // Notes where they end. One offset stands for all partitions, so that some may end before it:
  // those are left out. Not all of them.
  Result<std::vector<TopicPartition>> with_ends(Task& task,
                                                const std::vector<TopicPartition>& wanted) {
    client::Admin admin(client_);
    const auto listed_ends = TRY(admin.list_offsets(task, wanted, -1, config().isolation));
    std::vector<TopicPartition> kept;
    std::string beyond;
    for (const auto& [at, listed] : listed_ends) {
      if (listed.error) return std::unexpected(*listed.error);
      if (options_.from == ConsumeOptions::From::offset &&
          Offset(options_.offset) > listed.offset) {
        beyond += fmt::format("{}{} ends at {}", beyond.empty() ? "" : ", ", at.to_string(),
                              listed.offset.value());
        continue;
      }
      ends_[at] = listed.offset;
      kept.push_back(at);
    }
    if (!kept.empty()) return kept;
    return fail(ErrorCode::out_of_range,
                fmt::format("there is no offset {}: {}", options_.offset, beyond));
  }

  StartAt start() const {
    switch (options_.from) {
      case ConsumeOptions::From::beginning:
        return StartAt::beginning();
      case ConsumeOptions::From::end:
        return StartAt::end();
      case ConsumeOptions::From::offset:
        break;
    }
    return StartAt::offset(Offset(options_.offset));
  }

  bool is_over() const {
    if (options_.count && shown_ >= *options_.count) return true;
    if (!options_.exit_at_end) return false;
    for (const auto& [at, end] : ends_) {
      const auto position = consumer_.position(at);
      if (!position || *position < end) return false;
    }
    return true;
  }

  bool show(const PartitionNews& news) {
    for (const ConsumedRecord& record : news.records) {
      if (options_.count && shown_ >= *options_.count) return true;
      ++shown_;
      if (!(global_.json ? show_json(news.at, record) : show_line(record))) return false;
    }
    return true;
  }

  bool show_line(const ConsumedRecord& record) const {
    if (!options_.key_separator.empty()) {
      if (record.key && !print_bytes(*record.key)) return false;
      if (!print_bytes(as_bytes(options_.key_separator))) return false;
    }
    if (record.value && !print_bytes(*record.value)) return false;
    return print_line("");
  }

  bool show_json(const TopicPartition& at, const ConsumedRecord& record) const {
    nlohmann::ordered_json out = {{"topic", at.topic},
                                  {"partition", at.partition.value()},
                                  {"offset", record.offset.value()},
                                  {"timestamp", record.timestamp.value()}};
    set_bytes(out, "key", record.key);
    set_bytes(out, "value", record.value);
    out["headers"] = nlohmann::ordered_json::array();
    for (const client::RecordHeader& header : record.headers) {
      nlohmann::ordered_json entry;
      set_bytes(entry, "key", to_bytes(as_bytes(header.key)));
      set_bytes(entry, "value", header.value);
      out["headers"].push_back(std::move(entry));
    }
    return print_json(out);
  }

  Client& client_;
  const GlobalOptions& global_;
  const ConsumeOptions& options_;
  Consumer consumer_;
  std::map<TopicPartition, Offset> ends_;
  std::uint64_t shown_ = 0;
};

}  // namespace

int consume(const GlobalOptions& global, const ConsumeOptions& options) {
  return with_client(global, [&](Task& task, Client& client) {
    Consuming consuming(client, global, options);
    return consuming.run(task);
  });
}

}  // namespace flux::app
