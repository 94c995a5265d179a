// Disk: the files of one node.
//
// What survives what (docs/architecture.md has the reasons):
//   - a kill of the process keeps every completed write and directory operation;
//   - a power cut keeps what a completed sync covered. Unsynced writes survive in any subset, torn
//   at any
//     sector; a created, renamed or removed name survives only if sync_dir of its directory
//     completed after it;
//   - sync covers the writes to that file that completed before it was called, and its size;
//   - after a failed sync the file's state is unknown: it must be closed and its unsynced bytes
//   must not
//     be taken for durable, whatever a later sync says.
// Completions may carry any real error: io_error, no_space, too_many_files, not_found, exists,
// permission, locked; never corrupt, since the disk does not know. There are no hidden retries.
//
// An operation is not interrupted by the task's deadline or cancellation: its buffer belongs to the
// device until it returns, and a disk that hangs keeps its caller for ever. Whoever must not hang
// with the disk leaves the operation to a task of its own and waits for that task with a deadline.
//
// Paths are relative to the node's data root or absolute, with '/' between names; "." and ".." are
// not used. Directory operations are atomic against each other.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/env/task.h"

namespace flux::env {

enum class Open : std::uint8_t {
  read,          // must exist; writes are refused (permission)
  read_write,    // must exist
  create,        // read and write; made when missing
  create_new,    // read and write; `exists` when it is there
  create_empty,  // read and write; cut to nothing when it is there
};

class File {
 public:
  // Closes without syncing.
  virtual ~File() = default;

  // Up to into.size() bytes; fewer only at the end of the file, 0 at or past it.
  virtual Result<std::size_t> read_at(Task& task, std::uint64_t offset, MutBytes into) = 0;
  // All of the bytes or an error, after which any part of them may be there. A gap reads as zeros.
  virtual Result<void> write_at(Task& task, std::uint64_t offset, ByteView from) = 0;
  // Data and size are durable when it returns without an error.
  virtual Result<void> sync(Task& task) = 0;
  virtual Result<void> truncate(Task& task, std::uint64_t size) = 0;
  // Reserves space for [0, size) without changing the file's size.
  virtual Result<void> allocate(Task& task, std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size(Task& task) = 0;
  // An exclusive advisory lock that ends with the file or the process; `locked` if another process
  // of the host has it.
  virtual Result<void> lock(Task& task) = 0;
};

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;

  friend auto operator<=>(const DirectoryEntry&, const DirectoryEntry&) = default;
};

struct Space {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;
};

class Disk {
 public:
  virtual ~Disk() = default;

  virtual Result<std::unique_ptr<File>> open(Task& task, std::string_view path, Open mode) = 0;
  // Makes one directory; its parent must exist. An existing directory is `exists`.
  virtual Result<void> make_directory(Task& task, std::string_view path) = 0;
  // Replaces `to` if it is there (a file by a file; a directory only onto nothing).
  virtual Result<void> rename(Task& task, std::string_view from, std::string_view to) = 0;
  // A file, or an empty directory.
  virtual Result<void> remove(Task& task, std::string_view path) = 0;
  virtual Result<void> sync_directory(Task& task, std::string_view path) = 0;
  // Sorted by name.
  virtual Result<std::vector<DirectoryEntry>> list(Task& task, std::string_view path) = 0;
  virtual Result<Space> space(Task& task) = 0;
  // Changes whenever the page cache may have been lost (a reboot); 0 when unknown.
  virtual std::uint64_t boot_id() = 0;
};

// The whole of a small file (at most `limit` bytes, else too_large).
Result<Bytes> read_file(Task& task, Disk& disk, std::string_view path, std::uint64_t limit);
// Write to "<path>.tmp", sync, rename over `path`, sync the directory: old or new, never a mixture.
// `write` brings the content into the empty file; what it took on a full disk is given back.
using WriteFile = std::function<Result<void>(File& file)>;
Result<void> replace_file(Task& task, Disk& disk, std::string_view path, const WriteFile& write);
Result<void> replace_file(Task& task, Disk& disk, std::string_view path, ByteView content);
// Makes one directory, or finds it there, and its name durable: whoever made it may have died
// before that. The parent must exist; whether its own name is durable is its maker's affair.
Result<void> settle_directory(Task& task, Disk& disk, std::string_view path);
// Makes the directory and its missing parents. When it returns, the names of all of them are
// durable, of those too that were there before.
Result<void> make_directories(Task& task, Disk& disk, std::string_view path);

}  // namespace flux::env
