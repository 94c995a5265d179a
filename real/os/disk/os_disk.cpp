#include "real/os/disk/os_disk.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <utility>

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "core/base/hash.h"
#include "real/os/disk/os_file.h"
#include "real/os/os_error.h"

namespace flux::os {
namespace {

constexpr mode_t kFileMode = 0640;
constexpr mode_t kDirectoryMode = 0750;

std::int64_t zero_or_errno(int result) { return result == 0 ? 0 : -errno; }

// Runs `call` (0, a value, or a negative errno) until no signal interrupts it.
template <class Call>
std::int64_t run_blocking(DiskEngine& engine, env::Task& task, Call&& call) {
  return engine.run_blocking(task, [&]() -> std::int64_t {
    std::int64_t result = 0;
    do {
      result = call();
    } while (result == -EINTR);
    return result;
  });
}

Result<void> to_result(std::int64_t result, std::string_view doing, std::string_view path) {
  if (result >= 0) return {};
  return std::unexpected(
      os_error(static_cast<int>(-result), std::string(doing) + " " + std::string(path)));
}

int flags_of(env::Open mode) {
  switch (mode) {
    case env::Open::read:
      return O_RDONLY;
    case env::Open::read_write:
      return O_RDWR;
    case env::Open::create:
      return O_RDWR | O_CREAT;
    case env::Open::create_new:
      return O_RDWR | O_CREAT | O_EXCL;
    case env::Open::create_empty:
      return O_RDWR | O_CREAT | O_TRUNC;
  }
  return O_RDONLY;
}

std::int64_t open_file(int root, const char* path, int flags) {
  Fd fd(::openat(root, path, flags | O_CLOEXEC | O_NOCTTY, kFileMode));
  if (!fd.open()) return -errno;
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return -errno;
  // The kernel opens a directory for reading without complaint.
  if (S_ISDIR(status.st_mode)) return -EISDIR;
  return fd.release();
}

// A directory goes only onto nothing, where POSIX would let it replace an empty one.
std::int64_t rename_entry(int root, const char* from, const char* to) {
  struct stat status{};
  if (::fstatat(root, from, &status, AT_SYMLINK_NOFOLLOW) != 0) return -errno;
  if (S_ISDIR(status.st_mode)) {
    if (::renameat2(root, from, root, to, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return -errno;
    // A file system that cannot refuse by itself. Nobody else renames in a node's data root.
    if (::fstatat(root, to, &status, AT_SYMLINK_NOFOLLOW) == 0) return -EEXIST;
  }
  const std::int64_t result = zero_or_errno(::renameat(root, from, root, to));
  return result == -EISDIR ? -EEXIST : result;
}

std::int64_t remove_entry(int root, const char* path) {
  const std::int64_t result = zero_or_errno(::unlinkat(root, path, 0));
  // Linux says EISDIR, POSIX allows EPERM, which then is either.
  if (result != -EISDIR && result != -EPERM) return result;
  const std::int64_t as_directory = zero_or_errno(::unlinkat(root, path, AT_REMOVEDIR));
  return as_directory == -ENOTDIR ? result : as_directory;
}

std::int64_t sync_directory_at(int root, const char* path) {
  const Fd fd(::openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.open()) return -errno;
  return zero_or_errno(::fsync(fd.get()));
}

bool is_directory(int directory, const dirent& entry) {
  if (entry.d_type == DT_DIR) return true;
  if (entry.d_type != DT_UNKNOWN && entry.d_type != DT_LNK) return false;
  struct stat status{};
  return ::fstatat(directory, entry.d_name, &status, 0) == 0 && S_ISDIR(status.st_mode);
}

std::int64_t list_directory(int root, const char* path, std::vector<env::DirectoryEntry>& out) {
  const int fd = ::openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -errno;
  DIR* directory = ::fdopendir(fd);
  if (!directory) {
    const int error = errno;
    ::close(fd);
    return -error;
  }
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory);
    if (!entry) break;
    const std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    out.push_back({std::string(name), is_directory(fd, *entry)});
  }
  const int error = errno;
  ::closedir(directory);
  std::ranges::sort(out);
  return -error;
}

// 0 when the kernel does not say.
std::uint64_t read_boot_id() {
  const Fd fd(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  if (!fd.open()) return 0;
  std::array<char, 64> text{};
  const ssize_t count = ::read(fd.get(), text.data(), text.size());
  constexpr ssize_t kUuidText = 36;
  if (count < kUuidText) return 0;
  return hash_bytes(as_bytes({text.data(), static_cast<std::size_t>(kUuidText)}));
}

Result<void> make_root(const std::string& root) {
  for (std::size_t at = root.find('/', 1);; at = root.find('/', at + 1)) {
    const std::string prefix = root.substr(0, at);
    if (::mkdir(prefix.c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
      // A parent that exists may refuse to be written to, or the file system may.
      struct stat status{};
      const int error = errno;
      if (::stat(prefix.c_str(), &status) != 0) {
        return std::unexpected(os_error(error, "making the directory " + prefix));
      }
    }
    if (at == std::string::npos) return {};
  }
}

}  // namespace

Result<std::unique_ptr<OsDisk>> OsDisk::create(const std::string& root, DiskEngine& engine) {
  if (root.empty()) return fail(ErrorCode::invalid, "the data root has no name");
  TRY(make_root(root));
  Fd fd(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.open()) return std::unexpected(os_error(errno, "opening the data root " + root));
  return std::unique_ptr<OsDisk>(new OsDisk(std::move(fd), engine));
}

OsDisk::OsDisk(Fd root, DiskEngine& engine)
    : root_(std::move(root)), engine_(engine), boot_id_(read_boot_id()) {}

Result<std::unique_ptr<env::File>> OsDisk::open(env::Task& task, std::string_view path,
                                                env::Open mode) {
  std::string name(path);
  const std::int64_t fd = run_blocking(
      engine_, task, [&] { return open_file(root_.get(), name.c_str(), flags_of(mode)); });
  TRY(to_result(fd, "opening", path));
  return std::make_unique<OsFile>(Fd(static_cast<int>(fd)), std::move(name),
                                  mode != env::Open::read, engine_);
}

Result<void> OsDisk::make_directory(env::Task& task, std::string_view path) {
  const std::string name(path);
  const std::int64_t result = run_blocking(engine_, task, [&] {
    return zero_or_errno(::mkdirat(root_.get(), name.c_str(), kDirectoryMode));
  });
  return to_result(result, "making the directory", path);
}

Result<void> OsDisk::rename(env::Task& task, std::string_view from, std::string_view to) {
  const std::string from_name(from);
  const std::string to_name(to);
  const std::int64_t result = run_blocking(
      engine_, task, [&] { return rename_entry(root_.get(), from_name.c_str(), to_name.c_str()); });
  return to_result(result, "renaming " + from_name + " to", to);
}

Result<void> OsDisk::remove(env::Task& task, std::string_view path) {
  const std::string name(path);
  const std::int64_t result =
      run_blocking(engine_, task, [&] { return remove_entry(root_.get(), name.c_str()); });
  return to_result(result, "removing", path);
}

Result<void> OsDisk::sync_directory(env::Task& task, std::string_view path) {
  const std::string name(path);
  const std::int64_t result =
      run_blocking(engine_, task, [&] { return sync_directory_at(root_.get(), name.c_str()); });
  return to_result(result, "syncing the directory", path);
}

Result<std::vector<env::DirectoryEntry>> OsDisk::list(env::Task& task, std::string_view path) {
  const std::string name(path);
  std::vector<env::DirectoryEntry> out;
  const std::int64_t result = run_blocking(engine_, task, [&] {
    out.clear();
    return list_directory(root_.get(), name.c_str(), out);
  });
  TRY(to_result(result, "listing", path));
  return out;
}

Result<env::Space> OsDisk::space(env::Task& task) {
  struct statvfs status{};
  const std::int64_t result =
      run_blocking(engine_, task, [&] { return zero_or_errno(::fstatvfs(root_.get(), &status)); });
  TRY(to_result(result, "measuring the space of", "the data root"));
  // What is left to a user without privileges: the rest is kept for the administrator.
  return env::Space{status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize};
}

}  // namespace flux::os
