// One open file of the machine.
//
// Reads try the page cache first, in the loop's thread, and go to the engine only for what is not
// there. Writes always go to the engine (os_file.cpp says why). After a sync failed once, every
// later sync of this object fails too: the kernel tells a write-back error once and then calls the
// lost pages clean.
#pragma once

#include <string>

#include "core/env/disk.h"
#include "real/os/disk/engine.h"
#include "real/os/fd.h"

namespace flux::os {

class OsFile final : public env::File {
 public:
  OsFile(Fd fd, std::string path, bool writable, DiskEngine& engine);
  ~OsFile() override;

  Result<std::size_t> read_at(env::Task& task, std::uint64_t offset, MutBytes into) override;
  Result<void> write_at(env::Task& task, std::uint64_t offset, ByteView from) override;
  Result<void> sync(env::Task& task) override;
  Result<void> truncate(env::Task& task, std::uint64_t size) override;
  Result<void> allocate(env::Task& task, std::uint64_t size) override;
  Result<std::uint64_t> size(env::Task& task) override;
  Result<void> lock(env::Task& task) override;

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }
  // Whether reading the range would, as far as a look at some of its pages tells, not wait for the
  // device. False also for what lies past the end of the file.
  bool in_page_cache(std::uint64_t offset, std::size_t length) const;
  // Reads the range into the page cache; a range that the file does not have is io_error.
  Result<void> load(env::Task& task, std::uint64_t offset, std::size_t length);

 private:
  Result<void> check_writable(std::string_view doing, std::uint64_t position) const;
  Error error(int error_number, std::string_view doing) const;

  Fd fd_;
  std::string path_;
  DiskEngine& engine_;
  bool writable_;
  bool locked_ = false;
  bool sync_failed_ = false;
  bool cached_reads_ = true;  // false once the file system refused RWF_NOWAIT
};

}  // namespace flux::os
