#include "core/controller/controller.h"

#include <fmt/format.h>

#include "core/base/mark.h"
#include "core/base/mutant.h"
#include "core/controller/data_directory.h"

namespace flux::controller {

namespace {

std::unexpected<Refusal> refuse(const Error& error) {
  const bool waited = error == ErrorCode::timed_out || error == ErrorCode::cancelled;
  return std::unexpected(
      Refusal{waited ? RefusalKind::timed_out : RefusalKind::storage_error, error.to_string()});
}

}  // namespace

Controller::Controller(env::Env& env, const RecordCodec& codec, ControllerConfig config)
    : env_(env), codec_(codec), config_(std::move(config)), background_(env.scheduler) {}

Result<void> Controller::start(env::Task& task, OnCommit on_commit) {
  TRY(open_log(task));
  on_commit_ = std::move(on_commit);
  return {};
}

Result<void> Controller::open_log(env::Task& task) {
  Metadata metadata;
  auto log = TRY(MetadataLog::open(task, env_, codec_, config_.log, metadata));
  const auto level = metadata.image()->features.find(config_.feature_level.name);
  if (level != metadata.image()->features.end() && level->second > config_.feature_level_max) {
    return fail(ErrorCode::unsupported,
                fmt::format("{} is at level {}; this release knows {} at most", level->first,
                            level->second, config_.feature_level_max));
  }
  TRY(log->lead(task));
  if (level == metadata.image()->features.end()) {
    const std::vector<Record> first{config_.feature_level};
    const Offset end = TRY(log->append(task, first));
    TRY(log->sync(task, end));
    TRY(metadata.apply(first.front()));
  }
  metadata.set_end(log->end());
  log_ = std::move(log);
  pending_.clear();
  decided_ = Metadata(*metadata.image());
  committed_ = metadata;
  TRACE(env_.trace, info, "controller.lead", {"epoch", log_->epoch()}, {"end", log_->end()},
        {"topics", committed_.image()->topics.size()});
  return {};
}

// A failed sync leaves unknown what is on disk: what was decided is read back from there.
Result<void> Controller::ensure_usable(env::Task& task) {
  if (log_ != nullptr && !log_->poisoned()) return {};
  REACHED("controller.log_reopened");
  // Two logs must not write to the same files.
  if (log_ != nullptr) TRY(log_->halt(task));
  TRY(open_log(task));
  if (on_commit_) on_commit_(*committed_.image(), {});
  return {};
}

Result<void> Controller::stop(env::Task& task) {
  TRY(background_.wait(task));
  if (log_ == nullptr) return {};
  return log_->close(task);
}

template <class Decide>
Decision<Controller::Proposed> Controller::propose(env::Task& task, Decide&& decide) {
  auto guard = writing_.lock(task);
  if (!guard) return refuse(guard.error());
  if (auto usable = ensure_usable(task); !usable) return refuse(usable.error());
  Decision<std::vector<Record>> records = decide(*decided_.image(), log_->end());
  Proposed out;
  if (records) {
    out.outcome = write(task, std::move(*records));
  } else {
    out.outcome = std::unexpected(records.error());
  }
  out.point = {log_->end(), log_->epoch()};
  return out;
}

Decision<void> Controller::write(env::Task& task, std::vector<Record> records) {
  if (records.empty()) return {};
  auto end = log_->append(task, records);
  if (!end) {
    REACHED("controller.append_failed");
    return refuse(end.error());
  }
  for (const Record& record : records) {
    auto applied = decided_.apply(record);
    CHECK(applied.has_value(), "a decision that does not fit its own image");
  }
  decided_.set_end(*end);
  pending_.push_back({*end, std::move(records)});
  return {};
}

Decision<void> Controller::commit(env::Task& task, const Point& point) {
  const std::shared_ptr<MetadataLog> log = log_;
  if (log == nullptr || log->epoch() != point.epoch) {
    return refuse(Error(ErrorCode::io_error, "the metadata log was reopened"));
  }
  if (committed_.image()->end >= point.end) return {};
  auto synced =
      MUTANT("controller.commit_before_sync") ? Result<void>() : log->sync(task, point.end);
  if (!synced) return refuse(synced.error());
  if (log != log_) return refuse(Error(ErrorCode::io_error, "the metadata log was reopened"));
  show_committed();
  CHECK_GE(committed_.image()->end, point.end);
  return {};
}

void Controller::show_committed() {
  const Offset synced = MUTANT("controller.commit_before_sync") ? log_->end() : log_->synced_end();
  while (!pending_.empty() && pending_.front().end <= synced) {
    const Pending shown = std::move(pending_.front());
    pending_.pop_front();
    for (const Record& record : shown.records) {
      auto applied = committed_.apply(record);
      CHECK(applied.has_value(), "a record that does not fit the committed image");
    }
    committed_.set_end(shown.end);
    if (on_commit_) on_commit_(*committed_.image(), shown.records);
  }
  if (log_->snapshot_due(committed_.image()->end)) start_snapshot();
}

void Controller::start_snapshot() {
  if (snapshotting_) return;
  snapshotting_ = true;
  background_.spawn(
      "metadata.snapshot",
      [this](env::Task& task) {
        const env::Shield shield(task);
        const std::shared_ptr<const Image> image = committed_.image();
        const std::shared_ptr<MetadataLog> log = log_;
        auto written = log->write_snapshot(task, *image);
        if (!written) {
          REACHED("controller.snapshot_failed");
          TRACE(env_.trace, warning, "metadata.snapshot_failed",
                {"why", written.error().to_string()});
        }
        snapshotting_ = false;
      },
      env::StackSize::large);
}

template <class Decide>
Decision<void> Controller::carry_out(env::Task& task, Decide&& decide) {
  const Decision<Proposed> proposed = propose(task, std::forward<Decide>(decide));
  if (!proposed) return std::unexpected(proposed.error());
  const Decision<void> durable = commit(task, proposed->point);
  return durable ? proposed->outcome : durable;
}

std::vector<Decision<void>> Controller::carry_out_all(env::Task& task, std::size_t count,
                                                      bool validate_only, const DecideOne& decide) {
  std::vector<Decision<void>> out;
  std::vector<std::optional<Point>> points;
  for (std::size_t i = 0; i < count; ++i) {
    const Decision<Proposed> proposed =
        propose(task, [&](const Image& image, Offset at) -> Decision<std::vector<Record>> {
          auto records = decide(i, image, at);
          if (records && validate_only) records->clear();
          return records;
        });
    if (proposed) {
      points.emplace_back(proposed->point);
      out.push_back(proposed->outcome);
    } else {
      points.emplace_back(std::nullopt);
      out.emplace_back(std::unexpected(proposed.error()));
    }
    env::yield_if_due(task);
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!points[i]) continue;
    const Decision<void> durable = commit(task, *points[i]);
    if (!durable) out[i] = durable;
  }
  return out;
}

Decision<std::vector<Record>> Controller::decide_topic(const Image& image, Offset at,
                                                       const CreateTopic& request,
                                                       CreatedTopic& created) {
  const Key drawn = key("topic.id").with(request.name).with(static_cast<std::uint64_t>(at.value()));
  created.id = draw_uuid(env_.random, drawn);
  const std::uint64_t first = env_.random.draw_u64(drawn.with("placement"));
  auto records = controller::create_topic(image, request, config_.create_topic, created.id, first);
  if (!records) return records;
  for (const Record& record : *records) {
    const auto* partition = std::get_if<PartitionRecord>(&record);
    if (partition == nullptr) continue;
    ++created.partitions;
    created.replication_factor = static_cast<std::int16_t>(partition->replicas.size());
  }
  return records;
}

std::vector<Decision<CreatedTopic>> Controller::create_topics(env::Task& task,
                                                              std::span<const CreateTopic> requests,
                                                              bool validate_only) {
  if (auto few = check_partition_sum(requests, config_.create_topic); !few) {
    REACHED("controller.too_many_partitions");
    return std::vector(requests.size(), Decision<CreatedTopic>(std::unexpected(few.error())));
  }
  std::vector<CreatedTopic> created(requests.size());
  const auto done = carry_out_all(task, requests.size(), validate_only,
                                  [&](std::size_t i, const Image& image, Offset at) {
                                    return decide_topic(image, at, requests[i], created[i]);
                                  });
  std::vector<Decision<CreatedTopic>> out;
  for (std::size_t i = 0; i < done.size(); ++i) {
    if (validate_only) created[i].id = Uuid{};
    if (done[i]) {
      out.emplace_back(created[i]);
    } else {
      out.emplace_back(std::unexpected(done[i].error()));
    }
  }
  return out;
}

Decision<CreatedTopic> Controller::create_topic(env::Task& task, const CreateTopic& request,
                                                bool validate_only) {
  return std::move(create_topics(task, std::span(&request, 1), validate_only).front());
}

Decision<void> Controller::delete_topic(env::Task& task, const Uuid& id) {
  return carry_out(task,
                   [&](const Image& image, Offset) { return controller::delete_topic(image, id); });
}

std::vector<Decision<void>> Controller::alter_configs(env::Task& task,
                                                      std::span<const AlterConfig> requests,
                                                      bool validate_only) {
  return carry_out_all(task, requests.size(), validate_only,
                       [&](std::size_t i, const Image& image, Offset) {
                         return alter_config(image, requests[i], config_.topic_defaults);
                       });
}

std::vector<Decision<void>> Controller::create_partitions(
    env::Task& task, std::span<const CreatePartitions> requests, bool validate_only) {
  std::int64_t added = 0;
  return carry_out_all(
      task, requests.size(), validate_only,
      [&](std::size_t i, const Image& image, Offset at) -> Decision<std::vector<Record>> {
        const Key drawn =
            key("topic.grow").with(requests[i].topic).with(static_cast<std::uint64_t>(at.value()));
        auto records =
            controller::create_partitions(image, requests[i], env_.random.draw_u64(drawn));
        if (records) added += std::ssize(*records);
        if (added > kPartitionsPerRequestMax) return refuse_too_many_partitions();
        return records;
      });
}

Decision<std::int64_t> Controller::register_broker(env::Task& task,
                                                   const RegisterBrokerRecord& registration) {
  PartitionPlace next;
  for (bool last = false; !last;) {
    const Decision<void> done = carry_out(task, [&](const Image& image, Offset at) {
      auto records = controller::register_broker(image, registration, at.value(), next);
      last = records && std::holds_alternative<RegisterBrokerRecord>(records->front());
      return records;
    });
    if (!done) return std::unexpected(done.error());
    if (!last) REACHED("controller.registration_in_steps");
  }
  return image()->brokers.at(registration.broker).broker_epoch;
}

Decision<ProducerIdBlock> Controller::allocate_producer_ids(env::Task& task, NodeId broker,
                                                            std::int64_t broker_epoch) {
  ProducerIdBlock block;
  const Decision<void> done =
      carry_out(task, [&](const Image& image, Offset) -> Decision<std::vector<Record>> {
        auto allocated = controller::allocate_producer_ids(image, broker, broker_epoch);
        if (!allocated) return std::unexpected(allocated.error());
        block = allocated->block;
        return std::move(allocated->records);
      });
  if (!done) return std::unexpected(done.error());
  return block;
}

Decision<void> Controller::renew_leadership(env::Task& task, const Uuid& topic,
                                            PartitionIndex partition) {
  return carry_out(task, [&](const Image& image, Offset) -> Decision<std::vector<Record>> {
    const auto state = image.topic(topic);
    const auto index = static_cast<std::size_t>(partition.value());
    if (state == nullptr || index >= state->partitions.size()) {
      return std::unexpected(Refusal{RefusalKind::unknown_topic_id, "no such partition"});
    }
    return std::vector<Record>{PartitionChangeRecord{
        .partition = partition, .topic = topic, .leader = state->partitions[index].leader}};
  });
}

}  // namespace flux::controller
