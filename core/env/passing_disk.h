// PassingDisk: a disk around another one. It passes everything on; who derives from it says what is
// done otherwise, and hands out PassingFiles.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "core/env/disk.h"

namespace flux::env {

class PassingFile : public File {
 public:
  explicit PassingFile(std::unique_ptr<File> within) : within_(std::move(within)) {}

  Result<std::size_t> read_at(Task& task, std::uint64_t offset, MutBytes into) override {
    return within_->read_at(task, offset, into);
  }
  Result<void> write_at(Task& task, std::uint64_t offset, ByteView from) override {
    return within_->write_at(task, offset, from);
  }
  Result<void> sync(Task& task) override { return within_->sync(task); }
  Result<void> truncate(Task& task, std::uint64_t size) override {
    return within_->truncate(task, size);
  }
  Result<void> allocate(Task& task, std::uint64_t size) override {
    return within_->allocate(task, size);
  }
  Result<std::uint64_t> size(Task& task) override { return within_->size(task); }
  Result<void> lock(Task& task) override { return within_->lock(task); }

  File& within() { return *within_; }

 private:
  std::unique_ptr<File> within_;
};

class PassingDisk : public Disk {
 public:
  // Outlives it.
  explicit PassingDisk(Disk& within) : within_(within) {}

  Result<std::unique_ptr<File>> open(Task& task, std::string_view path, Open mode) override {
    return within_.open(task, path, mode);
  }
  Result<void> make_directory(Task& task, std::string_view path) override {
    return within_.make_directory(task, path);
  }
  Result<void> rename(Task& task, std::string_view from, std::string_view to) override {
    return within_.rename(task, from, to);
  }
  Result<void> remove(Task& task, std::string_view path) override {
    return within_.remove(task, path);
  }
  Result<void> sync_directory(Task& task, std::string_view path) override {
    return within_.sync_directory(task, path);
  }
  Result<std::vector<DirectoryEntry>> list(Task& task, std::string_view path) override {
    return within_.list(task, path);
  }
  Result<Space> space(Task& task) override { return within_.space(task); }
  std::uint64_t boot_id() override { return within_.boot_id(); }

 private:
  Disk& within_;
};

// The file that the environment made, below all that was put around it: Connection::send_range
// takes no other.
inline File& unwrapped(File& file) {
  File* out = &file;
  while (auto* const passing = dynamic_cast<PassingFile*>(out)) out = &passing->within();
  return *out;
}

}  // namespace flux::env
