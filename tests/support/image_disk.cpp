#include "tests/support/image_disk.h"

#include <algorithm>

namespace flux::test {

using env::Task;
using sim::DiskResult;
using sim::Inode;

namespace {
template <class T>
Result<T> plain(DiskResult<T> result, std::string_view path) {
  if (!result) return fail(result.error(), std::string(path));
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return std::move(*result);
  }
}
}  // namespace

class ImageFile final : public env::File {
 public:
  ImageFile(ImageDisk& disk, Inode inode, env::Open mode)
      : disk_(disk), inode_(inode), mode_(mode) {
    disk_.open_files_max = std::max(disk_.open_files_max, ++disk_.open_files);
  }
  ~ImageFile() override {
    --disk_.open_files;
    disk_.image_.close(inode_);
  }

  Result<std::size_t> read_at(Task& task, std::uint64_t offset, MutBytes into) override {
    disk_.largest_read = std::max(disk_.largest_read, into.size());
    TRY(disk_.begin(task));
    return plain(disk_.image_.read(inode_, offset, into), path());
  }
  Result<void> write_at(Task& task, std::uint64_t offset, ByteView from) override {
    if (mode_ == env::Open::read) return fail(ErrorCode::permission);
    const Result<void> begun = disk_.begin(task);
    if (!begun) {
      // The operation that the machine died in did a part of its work.
      if (disk_.operations == disk_.dies_at + 1) {
        static_cast<void>(
            disk_.image_.write(inode_, offset, from.first(from.size() / 2), disk_.now_));
      } else if (!disk_.dead()) {
        const ByteView part = from.first(from.size() * disk_.failed_write_halves / 2);
        static_cast<void>(disk_.image_.write(inode_, offset, part, disk_.now_));
      }
      return begun;
    }
    return plain(disk_.image_.write(inode_, offset, from, disk_.now_), path());
  }
  Result<void> sync(Task& task) override {
    const std::uint64_t through = disk_.image_.newest(inode_);
    const Result<void> begun = disk_.begin(task);
    if (!begun && !disk_.dead()) {
      // What the failed sync should have written is dropped: no later sync covers it.
      disk_.image_.order({.fault = sim::OrderedFault::sync_error, .path = std::string(path())});
      static_cast<void>(disk_.image_.sync(inode_, through, disk_.now_));
    }
    TRY(begun);
    if (disk_.gate) TRY(disk_.gate->wait(task));
    ++disk_.syncs;
    return plain(disk_.image_.sync(inode_, through, disk_.now_), path());
  }
  Result<void> truncate(Task& task, std::uint64_t size) override {
    TRY(disk_.begin(task));
    return plain(disk_.image_.truncate(inode_, size, disk_.now_), path());
  }
  Result<void> allocate(Task& task, std::uint64_t size) override {
    TRY(disk_.begin(task));
    return plain(disk_.image_.allocate(inode_, size, disk_.now_), path());
  }
  Result<std::uint64_t> size(Task& task) override {
    TRY(disk_.begin(task));
    return disk_.image_.size(inode_);
  }
  Result<void> lock(Task&) override { return {}; }

 private:
  std::string_view path() const { return disk_.image_.path_of(inode_); }

  ImageDisk& disk_;
  Inode inode_;
  env::Open mode_;
};

Result<void> ImageDisk::begin(Task& task) {
  task.scheduler().yield(task);
  const std::uint64_t number = operations++;
  if (number >= dies_at) return fail(ErrorCode::io_error, "the machine is dead");
  if (number >= fails_from && number - fails_from < fails) {
    return fail(failure, "operation " + std::to_string(number) + " was told to fail");
  }
  return {};
}

Result<std::unique_ptr<env::File>> ImageDisk::open(Task& task, std::string_view path,
                                                   env::Open mode) {
  TRY(begin(task));
  if (open_gate && path.ends_with(open_gate_path)) TRY(open_gate->wait(task));
  const Inode inode = TRY(plain(image_.open(path, mode, now_), path));
  return std::make_unique<ImageFile>(*this, inode, mode);
}
Result<void> ImageDisk::make_directory(Task& task, std::string_view path) {
  TRY(begin(task));
  return plain(image_.make_directory(path, now_), path);
}
Result<void> ImageDisk::rename(Task& task, std::string_view from, std::string_view to) {
  TRY(begin(task));
  return plain(image_.rename(from, to, now_), from);
}
Result<void> ImageDisk::remove(Task& task, std::string_view path) {
  TRY(begin(task));
  return plain(image_.remove(path, now_), path);
}
Result<void> ImageDisk::sync_directory(Task& task, std::string_view path) {
  TRY(begin(task));
  return plain(image_.sync_directory(path, now_), path);
}
Result<std::vector<env::DirectoryEntry>> ImageDisk::list(Task& task, std::string_view path) {
  TRY(begin(task));
  const auto* entries = TRY(plain(image_.list(path), path));
  std::vector<env::DirectoryEntry> out;
  for (const auto& [name, inode] : *entries) {
    out.push_back({std::string(name), image_.is_directory(inode)});
  }
  return out;
}
Result<env::Space> ImageDisk::space(Task& task) {
  TRY(begin(task));
  return image_.space(now_);
}

}  // namespace flux::test
