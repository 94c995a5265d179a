#include "core/controller/image.h"

#include <fmt/format.h>

#include "core/base/check.h"

namespace flux::controller {

namespace {

std::unexpected<Error> misfit(std::string detail) {
  return fail(ErrorCode::corrupt, "metadata log: " + std::move(detail));
}

class Applier {
 public:
  explicit Applier(Image& image) : image_(image) {}

  Result<void> operator()(const FeatureLevelRecord& record) {
    if (record.level == 0) {
      image_.features.erase(record.name);
    } else {
      image_.features[record.name] = record.level;
    }
    return {};
  }

  Result<void> operator()(const RegisterBrokerRecord& record) {
    image_.brokers[record.broker] = record;
    return {};
  }

  Result<void> operator()(const TopicRecord& record) {
    if (image_.topics.contains(record.name) || image_.topic_names.contains(record.topic)) {
      return misfit(fmt::format("topic {} is created twice", record.name));
    }
    auto topic = std::make_shared<TopicState>();
    topic->name = record.name;
    topic->id = record.topic;
    image_.topics[record.name] = std::move(topic);
    image_.topic_names[record.topic] = record.name;
    return {};
  }

  Result<void> operator()(const PartitionRecord& record) {
    const auto name = image_.topic_names.find(record.topic);
    if (name == image_.topic_names.end()) {
      return misfit(fmt::format("a partition of the unknown topic {}", record.topic.to_string()));
    }
    std::shared_ptr<const TopicState>& slot = image_.topics[name->second];
    const auto index = static_cast<std::size_t>(record.partition.value());
    if (record.partition.value() < 0 || index > slot->partitions.size()) {
      return misfit(fmt::format("partition {} of {} leaves a gap", index, name->second));
    }
    auto topic = owned(slot);
    if (index == topic->partitions.size()) topic->partitions.emplace_back();
    topic->partitions[index] = {.replicas = record.replicas,
                                .isr = record.isr,
                                .leader = record.leader,
                                .leader_epoch = record.leader_epoch,
                                .partition_epoch = record.partition_epoch,
                                .directories = record.directories};
    return {};
  }

  Result<void> operator()(const PartitionChangeRecord& record) {
    const auto name = image_.topic_names.find(record.topic);
    if (name == image_.topic_names.end()) {
      return misfit(fmt::format("a change of the unknown topic {}", record.topic.to_string()));
    }
    std::shared_ptr<const TopicState>& slot = image_.topics[name->second];
    const auto index = static_cast<std::size_t>(record.partition.value());
    if (record.partition.value() < 0 || index >= slot->partitions.size()) {
      return misfit(fmt::format("a change of the unknown partition {}-{}", name->second, index));
    }
    PartitionState& partition = owned(slot)->partitions[index];
    if (record.isr) partition.isr = *record.isr;
    if (record.leader) {
      partition.leader = *record.leader;
      ++partition.leader_epoch;
    }
    ++partition.partition_epoch;
    return {};
  }

  Result<void> operator()(const RemoveTopicRecord& record) {
    const auto name = image_.topic_names.find(record.topic);
    if (name == image_.topic_names.end()) {
      return misfit(fmt::format("the unknown topic {} is removed", record.topic.to_string()));
    }
    image_.settings.erase({ConfigResourceKind::topic, name->second});
    image_.topics.erase(name->second);
    image_.topic_names.erase(name);
    return {};
  }

  Result<void> operator()(const ConfigRecord& record) {
    if (record.value) {
      image_.settings[record.resource][record.key] = *record.value;
      return {};
    }
    const auto settings = image_.settings.find(record.resource);
    if (settings == image_.settings.end()) return {};
    settings->second.erase(record.key);
    if (settings->second.empty()) image_.settings.erase(settings);
    return {};
  }

  Result<void> operator()(const ProducerIdsRecord& record) {
    if (record.next < image_.next_producer_id) {
      return misfit(fmt::format("producer ids go back to {}", record.next.value()));
    }
    image_.next_producer_id = record.next;
    return {};
  }

  Result<void> operator()(const NoOpRecord&) { return {}; }

 private:
  // A topic that is still being built belongs to nobody else; others may hold an older one.
  static std::shared_ptr<TopicState> owned(std::shared_ptr<const TopicState>& slot) {
    if (slot.use_count() == 1) return std::const_pointer_cast<TopicState>(slot);
    auto copy = std::make_shared<TopicState>(*slot);
    slot = copy;
    return copy;
  }

  Image& image_;
};

}  // namespace

std::shared_ptr<const TopicState> Image::topic(std::string_view name) const {
  const auto found = topics.find(name);
  return found == topics.end() ? nullptr : found->second;
}

std::shared_ptr<const TopicState> Image::topic(const Uuid& id) const {
  const auto found = topic_names.find(id);
  return found == topic_names.end() ? nullptr : topic(found->second);
}

const Settings* Image::settings_of(const ConfigResource& resource) const {
  const auto found = settings.find(resource);
  return found == settings.end() ? nullptr : &found->second;
}

Result<void> Image::apply(const Record& record) { return std::visit(Applier(*this), record); }

Result<void> Image::see_records(const SeeRecord& see) const {
  for (const auto& [name, level] : features) TRY(see(FeatureLevelRecord{name, level}));
  for (const auto& [id, broker] : brokers) TRY(see(broker));
  for (const auto& [name, topic] : topics) {
    TRY(see(TopicRecord{name, topic->id}));
    std::int32_t index = 0;
    for (const PartitionState& partition : topic->partitions) {
      TRY(see(PartitionRecord{.partition = PartitionIndex(index++),
                              .topic = topic->id,
                              .replicas = partition.replicas,
                              .isr = partition.isr,
                              .leader = partition.leader,
                              .leader_epoch = partition.leader_epoch,
                              .partition_epoch = partition.partition_epoch,
                              .directories = partition.directories}));
    }
  }
  for (const auto& [resource, values] : settings) {
    for (const auto& [key, value] : values) TRY(see(ConfigRecord{resource, key, value}));
  }
  if (next_producer_id.value() == 0) return {};
  return see(ProducerIdsRecord{.next = next_producer_id});
}

std::vector<Record> Image::records() const {
  std::vector<Record> out;
  const auto all = see_records([&](const Record& record) -> Result<void> {
    out.push_back(record);
    return {};
  });
  CHECK(all.has_value());
  return out;
}

bool same_content(const Image& a, const Image& b) { return a.records() == b.records(); }

}  // namespace flux::controller
