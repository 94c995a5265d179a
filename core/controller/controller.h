// Controller: the one voter of the metadata quorum. It decides, writes what it decided, and lets
// others see it once it is durable.
//
// Invariants:
//  - A decision is made against all earlier ones, written or not yet synced (`decided_`); readers
//    see only what is synced (`image()`).
//  - Nothing is answered before the sync that covers it: also not a refusal that rests on a record
//    that may still be lost (a topic that "exists already").
//  - Decisions are written one at a time and synced together.
// A call may hang with the disk: whoever must not leaves it to a task of its own
// (broker/patience.h). It knows no protocol and holds no partition.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/controller/decisions.h"
#include "core/controller/decisions_config.h"
#include "core/controller/image.h"
#include "core/controller/metadata_log.h"
#include "core/sync/mutex.h"
#include "core/sync/task_group.h"

namespace flux::controller {

struct ControllerConfig {
  MetadataLogConfig log;
  CreateTopicDefaults create_topic;
  Settings topic_defaults;  // by topic setting: what the configuration says
  // Written as the first record of a new log.
  FeatureLevelRecord feature_level;
  // The newest level that this release understands.
  std::int16_t feature_level_max = 0;
};

struct CreatedTopic {
  Uuid id;
  std::int32_t partitions = 0;
  std::int16_t replication_factor = 0;
};

class Controller {
 public:
  // The records that became visible; none when anything may have changed. Must not suspend.
  using OnCommit = std::function<void(const Image&, std::span<const Record>)>;

  Controller(env::Env& env, const RecordCodec& codec, ControllerConfig config);

  // Opens the log, folds it and begins a leadership.
  Result<void> start(env::Task& task, OnCommit on_commit);
  // Ends the log in order. Calls under way must have returned.
  Result<void> stop(env::Task& task);

  std::shared_ptr<const Image> image() const { return committed_.image(); }

  Decision<CreatedTopic> create_topic(env::Task& task, const CreateTopic& request,
                                      bool validate_only);
  // Several at once, for one sync. Answers in the order of the requests; all are refused when their
  // partitions are too many together.
  std::vector<Decision<CreatedTopic>> create_topics(env::Task& task,
                                                    std::span<const CreateTopic> requests,
                                                    bool validate_only);
  Decision<void> delete_topic(env::Task& task, const Uuid& id);
  // Several at once, for one sync; answers in the order of the requests. Each is about another
  // resource, or topic.
  std::vector<Decision<void>> alter_configs(env::Task& task, std::span<const AlterConfig> requests,
                                            bool validate_only);
  std::vector<Decision<void>> create_partitions(env::Task& task,
                                                std::span<const CreatePartitions> requests,
                                                bool validate_only);
  // Returns the broker's new epoch. In as many batches as it takes.
  Decision<std::int64_t> register_broker(env::Task& task, const RegisterBrokerRecord& registration);
  Decision<ProducerIdBlock> allocate_producer_ids(env::Task& task, NodeId broker,
                                                  std::int64_t broker_epoch);
  // A leader whose log may have lost records that were shown begins a new epoch.
  Decision<void> renew_leadership(env::Task& task, const Uuid& topic, PartitionIndex partition);

 private:
  struct Pending {
    Offset end;
    std::vector<Record> records;
  };

  // What must be durable before an answer: the log up to `end`, as this leadership wrote it.
  struct Point {
    Offset end;
    LeaderEpoch epoch;
  };
  // Written, or refused: either way the answer has to wait for the point.
  struct Proposed {
    Point point;
    Decision<void> outcome;
  };

  // Writes what `decide(image, offset)` answers.
  template <class Decide>
  Decision<Proposed> propose(env::Task& task, Decide&& decide);
  template <class Decide>
  Decision<void> carry_out(env::Task& task, Decide&& decide);
  // `count` decisions, one after the other, and one wait for all of them.
  using DecideOne =
      std::function<Decision<std::vector<Record>>(std::size_t, const Image& image, Offset at)>;
  std::vector<Decision<void>> carry_out_all(env::Task& task, std::size_t count, bool validate_only,
                                            const DecideOne& decide);
  Decision<std::vector<Record>> decide_topic(const Image& image, Offset at,
                                             const CreateTopic& request, CreatedTopic& created);
  Decision<void> write(env::Task& task, std::vector<Record> records);
  Decision<void> commit(env::Task& task, const Point& point);
  Result<void> ensure_usable(env::Task& task);
  Result<void> open_log(env::Task& task);
  void show_committed();
  void start_snapshot();

  env::Env& env_;
  const RecordCodec& codec_;
  ControllerConfig config_;
  OnCommit on_commit_;
  std::shared_ptr<MetadataLog> log_;
  Metadata decided_;
  Metadata committed_;
  std::deque<Pending> pending_;  // written, not yet known to be synced
  sync::Mutex writing_;
  sync::TaskGroup background_;
  bool snapshotting_ = false;
};

}  // namespace flux::controller
