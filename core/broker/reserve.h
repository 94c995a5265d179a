// Reserve: space that a node keeps back, so that a full disk still takes what makes room on it:
// deletions, and the metadata that says what is deleted.
//
// As a disk it passes everything on. The space is that of one file, `.reserve` in the data
// directory, which has blocks and no bytes. When an operation finds no space the file is removed
// and the operation carried out once more, whatever it was; from then on full() holds, and whoever
// adds records must not (Partition). A task looks each kRetry whether there is room for the file
// again, and once it is back records are taken as before.
//
// Invariants: full() holds while the file is missing for want of space; while it is there nothing
// of this class runs. What the disk says otherwise is not hidden: an operation that finds no space
// the second time fails, and a reserve that cannot be made for another reason is done without until
// it can be.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/env/env.h"
#include "core/env/passing_disk.h"
#include "core/metrics/exposition.h"
#include "core/metrics/metric.h"
#include "core/sync/condition.h"
#include "core/sync/mutex.h"
#include "core/sync/task_group.h"

namespace flux::broker {

// Start files of a few hundred partitions, or records of many thousands of deletions, and what
// appends under way may take before they are refused.
inline constexpr std::uint64_t kReserveBytes = 4U << 20;
// Free beside it before a reserve that was given up is made again: it must not be wanted at once.
inline constexpr std::uint64_t kReserveSlackBytes = kReserveBytes / 16;
inline constexpr std::string_view kReserveFile = ".reserve";

class Reserve final : public env::PassingDisk {
 public:
  // How often it is looked whether there is room for it again.
  static constexpr Duration kRetry = seconds(1);

  // `env` is everything else, and its disk what this one passes on to. Both outlive it.
  Reserve(const env::Env& env, std::string data_directory);
  Reserve(const Reserve&) = delete;
  Reserve& operator=(const Reserve&) = delete;

  // Makes the file, or finds it: the data directory is there and locked. Until then, and after
  // stop(), nothing is kept back.
  void start(env::Task& task);
  Result<void> stop(env::Task& task);

  bool full() const { return full_; }
  void write_metrics(metrics::Exposition& to) const;

  Result<std::unique_ptr<env::File>> open(env::Task& task, std::string_view path,
                                          env::Open mode) override;
  Result<void> make_directory(env::Task& task, std::string_view path) override;
  Result<void> rename(env::Task& task, std::string_view from, std::string_view to) override;

 private:
  friend class ReservedFile;

  // Calls `operation`, and once more if it found no space and there is some now.
  template <class Operation>
  auto with_room(env::Task& task, Operation&& operation) -> decltype(operation());
  void give_up(env::Task& task);
  // Whether nothing more is to be done about it.
  bool keep(env::Task& task);
  Result<void> make(env::Task& task);
  void remake_in_background();
  std::string path() const;

  env::Env env_;
  const std::string data_directory_;
  bool started_ = false;
  bool kept_ = false;  // the file has its blocks
  bool full_ = false;
  bool remaking_ = false;
  metrics::Counter given_up_;
  sync::Mutex changing_;
  sync::Condition stopped_;
  sync::TaskGroup work_;
};

}  // namespace flux::broker
