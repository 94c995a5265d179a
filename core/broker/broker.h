// Broker: the partitions that this node leads, and what clients may ask of them.
//
// It reads the controller's image for each question and follows its commits: partitions come into
// being when they are first used and are retired when their topic is removed; what is left of a
// removed topic on disk is then deleted in the background.
//
// Invariants: a partition is known by topic id, so that a topic created again under a name shares
// nothing with its former self; trouble with one partition's files is that partition's alone; no
// call waits longer than it was told to, even if the disk hangs.
// It knows no protocol (net/server does) and decides nothing about metadata (core/controller does).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/broker/fault.h"
#include "core/broker/housekeeping.h"
#include "core/broker/partition.h"
#include "core/broker/patience.h"
#include "core/controller/controller.h"
#include "core/controller/setting_layers.h"
#include "core/env/env.h"
#include "core/sync/mutex.h"
#include "core/sync/semaphore.h"
#include "core/sync/task_group.h"

namespace flux::broker {

class Reserve;

struct BrokerConfig {
  NodeId node{1};
  std::string data_directory;
  controller::Settings topic_defaults;  // by topic setting: what the broker's configuration says
  LogKnobs log;
  std::int64_t fetch_bytes_max = 57'671'680;  // fetch.max.bytes
  HousekeepingConfig housekeeping;
  Duration disk_patience = seconds(10);             // flux.disk.patience.ms
  std::int64_t batch_plain_bytes_max = 64LL << 20;  // of a batch, decompressed
  const Reserve* reserve = nullptr;  // of the disk, if it has one; outlives the broker
};

class Broker {
 public:
  Broker(env::Env& env, BrokerConfig config, controller::Controller& controller);

  // Registers with the controller and looks through the data directory.
  Result<void> start(env::Task& task, const controller::RegisterBrokerRecord& registration);
  // The node is about to stop: whoever waits for records to come is answered now.
  void hurry();
  bool hurrying() const { return hurrying_; }
  // Ends every log in order. Requests must have been answered.
  Result<void> stop(env::Task& task);
  // What the controller made visible (Controller::OnCommit).
  void on_commit(const controller::Image& image, std::span<const controller::Record> records);

  const BrokerConfig& config() const { return config_; }
  controller::Controller& controller() { return controller_; }
  std::shared_ptr<const controller::Image> image() const { return controller_.image(); }
  env::Env& env() { return env_; }
  // Tasks that may outlast the request they were made for.
  sync::TaskGroup& work() { return work_; }
  // Of these, those that a request waits for no longer than its patience lasts (patience.h). They
  // are counted by themselves: every partition that is appended to has a task of its own.
  sync::TaskGroup& patient_work() { return patient_work_; }
  // Batches that may be unpacked at the same time; each takes up to batch_plain_bytes_max.
  sync::Semaphore& unpacking() { return unpacking_; }
  // Bytes of batches that were compressed anew and are not in their log yet.
  static constexpr std::uint64_t kRepackedBytesMax = 64U << 20;
  sync::Semaphore& repacked_room() { return repacked_room_; }
  Instant patience_end() const { return env_.clock.now() + config_.disk_patience; }

  // The partition if it exists and this broker leads it.
  Outcome<std::shared_ptr<Partition>> partition(const controller::TopicState& topic,
                                                PartitionIndex index);
  // Also checks the epoch that the client believes in; -1 is not checked.
  Outcome<std::shared_ptr<Partition>> partition(const controller::TopicState& topic,
                                                PartitionIndex index, LeaderEpoch believed);
  // Null when nobody has used it since the start.
  std::shared_ptr<Partition> known_partition(const Uuid& topic, PartitionIndex index) const;
  std::string directory_of(const std::string& topic, PartitionIndex index) const;
  controller::TopicConfig topic_config(std::string_view topic) const;
  // Where the settings of a topic come from; of the broker itself, if the name is empty. Valid as
  // long as `image` and this broker.
  controller::SettingLayers setting_layers(const controller::Image& image,
                                           const std::string& topic) const;

  Outcome<ProducerId> new_producer_id(env::Task& task);

  std::size_t partitions_known() const { return partitions_.size(); }
  BrokerMetrics& metrics() { return host_.metrics; }
  const BrokerMetrics& metrics() const { return host_.metrics; }
  // With what is summed up over partitions now.
  void write_metrics(env::Task& task, metrics::Exposition& to) const;

 private:
  static constexpr std::uint64_t kUnpackingMax = 4;
  struct PartitionKey {
    Uuid topic;
    PartitionIndex index;
    friend auto operator<=>(const PartitionKey&, const PartitionKey&) = default;
  };

  Result<void> close_all(env::Task& task);
  Result<void> sweep(env::Task& task);
  Result<void> move_stray(env::Task& task, const std::string& directory);
  Result<void> remove_directory(env::Task& task, const std::string& directory);
  // What is left of a removed partition: its directory, and the partition if it was ever used.
  struct Remains {
    std::string directory;
    Uuid topic;
    std::shared_ptr<Partition> partition;
  };
  void delete_in_background(std::vector<Remains> remains);
  Result<void> delete_partition(env::Task& task, const Remains& remains);
  Result<void> move_doomed(env::Task& task, const Remains& remains);
  static std::string doomed_name(const Remains& remains);
  Result<void> await_former(env::Task& task, const std::string& directory);
  void remove_topic(const Uuid& id);
  Outcome<LeaderEpoch> renew_leadership(env::Task& task, const log::LogIdentity& identity);
  void apply_all(const controller::Image& image);
  void apply_topic(const controller::TopicState& topic);
  void renew_topic_defaults(const controller::Image& image);
  void spread_topic_defaults();

  env::Env& env_;
  BrokerConfig config_;
  controller::Controller& controller_;
  std::int64_t epoch_ = -1;
  bool hurrying_ = false;
  controller::Settings topic_defaults_;  // the configuration's and those changed at run time
  bool spreading_ = false;
  bool spread_again_ = false;
  sync::Semaphore repacked_room_{kRepackedBytesMax};  // outlives the batches that have of it
  sync::TaskGroup work_;
  sync::TaskGroup patient_work_;
  PartitionHost host_;
  std::map<PartitionKey, std::shared_ptr<Partition>> partitions_;
  // Of topics that were seen, so that a removal knows what to look for on disk.
  std::map<Uuid, std::pair<std::string, std::int32_t>> topics_;
  // What has not been moved out of the way yet, by directory.
  std::multimap<std::string, Remains> leaving_;
  sync::Mutex moving_directories_;

  Housekeeping housekeeping_;
  sync::Semaphore unpacking_{kUnpackingMax};
  sync::Mutex allocating_ids_;
  ProducerId next_id_{0};
  std::int64_t ids_left_ = 0;
};

}  // namespace flux::broker
