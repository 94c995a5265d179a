// SimDisk: the disk of its machine as one process sees it; implements env::Disk over MachineDisk.
//
// Relative paths are below the process's data root, which is there before the process is. The
// objects handed to the node live in the node's heap and only name what the world keeps, so that a
// kill can drop them unseen.
#pragma once

#include <memory>
#include <string>

#include "core/env/disk.h"
#include "sim/env/machine_disk.h"

namespace flux::sim {

class SimDisk final : public env::Disk {
 public:
  // `root` is an absolute path.
  SimDisk(MachineDisk& machine, Process& process, std::string root);

  // Makes the data root, durably. Called by the constructor; needed again after the disk was lost.
  void provide_root();
  const std::string& root() const { return root_; }
  MachineDisk& machine() { return machine_; }

  Result<std::unique_ptr<env::File>> open(env::Task& task, std::string_view path,
                                          env::Open mode) override;
  Result<void> make_directory(env::Task& task, std::string_view path) override;
  Result<void> rename(env::Task& task, std::string_view from, std::string_view to) override;
  Result<void> remove(env::Task& task, std::string_view path) override;
  Result<void> sync_directory(env::Task& task, std::string_view path) override;
  Result<std::vector<env::DirectoryEntry>> list(env::Task& task, std::string_view path) override;
  Result<env::Space> space(env::Task& task) override;
  std::uint64_t boot_id() override;

 private:
  struct NameResult {
    MachineDisk::Slot handle = 0;
    Inode inode;
  };
  std::string absolute(std::string_view path) const;
  std::optional<ErrorCode> call_name(env::Task& task, DiskCall call, std::string_view path,
                                     std::string_view to, env::Open mode, NameResult* result);
  Result<void> change(env::Task& task, DiskCall call, std::string_view path, std::string_view to);

  MachineDisk& machine_;
  Process& process_;
  std::string root_;
};

}  // namespace flux::sim
