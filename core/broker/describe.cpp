#include "core/broker/describe.h"

#include <utility>

#include <fmt/format.h>

#include "core/log/names.h"

namespace flux::broker {

namespace {

using Wanted = std::vector<
    std::pair<std::shared_ptr<const controller::TopicState>, std::vector<PartitionIndex>>>;

std::vector<RememberedProducer> list(env::Task& task, const std::shared_ptr<log::Log>& log) {
  std::vector<RememberedProducer> out;
  // It may change while others run: each step begins behind the one that was told last.
  ProducerId next{0};
  for (;;) {
    const auto& known = log->producers().producers();
    const auto at = known.lower_bound(next);
    if (at == known.end()) return out;
    const auto& [id, producer] = *at;
    out.push_back({.id = id, .epoch = producer.epoch});
    if (!producer.batches.empty()) {
      out.back().last_sequence = producer.batches.back().last;
      out.back().last_timestamp = producer.batches.back().timestamp;
    }
    next = id + 1;
    env::yield_if_due(task);
  }
}

Result<std::uint64_t> bytes_on_disk(env::Task& task, env::Disk& disk,
                                    const std::string& directory) {
  auto entries = disk.list(task, directory);
  // Nothing was written to it yet.
  if (!entries && entries.error() == ErrorCode::not_found) return 0;
  if (!entries) return std::unexpected(entries.error());
  std::uint64_t bytes = 0;
  for (const env::DirectoryEntry& entry : *entries) {
    if (entry.is_directory || !entry.name.ends_with(log::kLogSuffix)) continue;
    const std::string path = fmt::format("{}/{}", directory, entry.name);
    auto file = disk.open(task, path, env::Open::read);
    // A segment may go while this looks.
    if (!file && file.error() == ErrorCode::not_found) continue;
    if (!file) return std::unexpected(file.error());
    bytes += TRY((*file)->size(task));
  }
  return bytes;
}

Result<DirectoryUse> measure(env::Task& task, Broker& broker, const Wanted& wanted) {
  DirectoryUse out;
  for (const auto& [topic, indices] : wanted) {
    TopicSize& sizes = out.topics.emplace_back(TopicSize{.topic = topic->name, .partitions = {}});
    for (const PartitionIndex index : indices) {
      const auto partition = broker.partition(*topic, index);
      if (!partition) continue;
      const std::shared_ptr<log::Log> log = (*partition)->log();
      const std::uint64_t bytes =
          log ? log->size_bytes()
              : TRY(bytes_on_disk(task, broker.env().disk, (*partition)->directory()));
      sizes.partitions.push_back({.index = index, .bytes = bytes});
      env::yield_if_due(task);
    }
  }
  out.space = TRY(broker.env().disk.space(task));
  return out;
}

}  // namespace

Outcome<std::vector<RememberedProducer>> remembered_producers(
    env::Task& task, Broker& broker, const std::shared_ptr<Partition>& partition, Instant until) {
  using Listed = Outcome<std::vector<RememberedProducer>>;
  auto listed = patiently<Listed>(
      task, broker.patient_work(), "producers", until,
      [partition](env::Task& worker) -> Listed {
        const auto log = partition->open(worker);
        if (!log) return std::unexpected(log.error());
        return list(worker, *log);
      },
      env::StackSize::large);
  if (!listed) return std::unexpected(fault_of(listed.error()));
  return std::move(*listed);
}

Outcome<DirectoryUse> directory_use(env::Task& task, Broker& broker, Wanted wanted, Instant until) {
  using Measured = Result<DirectoryUse>;
  auto measured = patiently<Measured>(
      task, broker.patient_work(), "directory_use", until,
      [&broker, topics = std::move(wanted)](env::Task& worker) {
        return measure(worker, broker, topics);
      },
      env::StackSize::large);
  if (!measured) return std::unexpected(fault_of(measured.error()));
  if (!*measured) return std::unexpected(fault_of(measured->error()));
  return std::move(**measured);
}

}  // namespace flux::broker
