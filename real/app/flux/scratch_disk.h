// ScratchDisk: a disk whose changes stay in memory, for looking at what others keep.
//
// Reads what the disk below has; what is written, cut, replaced or removed is seen by whoever asks
// here and by nobody else. So a log can be opened, and so recovered by the broker's own rules,
// without a byte of it being touched, and changes() says what recovery would have done.
//
// It knows what core/log does to a partition's directory and no more: directories are neither
// renamed nor removed. Bytes that are written where they stand already cost nothing.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/env/disk.h"

namespace flux::app {

struct DiskChange {
  enum class Kind : std::uint8_t { made, rewritten, cut, removed };
  std::string path;
  Kind kind;
  std::uint64_t bytes = 0;  // of the file as it would be; what is cut off, for a cut
};

class ScratchDisk final : public env::Disk {
 public:
  // Outlives it, and is only read.
  explicit ScratchDisk(env::Disk& below) : below_(below) {}

  Result<std::unique_ptr<env::File>> open(env::Task& task, std::string_view path,
                                          env::Open mode) override;
  Result<void> make_directory(env::Task& task, std::string_view path) override;
  Result<void> rename(env::Task& task, std::string_view from, std::string_view to) override;
  Result<void> remove(env::Task& task, std::string_view path) override;
  Result<void> sync_directory(env::Task& task, std::string_view path) override;
  Result<std::vector<env::DirectoryEntry>> list(env::Task& task, std::string_view path) override;
  Result<env::Space> space(env::Task& task) override { return below_.space(task); }
  std::uint64_t boot_id() override { return below_.boot_id(); }

  // By path. Files whose bytes end up as they were are not among them.
  Result<std::vector<DiskChange>> changes(env::Task& task) const;

 private:
  friend class ScratchFile;
  // A file's bytes: those below up to a point, and what was written since.
  struct Content {
    std::unique_ptr<env::File> below;  // null for a file that was made here
    std::uint64_t below_bytes = 0;     // of it that still show
    std::uint64_t size = 0;
    std::vector<std::pair<std::uint64_t, Bytes>> written;  // later ones lie over earlier ones
    bool changed = false;
  };
  using ContentPointer = std::shared_ptr<Content>;

  Result<ContentPointer> find(env::Task& task, const std::string& path);
  Result<bool> same_as_below(env::Task& task, const std::string& path, Content& content) const;

  env::Disk& below_;
  // Files that are other than below: null for one that was removed.
  std::map<std::string, ContentPointer> other_;
  std::map<std::string, std::weak_ptr<Content>> open_;
};

}  // namespace flux::app
