#include "sim/check/recovery.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/hash.h"
#include "sim/env/disk_image.h"

namespace flux::sim {

void RecoveryChecker::observe(const Observation& observation) {
  if (const auto* stored = std::get_if<BatchStored>(&observation)) {
    std::erase_if(overwritten_, [&](const Stored* batch) {
      return batch->inode == stored->inode && batch->range == stored->range &&
             batch->digest == stored->digest;
    });
  } else if (!overwritten_.empty()) {
    judge_overwritten();
  }
  if (const auto* event = std::get_if<DiskEvent>(&observation)) {
    const bool takes = event->kind == OmenKind::truncated || event->kind == OmenKind::written ||
                       event->kind == OmenKind::removed;
    if (takes) judge_cut(*event);
    if (event->kind == OmenKind::power_cut) count("power_cuts");
  }
  if (const auto* node = std::get_if<NodeEvent>(&observation)) {
    if (facts_.is_broker(node->process) && node->change == NodeChange::started) {
      started_ = node->at;
      served_ = false;
    }
  } else if (const auto* done = std::get_if<Completed>(&observation)) {
    note_served(done->operation);
  }
  map_.observe(observation);
  settings_.observe(observation);
  entitled_.observe(observation);
  lives_.observe(observation);
}

// Before the map learns of the event: which batches does it take away?
void RecoveryChecker::judge_cut(const DiskEvent& event) {
  std::string topic;
  std::string directory;
  PartitionIndex partition{-1};
  if (!parse_segment_path(event.path, topic, partition, directory)) return;
  const TopicPartitionName where{topic, partition};
  const std::uint64_t from = event.kind == OmenKind::removed ? 0 : event.range.begin;
  for (const Stored* batch : map_.standing_beyond(event.disk, event.inode, from)) {
    count("compared.cuts");
    if (batch->refused) {
      count("excused.write_failed");
      continue;
    }
    if (lives_.may_be_deleted(topic, batch->at)) {
      count("excused.topic_deleted");
      continue;
    }
    if (!map_.truly_synced(*batch) || map_.excuse(*batch, Promise::survives_power_cut)) continue;
    if (event.kind == OmenKind::removed) {
      count("compared.removals");
      if (const auto why = entitled_.why_gone(where, batch->end - 1, batch, event.at)) {
        count("excused." + *why);
        continue;
      }
    }
    if (event.kind == OmenKind::written) {
      overwritten_.push_back(batch);
      overwritten_at_ = event.at;
      continue;
    }
    violation(event.at,
              fmt::format("{}: offsets {} to {} were synced and sound, and the node cut them off",
                          where.to_string(), batch->base.value(), (batch->end - 1).value()));
  }
}

void RecoveryChecker::judge_overwritten() {
  for (const Stored* batch : overwritten_) {
    violation(overwritten_at_,
              fmt::format("offsets {} to {} in {} were synced and sound, and the node wrote other "
                          "bytes over them",
                          batch->base.value(), (batch->end - 1).value(), batch->directory));
  }
  overwritten_.clear();
}

void RecoveryChecker::judge_content(const TopicPartitionName& where, Time now) {
  for (const Stored* batch : map_.standing(where)) {
    const DiskImage* disk = facts_.hosts[batch->disk].disk;
    if (!disk || map_.excuse(*batch, Promise::survives_kill)) continue;
    if (lives_.may_be_deleted(where.topic, batch->at)) continue;
    // A file that is gone is for the contract to judge, record by record.
    if (!disk->holds(batch->inode)) {
      count("gone");
      continue;
    }
    const ByteView bytes = disk->pristine(batch->inode);
    count("compared.batches");
    const bool there = batch->range.end <= bytes.size();
    const bool equal =
        there &&
        hash_bytes(bytes.subspan(static_cast<std::size_t>(batch->range.begin),
                                 static_cast<std::size_t>(batch->range.size()))) == batch->digest;
    if (equal) continue;
    violation(now, fmt::format("{}: the bytes of offsets {} to {} are not those that were written",
                               where.to_string(), batch->base.value(), (batch->end - 1).value()));
  }
}

// An answer, not a consumer that ends.
void RecoveryChecker::note_served(const Operation& op) {
  const bool told = op.base_offset.value() >= 0 || op.high_watermark.value() >= 0 ||
                    op.log_start.value() >= 0 || !op.topic_id.is_zero();
  if (op.outcome == Outcome::ok && told && op.invoked >= started_) served_ = true;
}

// Its metadata log holds the only copy of which topics there are. It is read when a broker starts:
// one that has served since is not kept from it by that.
bool RecoveryChecker::outage() const {
  if (served_) return false;
  return std::ranges::all_of(facts_.brokers, [&](const ClusterFacts::Broker& broker) {
    return map_.broker_closed(broker.disk);
  });
}

void RecoveryChecker::finish(Time now) {
  judge_overwritten();
  for (const TopicPartitionName& where : map_.partitions()) {
    judge_content(where, now);
  }
}

}  // namespace flux::sim
