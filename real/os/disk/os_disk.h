// Disk over the files of the machine.
//
// Relative paths stand beneath a root directory, held open from the start, so that they mean the
// same wherever the process changes to. Whatever may block goes through the engine (engine.h).
#pragma once

#include <memory>
#include <string>

#include "core/base/result.h"
#include "core/env/disk.h"
#include "real/os/disk/engine.h"
#include "real/os/fd.h"

namespace flux::os {

class OsDisk final : public env::Disk {
 public:
  // Makes the root directory and its parents when they are missing.
  static Result<std::unique_ptr<OsDisk>> create(const std::string& root, DiskEngine& engine);

  Result<std::unique_ptr<env::File>> open(env::Task& task, std::string_view path,
                                          env::Open mode) override;
  Result<void> make_directory(env::Task& task, std::string_view path) override;
  Result<void> rename(env::Task& task, std::string_view from, std::string_view to) override;
  Result<void> remove(env::Task& task, std::string_view path) override;
  Result<void> sync_directory(env::Task& task, std::string_view path) override;
  Result<std::vector<env::DirectoryEntry>> list(env::Task& task, std::string_view path) override;
  Result<env::Space> space(env::Task& task) override;
  std::uint64_t boot_id() override { return boot_id_; }

 private:
  OsDisk(Fd root, DiskEngine& engine);

  Fd root_;
  DiskEngine& engine_;
  std::uint64_t boot_id_;
};

}  // namespace flux::os
