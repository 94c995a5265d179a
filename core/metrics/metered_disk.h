// MeteredDisk: the disk of a node, with a clock held to it.
//
// Times and counts every operation, and knows the oldest one that has not come back: that is what
// tells a disk that hangs from a node with little to do. It changes nothing about what is asked or
// answered. Files that it opened are its own; what the environment must be given is unwrapped().
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/env/clock.h"
#include "core/env/passing_disk.h"
#include "core/metrics/exposition.h"
#include "core/metrics/metric.h"

namespace flux::metrics {

enum class DiskWork : std::uint8_t { read, write, sync, open, directory };

class MeteredDisk final : public env::PassingDisk {
 public:
  // Both outlive it.
  MeteredDisk(env::Disk& disk, env::Clock& clock) : PassingDisk(disk), clock_(clock) {}
  MeteredDisk(const MeteredDisk&) = delete;
  MeteredDisk& operator=(const MeteredDisk&) = delete;

  // How long the oldest operation under way has taken; nothing when none is.
  std::optional<Duration> oldest() const;
  void write(Exposition& to) const;

  Result<std::unique_ptr<env::File>> open(env::Task& task, std::string_view path,
                                          env::Open mode) override;
  Result<void> make_directory(env::Task& task, std::string_view path) override;
  Result<void> rename(env::Task& task, std::string_view from, std::string_view to) override;
  Result<void> remove(env::Task& task, std::string_view path) override;
  Result<void> sync_directory(env::Task& task, std::string_view path) override;
  Result<std::vector<env::DirectoryEntry>> list(env::Task& task, std::string_view path) override;

 private:
  friend class MeteredFile;

  // One operation under way, on its caller's stack, in a list that is ordered by time because the
  // clock does not go back.
  class Timed {
   public:
    Timed(MeteredDisk& disk, DiskWork work);
    ~Timed();
    Timed(const Timed&) = delete;
    Timed& operator=(const Timed&) = delete;

    template <class T>
    Result<T> ended(Result<T> result) {
      if (!result) disk_.note(work_, result.error().code());
      return result;
    }

   private:
    friend class MeteredDisk;
    MeteredDisk& disk_;
    DiskWork work_;
    Instant begun_;
    Timed* before_ = nullptr;
    Timed* after_ = nullptr;
  };

  static constexpr std::size_t kWorks = 5;
  void note(DiskWork work, ErrorCode error);

  env::Clock& clock_;
  Timed* first_ = nullptr;
  Timed* last_ = nullptr;
  std::uint64_t under_way_ = 0;
  std::array<Histogram, kWorks> durations_;
  std::map<std::pair<DiskWork, ErrorCode>, Counter> errors_;  // both sets are closed
  Counter read_bytes_;
  Counter written_bytes_;
};

}  // namespace flux::metrics
