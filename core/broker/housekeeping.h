// Housekeeping: one task that lets partitions get shorter: retention by size and age, the files of
// what was deleted, and the producers that have been silent for too long.
//
// Each round looks at every partition that this broker leads. One whose log is open is judged from
// memory; of one that nobody has used since the start a few bytes of its directory say when there
// may be something to do, which is remembered, and only then is its log opened. So an idle
// partition costs no task, no timer and no open file, and a thing to remember of sixteen bytes.
//
// Beside it runs the scrub (scrub.h), which takes its time and must not hold this up.
//
// It only asks the log; what may go and in which order is the log's (core/log/log_retention.cpp).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/ids.h"
#include "core/base/time.h"
#include "core/broker/scrub.h"
#include "core/controller/image.h"
#include "core/controller/topic_config.h"
#include "core/env/env.h"
#include "core/log/front.h"
#include "core/sync/condition.h"
#include "core/sync/task_group.h"

namespace flux::broker {

class Broker;
class Partition;

struct HousekeepingConfig {
  Duration first_after = seconds(30);      // log.initial.task.delay.ms
  Duration check_interval = seconds(300);  // log.retention.check.interval.ms
  ScrubConfig scrub;                       // its first pass begins after first_after, too

  friend bool operator==(const HousekeepingConfig&, const HousekeepingConfig&) = default;
};

class Housekeeping {
 public:
  Housekeeping(Broker& broker, const HousekeepingConfig& config);

  void start();
  // Once what it is doing at the moment is done.
  Result<void> stop(env::Task& task);

 private:
  // Of the partitions of a topic that have not been opened: when to look again, in milliseconds
  // since 1970, as found under these settings.
  struct Unopened {
    log::Retention retention;
    std::vector<std::int64_t> look_at_ms;
  };

  void run(env::Task& task);
  void round(env::Task& task);
  void visit(env::Task& task, const controller::TopicState& topic, PartitionIndex index,
             const controller::TopicConfig& config);
  // False while nothing can have expired in a partition whose log is not open.
  bool worth_opening(env::Task& task, const controller::TopicState& topic, PartitionIndex index,
                     const controller::TopicConfig& config);
  Result<void> clean(env::Task& task, Partition& partition);

  Broker& broker_;
  env::Env& env_;
  const HousekeepingConfig config_;
  std::map<Uuid, Unopened> unopened_;
  Instant next_file_due_ = Instant::max();
  bool stopping_ = false;
  sync::Condition wake_;
  sync::TaskGroup task_;
  Scrub scrub_;
};

}  // namespace flux::broker
