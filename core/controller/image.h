// Image: the cluster's metadata at one offset of its log, as every request reads it.
//
// Invariants:
//  - The image is a function of the records applied, in order, and of nothing else.
//  - Whoever holds a shared image sees it unchanged for as long as it is held, also over a
//    suspension: Metadata changes a copy when anybody else holds the present one.
//  - A topic's partitions are numbered from 0 without gaps.
// It decides nothing (decisions.h) and knows no bytes (record_codec.h).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/controller/records.h"

namespace flux::controller {

struct PartitionState {
  std::vector<NodeId> replicas;
  std::vector<NodeId> isr;
  NodeId leader = kNoNode;
  LeaderEpoch leader_epoch{0};
  std::int32_t partition_epoch = 0;
  std::vector<Uuid> directories;

  friend bool operator==(const PartitionState&, const PartitionState&) = default;
};

struct TopicState {
  std::string name;
  Uuid id;
  std::vector<PartitionState> partitions;

  friend bool operator==(const TopicState&, const TopicState&) = default;
};

using Settings = std::map<std::string, std::string, std::less<>>;

struct Image {
  std::map<std::string, std::shared_ptr<const TopicState>, std::less<>> topics;  // by name
  std::map<Uuid, std::string> topic_names;                                       // by id
  std::map<NodeId, RegisterBrokerRecord> brokers;
  std::map<ConfigResource, Settings> settings;
  std::map<std::string, std::int16_t, std::less<>> features;
  ProducerId next_producer_id{0};
  // The log's end: the offset after the last record applied.
  Offset end{0};

  // Null when there is none.
  std::shared_ptr<const TopicState> topic(std::string_view name) const;
  std::shared_ptr<const TopicState> topic(const Uuid& id) const;
  // Null when it has none of its own.
  const Settings* settings_of(const ConfigResource& resource) const;

  // A record that does not fit (a partition of an unknown topic) is `corrupt`: the log has it in
  // another order than it was decided in. The image is then of no use.
  Result<void> apply(const Record& record);

  // Calls `see` with each of the records whose fold is this image, feature levels first: the
  // content of a snapshot. Until it answers with an error.
  using SeeRecord = std::function<Result<void>(const Record&)>;
  Result<void> see_records(const SeeRecord& see) const;
  std::vector<Record> records() const;
};

bool same_content(const Image& a, const Image& b);

class Metadata {
 public:
  Metadata() : image_(std::make_shared<Image>()) {}
  explicit Metadata(const Image& image) : image_(std::make_shared<Image>(image)) {}

  std::shared_ptr<const Image> image() const { return image_; }
  Result<void> apply(const Record& record) { return writable().apply(record); }
  void set_end(Offset end) { writable().end = end; }
  void reset() { image_ = std::make_shared<Image>(); }

 private:
  Image& writable() {
    if (image_.use_count() > 1) image_ = std::make_shared<Image>(*image_);
    return *image_;
  }

  std::shared_ptr<Image> image_;
};

}  // namespace flux::controller
