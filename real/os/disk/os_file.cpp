#include "real/os/disk/os_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <limits>
#include <optional>
#include <unistd.h>
#include <utility>

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "core/env/scheduler.h"
#include "real/os/os_error.h"

namespace flux::os {
namespace {

// Copied from the page cache in one go: about 50 us.
constexpr std::size_t kCachedPiece = std::size_t{256} << 10;
// Between looks at whether a range is in the page cache; read-ahead fills such stretches whole.
constexpr std::size_t kLookEvery = std::size_t{32} << 10;
// A removed file that is larger takes a while to free.
constexpr std::int64_t kQuickClose = std::int64_t{1} << 20;
// The kernel's offsets are signed, and to io_uring -1 means the descriptor's own position.
constexpr std::uint64_t kOffsetMax = std::numeric_limits<off_t>::max();

ssize_t read_cached(int fd, std::uint64_t offset, MutBytes into) {
  iovec part{into.data(), into.size()};
  return ::preadv2(fd, &part, 1, static_cast<off_t>(offset), RWF_NOWAIT);
}

// cachestat(2), Linux 6.5: how many pages of a range are in the page cache. The headers of an older
// system do not name it.
constexpr long kCacheStat = 451;
struct CacheStatRange {
  std::uint64_t offset;
  std::uint64_t length;
};
struct CacheStat {
  std::uint64_t cached;
  std::uint64_t dirty;
  std::uint64_t writeback;
  std::uint64_t evicted;
  std::uint64_t recently_evicted;
};

// Nothing where the kernel does not tell.
std::optional<bool> all_pages_cached(int fd, std::uint64_t offset, std::size_t length) {
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  CacheStatRange range{offset, length};
  CacheStat stat{};
  if (::syscall(kCacheStat, fd, &range, &stat, 0) != 0) return std::nullopt;
  return stat.cached == (offset + length - 1) / page - offset / page + 1;
}

bool again(std::int64_t result) { return result == -EINTR || result == -EAGAIN; }

}  // namespace

OsFile::OsFile(Fd fd, std::string path, bool writable, DiskEngine& engine)
    : fd_(std::move(fd)), path_(std::move(path)), engine_(engine), writable_(writable) {}

OsFile::~OsFile() {
  struct stat status{};
  // A lock must be free when the destructor returns.
  if (locked_ || ::fstat(fd_.get(), &status) != 0) return;
  if (status.st_nlink == 0 && status.st_size > kQuickClose) engine_.close_later(fd_.release());
}

Error OsFile::error(int error_number, std::string_view doing) const {
  return os_error(error_number, std::string(doing) + " " + path_);
}

Result<void> OsFile::check_writable(std::string_view doing, std::uint64_t position) const {
  if (!writable_) {
    return fail(ErrorCode::permission,
                std::string(doing) + " " + path_ + ": it was opened for reading");
  }
  if (position > kOffsetMax) return std::unexpected(error(EFBIG, doing));
  return {};
}

Result<std::size_t> OsFile::read_at(env::Task& task, std::uint64_t offset, MutBytes into) {
  if (offset > kOffsetMax) return 0;  // past the end of any file
  std::size_t done = 0;
  while (done < into.size()) {
    const MutBytes rest = into.subspan(done);
    std::int64_t result = 0;
    if (cached_reads_) {
      result =
          read_cached(fd_.get(), offset + done, rest.first(std::min(rest.size(), kCachedPiece)));
      if (result < 0) result = -errno;
      if (result == -EOPNOTSUPP) cached_reads_ = false;
      if (result > 0) env::yield_if_due(task);
    }
    if (!cached_reads_ || result == -EAGAIN) {
      result = engine_.run(task, DiskOperation::read(fd_.get(), offset + done, rest));
    }
    if (again(result)) continue;
    if (result < 0) return std::unexpected(error(static_cast<int>(-result), "reading"));
    if (result == 0) break;
    done += static_cast<std::size_t>(result);
  }
  return done;
}

// Never in the loop's thread, although a buffered pwrite() is usually done sooner than a helper
// thread answers. Measured on ext4 (4 KiB: 2.5 us inline, 9 us through a thread, 7 us through
// io_uring; 64 KiB: 9 us inline): while another thread syncs the same file, one inline write in a
// thousand took 70 us and the worst 3.8 ms, waiting for the journal or a page under write-back; and
// once the machine's dirty pages reached their limit, one in a thousand took over 4 ms and the
// worst 34 ms, since the kernel makes the writer pay for write-back. Both are over the 2 ms that a
// run may take, in just the moments when a broker is busy. RWF_NOWAIT, which would tell, is refused
// by ext4 for buffered writes.
Result<void> OsFile::write_at(env::Task& task, std::uint64_t offset, ByteView from) {
  if (const auto allowed = check_writable("writing", offset); !allowed) return allowed;
  while (!from.empty()) {
    const std::int64_t result = engine_.run(task, DiskOperation::write(fd_.get(), offset, from));
    if (again(result)) continue;
    if (result < 0) return std::unexpected(error(static_cast<int>(-result), "writing"));
    // The kernel writes something or says why not.
    if (result == 0) return std::unexpected(error(EIO, "writing"));
    offset += static_cast<std::uint64_t>(result);
    from = from.subspan(static_cast<std::size_t>(result));
  }
  return {};
}

// fdatasync() covers the data and the size, which is all that the contract names; fsync() would
// also write the times of the file, at the price of a second journal commit.
Result<void> OsFile::sync(env::Task& task) {
  if (sync_failed_) {
    return fail(ErrorCode::io_error,
                "syncing " + path_ + ": an earlier sync failed, so its state is unknown");
  }
  std::int64_t result = 0;
  do {
    result = engine_.run(task, DiskOperation::sync_data(fd_.get()));
  } while (result == -EINTR);
  if (result == 0) return {};
  sync_failed_ = true;
  return std::unexpected(error(static_cast<int>(-result), "syncing"));
}

Result<void> OsFile::truncate(env::Task& task, std::uint64_t size) {
  if (const auto allowed = check_writable("truncating", size); !allowed) return allowed;
  std::int64_t result = 0;
  do {
    result = engine_.run_blocking(task, [&]() -> std::int64_t {
      return ::ftruncate(fd_.get(), static_cast<off_t>(size)) == 0 ? 0 : -errno;
    });
  } while (result == -EINTR);
  if (result < 0) return std::unexpected(error(static_cast<int>(-result), "truncating"));
  return {};
}

Result<void> OsFile::allocate(env::Task& task, std::uint64_t size) {
  if (const auto allowed = check_writable("allocating", size); !allowed) return allowed;
  if (size == 0) return {};
  std::int64_t result = 0;
  do {
    result = engine_.run_blocking(task, [&]() -> std::int64_t {
      const int mode = FALLOC_FL_KEEP_SIZE;
      return ::fallocate(fd_.get(), mode, 0, static_cast<off_t>(size)) == 0 ? 0 : -errno;
    });
  } while (result == -EINTR);
  if (result < 0) return std::unexpected(error(static_cast<int>(-result), "allocating"));
  return {};
}

// The kernel has the size in memory for every open file.
Result<std::uint64_t> OsFile::size(env::Task&) {
  struct stat status{};
  if (::fstat(fd_.get(), &status) != 0) return std::unexpected(error(errno, "measuring"));
  return static_cast<std::uint64_t>(status.st_size);
}

Result<void> OsFile::lock(env::Task& task) {
  const std::int64_t result = engine_.run_blocking(task, [&]() -> std::int64_t {
    return ::flock(fd_.get(), LOCK_EX | LOCK_NB) == 0 ? 0 : -errno;
  });
  if (result < 0) return std::unexpected(error(static_cast<int>(-result), "locking"));
  locked_ = true;
  return {};
}

bool OsFile::in_page_cache(std::uint64_t offset, std::size_t length) const {
  const std::optional<bool> there = all_pages_cached(fd_.get(), offset, length);
  if (there == false) return false;
  // A page may be there and still be read from the device: the last one comes last.
  const std::size_t step = there ? length : kLookEvery;
  std::byte look{};
  const std::uint64_t last = offset + length - 1;
  for (std::uint64_t at = there ? last : offset;; at = std::min(at + step, last)) {
    const ssize_t count = read_cached(fd_.get(), at, {&look, 1});
    // A file system that cannot tell is taken at its word later, by a read that may wait.
    if (count < 0 && errno == EOPNOTSUPP) return true;
    if (count != 1) return false;
    if (at == last) return true;
  }
}

Result<void> OsFile::load(env::Task& task, std::uint64_t offset, std::size_t length) {
  const std::int64_t result = engine_.run_blocking(task, [&]() -> std::int64_t {
    std::array<std::byte, std::size_t{64} << 10> scratch;
    ::readahead(fd_.get(), static_cast<off_t>(offset), length);
    for (std::size_t done = 0; done < length;) {
      const std::size_t piece = std::min(scratch.size(), length - done);
      const ssize_t count =
          ::pread(fd_.get(), scratch.data(), piece, static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return -errno;
      if (count == 0) return 1;
      done += static_cast<std::size_t>(count);
    }
    return 0;
  });
  if (result < 0) return std::unexpected(error(static_cast<int>(-result), "reading"));
  if (result == 1) return fail(ErrorCode::io_error, path_ + ": shorter than said");
  return {};
}

}  // namespace flux::os
