// disk_recorder: preloaded into a program, it writes down in one order what the program does to its
// files and when it sends to its clients. README.md says what is made of that.
//
//   FLUX_RECORDER_FILE     where to; a file of its final size with the header of recording.py. Left
//                          out, nothing is recorded and io_uring stays available
//   FLUX_RECORDER_DROP     a pattern as the shell has them: syncs of files and directories whose
//                          path it matches report success and do nothing, as a disk that lies
//   FLUX_RECORDER_BOOT_ID  what the program finds in /proc/sys/kernel/random/boot_id
//
// Each call is one entry with two stamps of one clock: taken before the call was made, and after it
// returned (0: it never did). The file is mapped and shared, so a kill of the program loses
// nothing, and the clock goes on in the next process that records into the same file. An entry
// counts once `used` of the header includes it, which is after all of it but its end was written.
//
// It sees calls of the C library, not what a ring of the kernel does. While it records, io_uring is
// refused as a container's filter would, and the program is left with calls.
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <mutex>
#include <string>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct io_uring;
// Not in a header of ours: liburing declares it among much that is not wanted here.
extern "C" int io_uring_queue_init(unsigned entries, io_uring* ring, unsigned flags);

namespace {

struct Header {
  std::uint64_t magic;
  std::uint64_t clock;
  std::uint64_t used;  // bytes, this header included
  std::uint64_t capacity;
};

// The numbers are known to recording.py.
enum class Kind : std::uint16_t {
  open = 1,
  write = 2,
  truncate = 3,
  allocate = 4,
  sync_data = 5,
  sync_all = 6,
  make_directory = 7,
  rename = 8,
  remove = 9,
  accept = 10,
  send = 11,
};

struct Entry {
  std::uint32_t bytes;  // of the entry with its payload, a multiple of 8
  Kind kind;
  std::uint16_t dropped;
  std::int32_t process;
  std::int32_t thread;
  std::int32_t fd;
  std::uint32_t payload_bytes;
  std::uint64_t object;  // the first stamp of the open or accept that made the descriptor
  std::uint64_t began;
  std::uint64_t ended;
  std::int64_t offset;  // of a write; flags of an open or remove; the peer's port of an accept
  std::int64_t length;  // of a write or send; the size of a truncate
  std::int64_t result;  // as the system call gives it: an errno is negative
};
static_assert(sizeof(Entry) == 72);

constexpr int kDescriptorsMax = 1 << 16;
constexpr std::uint64_t kMagic = 0x31434552584c46;  // "FLXREC1"

std::mutex append_mutex;
std::atomic<std::uint64_t> object_of[kDescriptorsMax];

[[noreturn]] void give_up(const char* why) {
  std::fprintf(stderr, "disk_recorder: %s\n", why);
  std::abort();
}

Header* map_recording() {
  const char* path = std::getenv("FLUX_RECORDER_FILE");
  if (!path) return nullptr;
  const long fd = ::syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  struct stat status{};
  if (fd < 0 || ::fstat(static_cast<int>(fd), &status) != 0) give_up("the recording is not there");
  void* at = ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ | PROT_WRITE,
                    MAP_SHARED, static_cast<int>(fd), 0);
  ::syscall(SYS_close, fd);
  if (at == MAP_FAILED) give_up("the recording cannot be mapped");
  auto* header = static_cast<Header*>(at);
  if (header->magic != kMagic) give_up("the recording has no header");
  return header;
}

// Null: nothing is recorded. Mapped at the first call, which may come before our constructors.
Header* recording() {
  static Header* const header = map_recording();
  return header;
}

std::uint64_t stamp() { return __atomic_add_fetch(&recording()->clock, 1, __ATOMIC_SEQ_CST); }

struct Call {
  Kind kind;
  int fd = -1;
  std::int64_t offset = 0;
  std::int64_t length = 0;
  const void* payload = nullptr;
  std::size_t payload_bytes = 0;
  bool dropped = false;
};

// Stamps are taken under the lock, so that entries stand in the order in which they began.
Entry* begin(const Call& call) {
  Header* header = recording();
  if (!header) return nullptr;
  const std::size_t bytes = (sizeof(Entry) + call.payload_bytes + 7) / 8 * 8;
  const std::lock_guard guard(append_mutex);
  const std::uint64_t used = header->used;
  if (used + bytes > header->capacity) give_up("the recording is full");
  auto* base = reinterpret_cast<char*>(header) + used;
  auto* entry = reinterpret_cast<Entry*>(base);
  const bool known = call.fd >= 0 && call.fd < kDescriptorsMax;
  *entry = {.bytes = static_cast<std::uint32_t>(bytes),
            .kind = call.kind,
            .dropped = call.dropped,
            .process = ::getpid(),
            .thread = static_cast<std::int32_t>(::syscall(SYS_gettid)),
            .fd = call.fd,
            .payload_bytes = static_cast<std::uint32_t>(call.payload_bytes),
            .object = known ? object_of[call.fd].load() : 0,
            .began = stamp(),
            .ended = 0,
            .offset = call.offset,
            .length = call.length,
            .result = 0};
  if (call.payload_bytes > 0) std::memcpy(base + sizeof(Entry), call.payload, call.payload_bytes);
  __atomic_store_n(&header->used, used + bytes, __ATOMIC_SEQ_CST);
  return entry;
}

// Ends the entry with what the system call returned, and returns it as the C library does.
long end(Entry* entry, long result) {
  const int error = errno;
  if (entry) {
    entry->result = result < 0 ? -error : result;
    __atomic_store_n(&entry->ended, stamp(), __ATOMIC_SEQ_CST);
  }
  errno = error;
  return result;
}

void remember(Entry* entry, long fd) {
  if (!entry || fd < 0) return;
  if (fd >= kDescriptorsMax) give_up("more descriptors than it has room for");
  object_of[fd] = entry->began;
}

// Where a descriptor leads now; AT_FDCWD is the working directory.
std::string path_of(int fd) {
  const std::string link =
      fd == AT_FDCWD ? std::string("/proc/self/cwd") : "/proc/self/fd/" + std::to_string(fd);
  char path[PATH_MAX];
  const ssize_t count = ::readlink(link.c_str(), path, sizeof path);
  return std::string(path, static_cast<std::size_t>(count > 0 ? count : 0));
}

// The path as an absolute one.
std::string resolve(int directory, const char* path) {
  return path[0] == '/' ? path : path_of(directory) + "/" + path;
}

bool dropped(int fd) {
  const char* pattern = std::getenv("FLUX_RECORDER_DROP");
  return pattern && ::fnmatch(pattern, path_of(fd).c_str(), 0) == 0;
}

// A descriptor of a file that holds the boot id that is wanted; -1 when this path is another.
int open_boot_id(const char* path) {
  const char* id = std::getenv("FLUX_RECORDER_BOOT_ID");
  if (!id || std::strcmp(path, "/proc/sys/kernel/random/boot_id") != 0) return -1;
  const int fd = ::memfd_create("boot_id", MFD_CLOEXEC);
  const std::string text = std::string(id) + "\n";
  if (fd < 0 || ::write(fd, text.data(), text.size()) < 0) give_up("no boot id");
  ::lseek(fd, 0, SEEK_SET);
  return fd;
}

int open_at(int directory, const char* path, int flags, unsigned mode) {
  if (const int fd = open_boot_id(path); fd >= 0) return fd;
  Entry* entry = nullptr;
  if (recording()) {
    const std::string whole = resolve(directory, path);
    entry = begin({.kind = Kind::open,
                   .offset = flags,
                   .payload = whole.data(),
                   .payload_bytes = whole.size()});
  }
  const long fd = ::syscall(SYS_openat, directory, path, flags, mode);
  remember(entry, fd);
  return static_cast<int>(end(entry, fd));
}

// What names files by one path, or by two with a zero between them.
Entry* begin_named(Kind kind, const std::string& names, std::int64_t flags = 0) {
  return begin(
      {.kind = kind, .offset = flags, .payload = names.data(), .payload_bytes = names.size()});
}

int sync(Kind kind, int fd, long number) {
  const bool drop = dropped(fd);
  Entry* entry = begin({.kind = kind, .fd = fd, .dropped = drop});
  return static_cast<int>(end(entry, drop ? 0 : ::syscall(number, fd)));
}

int rename_at(int from_directory, const char* from, int to_directory, const char* to,
              unsigned flags) {
  Entry* entry = nullptr;
  if (recording()) {
    const std::string names = resolve(from_directory, from) + '\0' + resolve(to_directory, to);
    entry = begin_named(Kind::rename, names, flags);
  }
  return static_cast<int>(
      end(entry, ::syscall(SYS_renameat2, from_directory, from, to_directory, to, flags)));
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const unsigned mode = (flags & O_CREAT) != 0 ? va_arg(arguments, unsigned) : 0;
  va_end(arguments);
  return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int directory, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const unsigned mode = (flags & O_CREAT) != 0 ? va_arg(arguments, unsigned) : 0;
  va_end(arguments);
  return open_at(directory, path, flags, mode);
}

int close(int fd) {
  if (fd >= 0 && fd < kDescriptorsMax) object_of[fd] = 0;
  return static_cast<int>(::syscall(SYS_close, fd));
}

ssize_t pwrite(int fd, const void* data, std::size_t length, off_t offset) {
  Entry* entry = begin({.kind = Kind::write,
                        .fd = fd,
                        .offset = offset,
                        .length = static_cast<std::int64_t>(length),
                        .payload = data,
                        .payload_bytes = length});
  return end(entry, ::syscall(SYS_pwrite64, fd, data, length, offset));
}

int ftruncate(int fd, off_t size) noexcept {
  Entry* entry = begin({.kind = Kind::truncate, .fd = fd, .length = size});
  return static_cast<int>(end(entry, ::syscall(SYS_ftruncate, fd, size)));
}

int fallocate(int fd, int mode, off_t offset, off_t length) {
  if (mode != FALLOC_FL_KEEP_SIZE) give_up("an allocation that changes the file");
  Entry* entry = begin({.kind = Kind::allocate, .fd = fd, .offset = offset, .length = length});
  return static_cast<int>(end(entry, ::syscall(SYS_fallocate, fd, mode, offset, length)));
}

int fdatasync(int fd) { return sync(Kind::sync_data, fd, SYS_fdatasync); }

int fsync(int fd) { return sync(Kind::sync_all, fd, SYS_fsync); }

int mkdirat(int directory, const char* path, mode_t mode) noexcept {
  Entry* entry =
      recording() ? begin_named(Kind::make_directory, resolve(directory, path)) : nullptr;
  return static_cast<int>(end(entry, ::syscall(SYS_mkdirat, directory, path, mode)));
}

int mkdir(const char* path, mode_t mode) noexcept { return mkdirat(AT_FDCWD, path, mode); }

int renameat(int from_directory, const char* from, int to_directory, const char* to) noexcept {
  return rename_at(from_directory, from, to_directory, to, 0);
}

int renameat2(int from_directory, const char* from, int to_directory, const char* to,
              unsigned flags) noexcept {
  return rename_at(from_directory, from, to_directory, to, flags);
}

int unlinkat(int directory, const char* path, int flags) noexcept {
  Entry* entry = recording() ? begin_named(Kind::remove, resolve(directory, path), flags) : nullptr;
  return static_cast<int>(end(entry, ::syscall(SYS_unlinkat, directory, path, flags)));
}

int accept4(int listener, sockaddr* address, socklen_t* address_bytes, int flags) {
  const long fd = ::syscall(SYS_accept4, listener, address, address_bytes, flags);
  if (fd < 0 || !recording()) return static_cast<int>(fd);
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  ::getpeername(static_cast<int>(fd), reinterpret_cast<sockaddr*>(&peer), &size);
  Entry* entry = begin({.kind = Kind::accept, .offset = ntohs(peer.sin_port)});
  remember(entry, fd);
  return static_cast<int>(end(entry, fd));
}

ssize_t sendto(int fd, const void* data, std::size_t length, int flags, const sockaddr* address,
               socklen_t address_bytes) {
  Entry* entry = begin({.kind = Kind::send, .fd = fd, .length = static_cast<std::int64_t>(length)});
  return end(entry, ::syscall(SYS_sendto, fd, data, length, flags, address, address_bytes));
}

ssize_t send(int fd, const void* data, std::size_t length, int flags) {
  return sendto(fd, data, length, flags, nullptr, 0);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  std::int64_t length = 0;
  for (std::size_t i = 0; i < message->msg_iovlen; ++i) {
    length += static_cast<std::int64_t>(message->msg_iov[i].iov_len);
  }
  Entry* entry = begin({.kind = Kind::send, .fd = fd, .length = length});
  return end(entry, ::syscall(SYS_sendmsg, fd, message, flags));
}

ssize_t sendfile(int target, int source, off_t* offset, std::size_t length) noexcept {
  Entry* entry =
      begin({.kind = Kind::send, .fd = target, .length = static_cast<std::int64_t>(length)});
  return end(entry, ::syscall(SYS_sendfile, target, source, offset, length));
}

int io_uring_queue_init(unsigned entries, io_uring* ring, unsigned flags) {
  if (recording()) return -ENOSYS;
  using Init = int (*)(unsigned, io_uring*, unsigned);
  const auto init = reinterpret_cast<Init>(::dlsym(RTLD_NEXT, "io_uring_queue_init"));
  return init ? init(entries, ring, flags) : -ENOSYS;
}

}  // extern "C"
