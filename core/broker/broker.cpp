#include "core/broker/broker.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "core/base/mark.h"
#include "core/base/mutant.h"
#include "core/broker/reserve.h"

namespace flux::broker {

namespace {

constexpr std::string_view kDeleteSuffix = "-delete";
constexpr std::string_view kStraySuffix = "-stray";
constexpr std::size_t kClosedAtOnce = 64;

// "orders-3"; nothing for a name of another form.
std::optional<TopicPartition> parse_directory(std::string_view name) {
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || dash == 0) return std::nullopt;
  const std::string_view digits = name.substr(dash + 1);
  std::int32_t index = 0;
  const auto [at, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (error != std::errc() || at != digits.data() + digits.size() || index < 0) return std::nullopt;
  return TopicPartition{std::string(name.substr(0, dash)), PartitionIndex(index)};
}

std::string hex(const Uuid& id) { return fmt::format("{:016x}{:016x}", id.high, id.low); }

}  // namespace

Broker::Broker(env::Env& env, BrokerConfig config, controller::Controller& controller)
    : env_(env),
      config_(std::move(config)),
      controller_(controller),
      topic_defaults_(config_.topic_defaults),
      work_(env.scheduler),
      patient_work_(env.scheduler),
      host_{.env = env,
            .work = work_,
            .knobs = config_.log,
            .reserve = config_.reserve,
            .renew_leadership =
                [this](env::Task& task, const log::LogIdentity& identity) {
                  return renew_leadership(task, identity);
                },
            .move_stray = [this](
                              env::Task& task,
                              const std::string& directory) { return move_stray(task, directory); },
            .await_former =
                [this](env::Task& task, const std::string& directory) {
                  return await_former(task, directory);
                }},
      housekeeping_(*this, config_.housekeeping) {}

Result<void> Broker::start(env::Task& task, const controller::RegisterBrokerRecord& registration) {
  apply_all(*image());
  const auto epoch = controller_.register_broker(task, registration);
  if (!epoch) {
    return fail(ErrorCode::not_available, "registering the broker: " + epoch.error().detail);
  }
  epoch_ = *epoch;
  TRY(sweep(task));
  housekeeping_.start();
  return {};
}

void Broker::hurry() {
  hurrying_ = true;
  for (const auto& [id, partition] : partitions_) partition->watches().raise();
}

Result<void> Broker::stop(env::Task& task) {
  for (const auto& [id, partition] : partitions_) partition->stop_retrying();
  TRY(housekeeping_.stop(task));
  TRY(patient_work_.wait(task));
  TRY(work_.wait(task));
  Result<void> out = close_all(task);
  partitions_.clear();
  return out;
}

// Several at once, since closing a log is little more than waiting for its syncs. What they share
// outlives a wait that ends early.
Result<void> Broker::close_all(env::Task& task) {
  struct Closing {
    decltype(partitions_)::iterator next;
    Result<void> out;
  };
  const auto closing = std::make_shared<Closing>(partitions_.begin(), Result<void>());
  const std::size_t workers = std::min(partitions_.size(), kClosedAtOnce);
  for (std::size_t n = 0; n < workers; ++n) {
    work_.spawn("partition.close", [this, closing](env::Task& worker) {
      while (closing->next != partitions_.end()) {
        Partition& partition = *(closing->next++)->second;
        Result<void> closed = partition.close(worker);
        if (closed) continue;
        TRACE(env_.trace, error, "partition.close_failed",
              {"partition", partition.identity().name()}, {"why", closed.error().to_string()});
        closing->out = std::move(closed);
      }
    });
  }
  TRY(work_.wait(task));
  return closing->out;
}

// ---- metadata

void Broker::apply_topic(const controller::TopicState& topic) {
  topics_[topic.id] = {topic.name, static_cast<std::int32_t>(topic.partitions.size())};
  auto at = partitions_.lower_bound({topic.id, PartitionIndex(0)});
  if (at == partitions_.end() || at->first.topic != topic.id) return;
  const controller::TopicConfig config = topic_config(topic.name);
  for (; at != partitions_.end() && at->first.topic == topic.id; ++at) {
    const auto index = static_cast<std::size_t>(at->first.index.value());
    CHECK_LT(index, topic.partitions.size());
    at->second->set_epoch(topic.partitions[index].leader_epoch);
    at->second->set_config(config);
  }
}

void Broker::renew_topic_defaults(const controller::Image& image) {
  topic_defaults_ = controller::topic_defaults(setting_layers(image, ""));
}

// Topics that are used from now on have the new defaults at once; those with open partitions get
// them one after the other, since there may be very many.
void Broker::spread_topic_defaults() {
  spread_again_ = true;
  if (spreading_) return;
  spreading_ = true;
  work_.spawn("topic.defaults", [this](env::Task& task) {
    const env::Shield shield(task);
    while (spread_again_) {
      spread_again_ = false;
      Uuid last;
      for (auto at = topics_.begin(); at != topics_.end(); at = topics_.upper_bound(last)) {
        last = at->first;
        if (const auto topic = image()->topic(last)) apply_topic(*topic);
        env::yield_if_due(task);
      }
    }
    spreading_ = false;
  });
}

void Broker::apply_all(const controller::Image& image) {
  std::vector<Uuid> gone;
  for (const auto& [id, topic] : topics_) {
    if (!image.topic_names.contains(id)) gone.push_back(id);
  }
  for (const Uuid& id : gone) remove_topic(id);
  renew_topic_defaults(image);
  for (const auto& [name, topic] : image.topics) apply_topic(*topic);
}

void Broker::on_commit(const controller::Image& image,
                       std::span<const controller::Record> records) {
  if (records.empty()) return apply_all(image);
  bool defaults_changed = false;
  Uuid changed;
  const auto touch = [&](const Uuid& id) {
    if (id == changed) return;
    changed = id;
    if (const auto topic = image.topic(id)) apply_topic(*topic);
  };
  for (const controller::Record& record : records) {
    if (const auto* topic = std::get_if<controller::TopicRecord>(&record)) touch(topic->topic);
    if (const auto* more = std::get_if<controller::PartitionRecord>(&record)) touch(more->topic);
    if (const auto* change = std::get_if<controller::PartitionChangeRecord>(&record)) {
      touch(change->topic);
    }
    if (const auto* config = std::get_if<controller::ConfigRecord>(&record)) {
      const bool of_topic = config->resource.kind == controller::ConfigResourceKind::topic;
      if (!of_topic) defaults_changed = true;
      const auto topic = of_topic ? image.topic(config->resource.name) : nullptr;
      if (topic != nullptr) touch(topic->id);
    }
    if (const auto* removed = std::get_if<controller::RemoveTopicRecord>(&record)) {
      remove_topic(removed->topic);
    }
  }
  if (!defaults_changed) return;
  renew_topic_defaults(image);
  spread_topic_defaults();
}

controller::TopicConfig Broker::topic_config(std::string_view topic) const {
  const auto image = controller_.image();
  return controller::topic_config(
      image->settings_of({controller::ConfigResourceKind::topic, std::string(topic)}),
      topic_defaults_);
}

controller::SettingLayers Broker::setting_layers(const controller::Image& image,
                                                 const std::string& topic) const {
  using Kind = controller::ConfigResourceKind;
  return {.topic = topic.empty() ? nullptr : image.settings_of({Kind::topic, topic}),
          .broker = image.settings_of({Kind::broker, std::to_string(config_.node.value())}),
          .all_brokers = image.settings_of({Kind::broker, ""}),
          .file = &config_.topic_defaults};
}

Outcome<LeaderEpoch> Broker::renew_leadership(env::Task& task, const log::LogIdentity& identity) {
  const auto renewed = controller_.renew_leadership(task, identity.topic_id, identity.partition);
  const auto topic = image()->topic(identity.topic_id);
  if (topic == nullptr) return fault(FaultKind::unknown_topic_or_partition);
  if (!renewed) return fault(FaultKind::storage, renewed.error().detail);
  return topic->partitions[static_cast<std::size_t>(identity.partition.value())].leader_epoch;
}

// ---- partitions

std::string Broker::directory_of(const std::string& topic, PartitionIndex index) const {
  return fmt::format("{}/{}-{}", config_.data_directory, topic, index.value());
}

std::shared_ptr<Partition> Broker::known_partition(const Uuid& topic, PartitionIndex index) const {
  const auto found = partitions_.find({topic, index});
  return found == partitions_.end() ? nullptr : found->second;
}

Outcome<std::shared_ptr<Partition>> Broker::partition(const controller::TopicState& topic,
                                                      PartitionIndex index) {
  const auto at = static_cast<std::size_t>(index.value());
  // Whoever holds an older image must not bring a removed topic back to life.
  const bool removed = !topics_.contains(topic.id);
  if (removed || index.value() < 0 || at >= topic.partitions.size()) {
    return fault(FaultKind::unknown_topic_or_partition);
  }
  const controller::PartitionState& state = topic.partitions[at];
  if (state.leader != config_.node) return fault(FaultKind::not_leader);
  std::shared_ptr<Partition>& slot = partitions_[{topic.id, index}];
  if (slot == nullptr) {
    slot = std::make_shared<Partition>(host_, directory_of(topic.name, index),
                                       log::LogIdentity{topic.name, index, topic.id},
                                       topic_config(topic.name), state.leader_epoch);
  }
  return slot;
}

Outcome<std::shared_ptr<Partition>> Broker::partition(const controller::TopicState& topic,
                                                      PartitionIndex index, LeaderEpoch believed) {
  auto found = partition(topic, index);
  if (!found || believed == kNoLeaderEpoch) return found;
  if (believed < (*found)->epoch()) return fault(FaultKind::fenced_leader_epoch);
  if (believed > (*found)->epoch()) return fault(FaultKind::unknown_leader_epoch);
  return found;
}

// ---- metrics

void Broker::write_metrics(env::Task& task, metrics::Exposition& to) const {
  using metrics::Kind;
  host_.metrics.write(to);
  if (config_.reserve != nullptr) config_.reserve->write_metrics(to);
  const auto now = image();
  std::uint64_t partitions = 0;
  std::uint64_t led = 0;
  for (const auto& [name, topic] : now->topics) {
    partitions += topic->partitions.size();
    for (const controller::PartitionState& state : topic->partitions) {
      led += state.leader == config_.node ? 1 : 0;
    }
    env::yield_if_due(task);
  }
  std::uint64_t open = 0;
  std::uint64_t bytes = 0;
  std::uint64_t segments = 0;
  std::uint64_t damaged = 0;
  // Others run in between, and may take partitions away.
  PartitionKey last{.topic = {}, .index = PartitionIndex(-1)};
  for (auto at = partitions_.begin(); at != partitions_.end(); at = partitions_.upper_bound(last)) {
    last = at->first;
    if (const std::shared_ptr<log::Log> log = at->second->log(); log != nullptr) {
      ++open;
      bytes += log->size_bytes();
      segments += log->segment_count();
      damaged += log->damage().size();
    }
    env::yield_if_due(task);
  }
  to.single("flux_topics", Kind::gauge, "Topics of the cluster.",
            std::uint64_t{now->topics.size()});
  to.single("flux_partitions", Kind::gauge, "Partitions of the cluster.", partitions);
  to.single("flux_partitions_led", Kind::gauge, "Partitions that this node leads.", led);
  to.single("flux_logs_open", Kind::gauge, "Partitions whose log was used since the start.", open);
  to.single("flux_log_size_bytes", Kind::gauge, "Bytes of record batches in those logs.", bytes);
  to.single("flux_log_segments", Kind::gauge, "Segments of those logs.", segments);
  to.single("flux_log_damaged_ranges", Kind::gauge,
            "Ranges of offsets in those logs that are known to be spoilt or lost.", damaged);
  to.single("flux_metadata_log_end_offset", Kind::gauge,
            "Where the metadata ends that this node acts on.",
            static_cast<std::uint64_t>(std::max<std::int64_t>(0, now->end.value())));
}

// ---- directories

Result<void> Broker::sweep(env::Task& task) {
  const auto now = image();
  std::vector<Remains> left_over;
  for (const env::DirectoryEntry& entry : TRY(env_.disk.list(task, config_.data_directory))) {
    if (!entry.is_directory) continue;
    const std::string path = fmt::format("{}/{}", config_.data_directory, entry.name);
    if (entry.name.ends_with(kDeleteSuffix)) {
      REACHED("broker.delete_resumed");
      left_over.push_back(Remains{.directory = path, .topic = {}, .partition = {}});
      if (MUTANT("broker.delete_resumed_by_name")) {
        static_cast<void>(remove_directory(task, path.substr(0, path.rfind('.'))));
      }
      continue;
    }
    const auto parsed = parse_directory(entry.name);
    if (!parsed || parsed->topic == controller::kMetadataTopic) continue;
    const auto topic = now->topic(parsed->topic);
    const auto index = static_cast<std::size_t>(parsed->partition.value());
    if (topic != nullptr && index < topic->partitions.size()) continue;
    auto moved = move_stray(task, path);
    if (!moved) {
      TRACE(env_.trace, warning, "broker.stray_failed", {"directory", path},
            {"why", moved.error().to_string()});
    }
    env::yield_if_due(task);
  }
  if (!left_over.empty()) delete_in_background(std::move(left_over));
  return {};
}

// Data without metadata is kept for a person to look at: a delete that a crash cut short looks the
// same as metadata that was lost.
Result<void> Broker::move_stray(env::Task& task, const std::string& directory) {
  auto guard = TRY(moving_directories_.lock(task));
  auto id = log::read_topic_id(task, env_.disk, directory);
  if (!id && id.error() != ErrorCode::not_found) return std::unexpected(id.error());
  if (id && image()->topic(*id) != nullptr) {
    return fail(ErrorCode::exists, directory + " belongs to another topic that exists");
  }
  REACHED("broker.stray_moved");
  const std::string to = fmt::format("{}.{}{}", directory, hex(id.value_or(Uuid{})), kStraySuffix);
  TRACE(env_.trace, warning, "broker.stray", {"directory", directory}, {"moved_to", to});
  TRY(env_.disk.rename(task, directory, to));
  return env_.disk.sync_directory(task, config_.data_directory);
}

void Broker::remove_topic(const Uuid& id) {
  const auto known = topics_.find(id);
  if (known == topics_.end()) return;
  const auto [name, count] = known->second;
  topics_.erase(known);
  std::vector<Remains> remains;
  for (std::int32_t i = 0; i < count; ++i) {
    Remains& one = remains.emplace_back(
        Remains{.directory = directory_of(name, PartitionIndex(i)), .topic = id, .partition = {}});
    const auto at = partitions_.find({id, PartitionIndex(i)});
    if (at == partitions_.end()) continue;
    one.partition = std::move(at->second);
    partitions_.erase(at);
    one.partition->retire();
  }
  for (const Remains& one : remains) leaving_.emplace(one.directory, one);
  delete_in_background(std::move(remains));
}

// One task for all of a topic's partitions, however many there are.
void Broker::delete_in_background(std::vector<Remains> remains) {
  work_.spawn("topic.delete", [this, doomed = std::move(remains)](env::Task& task) {
    const env::Shield shield(task);
    for (const Remains& one : doomed) {
      auto deleted = delete_partition(task, one);
      env::yield_if_due(task);
      if (deleted) continue;
      REACHED("broker.delete_failed");
      TRACE(env_.trace, warning, "partition.delete_failed", {"directory", one.directory},
            {"why", deleted.error().to_string()});
    }
  });
}

std::string Broker::doomed_name(const Remains& remains) {
  return fmt::format("{}.{}{}", remains.directory, hex(remains.topic), kDeleteSuffix);
}

Result<void> Broker::delete_partition(env::Task& task, const Remains& remains) {
  if (remains.directory.ends_with(kDeleteSuffix)) return remove_directory(task, remains.directory);
  auto moved = move_doomed(task, remains);
  const auto [first, last] = leaving_.equal_range(remains.directory);
  for (auto at = first; at != last; ++at) {
    if (at->second.topic != remains.topic) continue;
    leaving_.erase(at);
    break;
  }
  TRY(std::move(moved));
  auto removed = remove_directory(task, doomed_name(remains));
  if (!removed && removed.error() == ErrorCode::not_found) return {};
  return removed;
}

// Out of the way of a topic of the same name; nothing if that was done, or there is nothing.
Result<void> Broker::move_doomed(env::Task& task, const Remains& remains) {
  if (remains.partition != nullptr) TRY(remains.partition->abandon(task));
  auto guard = TRY(moving_directories_.lock(task));
  auto found = log::read_topic_id(task, env_.disk, remains.directory);
  if (!found && found.error() == ErrorCode::not_found) return {};
  if (!found) return std::unexpected(found.error());
  // A topic of the same name may already have a directory here.
  if (*found != remains.topic) return {};
  TRY(env_.disk.rename(task, remains.directory, doomed_name(remains)));
  TRY(env_.disk.sync_directory(task, config_.data_directory));
  TRACE(env_.trace, info, "partition.delete", {"directory", remains.directory});
  return {};
}

// Those of now: whoever is retired later may wait here itself.
Result<void> Broker::await_former(env::Task& task, const std::string& directory) {
  std::vector<Remains> former;
  const auto [first, last] = leaving_.equal_range(directory);
  for (auto at = first; at != last; ++at) former.push_back(at->second);
  for (const Remains& one : former) {
    REACHED("broker.former_awaited");
    TRY(move_doomed(task, one));
  }
  return {};
}

Result<void> Broker::remove_directory(env::Task& task, const std::string& directory) {
  for (const env::DirectoryEntry& entry : TRY(env_.disk.list(task, directory))) {
    TRY(env_.disk.remove(task, fmt::format("{}/{}", directory, entry.name)));
  }
  TRY(env_.disk.remove(task, directory));
  return env_.disk.sync_directory(task, config_.data_directory);
}

// ---- producer ids

Outcome<ProducerId> Broker::new_producer_id(env::Task& task) {
  using Block = controller::Decision<controller::ProducerIdBlock>;
  const Instant until = patience_end();
  const env::DeadlineScope deadline(task, until);
  auto guard = allocating_ids_.lock(task);
  if (!guard) return std::unexpected(fault_of(guard.error()));
  if (ids_left_ == 0) {
    const auto block =
        patiently<Block>(task, patient_work_, "producer_ids", until, [this](env::Task& worker) {
          return controller_.allocate_producer_ids(worker, config_.node, epoch_);
        });
    if (!block) return std::unexpected(fault_of(block.error()));
    if (!*block) return fault(FaultKind::storage, block->error().detail);
    next_id_ = (*block)->first;
    ids_left_ = (*block)->size;
  }
  --ids_left_;
  const ProducerId id = next_id_;
  next_id_ += 1;
  return id;
}

}  // namespace flux::broker
