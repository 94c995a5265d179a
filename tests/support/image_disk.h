// ImageDisk: env::Disk straight over the simulator's disk model, without a world around it.
//
// Each operation suspends once, so that tasks interleave at it. Operations on the disk are counted;
// from a given one on the machine is dead: every operation fails and changes nothing, so that what
// the image holds is what a crash at that moment leaves, and the fibers end in the ordinary way.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/env/disk.h"
#include "core/env/scheduler.h"
#include "core/sync/event.h"
#include "sim/env/disk_image.h"

namespace flux::test {

class ImageDisk final : public env::Disk {
 public:
  ImageDisk(sim::DiskImage& image, const sim::Time& now) : image_(image), now_(now) {}

  std::uint64_t operations = 0;
  // The first operation that the dead machine does not do; a write there is half done.
  std::uint64_t dies_at = ~std::uint64_t{0};
  // Operations from `fails_from` on fail, `fails` of them, as a failing device's do.
  std::uint64_t fails_from = ~std::uint64_t{0};
  std::uint64_t fails = 0;
  ErrorCode failure = ErrorCode::io_error;
  // How much of a write that fails is there nevertheless, in halves.
  unsigned failed_write_halves = 0;
  std::uint64_t boot = 1;
  std::uint64_t syncs = 0;
  std::uint64_t open_files = 0;
  std::uint64_t open_files_max = 0;
  std::size_t largest_read = 0;  // that was asked for
  // While set and closed, syncs do not return: a disk that hangs.
  sync::Event* gate = nullptr;
  // While set and closed, files whose path ends so are not opened.
  sync::Event* open_gate = nullptr;
  std::string open_gate_path;
  bool dead() const { return operations > dies_at; }

  Result<std::unique_ptr<env::File>> open(env::Task& task, std::string_view path,
                                          env::Open mode) override;
  Result<void> make_directory(env::Task& task, std::string_view path) override;
  Result<void> rename(env::Task& task, std::string_view from, std::string_view to) override;
  Result<void> remove(env::Task& task, std::string_view path) override;
  Result<void> sync_directory(env::Task& task, std::string_view path) override;
  Result<std::vector<env::DirectoryEntry>> list(env::Task& task, std::string_view path) override;
  Result<env::Space> space(env::Task& task) override;
  std::uint64_t boot_id() override { return boot; }

 private:
  friend class ImageFile;
  // Suspends; an error when the machine is dead.
  Result<void> begin(env::Task& task);

  sim::DiskImage& image_;
  const sim::Time& now_;
};

}  // namespace flux::test
