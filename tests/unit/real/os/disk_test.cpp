// What the disk of the real world promises beyond the contract: errors as the kernel gives them,
// paths, locks between processes, descriptors.
#include <array>
#include <fcntl.h>
#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "real/os/disk/os_file.h"
#include "real/os/fd.h"
#include "real/os/os_error.h"
#include "tests/unit/real/os/test_env.h"

namespace flux::os {
namespace {

using env::Open;

// Descriptors that this process may still open.
class FileLimit {
 public:
  explicit FileLimit(rlim_t soft) {
    CHECK(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const rlimit lower{soft, before_.rlim_max};
    CHECK(::setrlimit(RLIMIT_NOFILE, &lower) == 0);
  }
  ~FileLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  rlimit before_{};
};

TEST(OsError, NamesTheErrnoAndWhatWasDone) {
  const Error error = os_error(ENOSPC, "writing t-0/0.log");
  EXPECT_EQ(error.code(), ErrorCode::no_space);
  EXPECT_EQ(error.detail(), "writing t-0/0.log: ENOSPC (No space left on device)");
  EXPECT_EQ(os_error(9999, "trying").detail(), "trying: errno 9999");
  EXPECT_EQ(code_of_errno(9999), ErrorCode::io_error);
  EXPECT_EQ(code_of_errno(EMFILE), ErrorCode::too_many_files);
  EXPECT_EQ(code_of_errno(EIO), ErrorCode::io_error);
}

TEST(OsDisk, MakesItsRootAndKeepsRelativePathsBelowIt) {
  const TemporaryFolder folder;
  RealEnvConfig config;
  config.data_root = folder.path() + "/some/where";
  config.trace.severity_min = env::Severity::error;
  const auto made = RealEnv::create(config);
  ASSERT_TRUE(made.has_value()) << made.error().to_string();
  (*made)->run([&](env::Task& task) {
    env::Disk& disk = (*made)->env().disk;
    EXPECT_TRUE(env::replace_file(task, disk, "f", as_bytes("relative")));
    EXPECT_TRUE(env::replace_file(task, disk, folder.path() + "/g", as_bytes("absolute")));
    EXPECT_NE(disk.boot_id(), 0U);
    return 0;
  });
  std::string text;
  std::getline(std::ifstream(config.data_root + "/f"), text);
  EXPECT_EQ(text, "relative");
  std::getline(std::ifstream(folder.path() + "/g"), text);
  EXPECT_EQ(text, "absolute");
}

TEST(OsDisk, ARootThatCannotBeIsAnError) {
  RealEnvConfig config;
  config.data_root = "/dev/null/data";
  const auto made = RealEnv::create(config);
  ASSERT_FALSE(made.has_value());
  EXPECT_NE(made.error().detail().find("ENOTDIR"), std::string::npos) << made.error().detail();
}

TEST(OsDisk, AFullDeviceIsNoSpaceAndAFailedSyncStaysFailed) {
  TestEnv world;
  world.run([&](env::Task& task) {
    const auto full = world.env().disk.open(task, "/dev/full", Open::read_write);
    ASSERT_TRUE(full.has_value());
    const Result<void> written = (*full)->write_at(task, 0, as_bytes("x"));
    ASSERT_FALSE(written.has_value());
    EXPECT_EQ(written.error().code(), ErrorCode::no_space);
    EXPECT_NE(written.error().detail().find("/dev/full"), std::string::npos);
    // The kernel syncs no character device: the first error is its own, all later ones are ours.
    EXPECT_FALSE((*full)->sync(task).has_value());
    const Result<void> again = (*full)->sync(task);
    ASSERT_FALSE(again.has_value());
    EXPECT_EQ(again.error().code(), ErrorCode::io_error);
  });
}

TEST(OsDisk, WhatIsNoFileCannotBeOpened) {
  TestEnv world;
  world.run([&](env::Task& task) {
    const auto opened = world.env().disk.open(task, ".", Open::read);
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code(), ErrorCode::invalid);
  });
}

TEST(OsDisk, OffsetsBeyondTheKernelsAreRefused) {
  for (const auto engine : {DiskEngineChoice::threads, DiskEngineChoice::automatic}) {
    TestEnv world(engine);
    world.run([&](env::Task& task) {
      const auto file = world.env().disk.open(task, "f", Open::create);
      ASSERT_TRUE(file.has_value());
      ASSERT_TRUE((*file)->write_at(task, 0, as_bytes("abc")));
      std::array<std::byte, 4> into{};
      const auto read = (*file)->read_at(task, ~std::uint64_t{0}, into);
      ASSERT_TRUE(read.has_value());
      EXPECT_EQ(*read, 0U);
      const auto written = (*file)->write_at(task, ~std::uint64_t{0}, as_bytes("x"));
      ASSERT_FALSE(written.has_value());
      EXPECT_EQ(written.error().code(), ErrorCode::too_large);
      EXPECT_FALSE((*file)->truncate(task, ~std::uint64_t{0}).has_value());
    });
  }
}

TEST(OsDisk, ALockExcludesOtherProcesses) {
  TestEnv world;
  std::array<int, 2> to_child{};
  std::array<int, 2> to_parent{};
  ASSERT_EQ(::pipe(to_child.data()), 0);
  ASSERT_EQ(::pipe(to_parent.data()), 0);
  const std::string path = world.folder() + "/lock";
  const pid_t child = ::fork();
  if (child == 0) {
    char byte = 0;
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
    byte = ::flock(fd, LOCK_EX) == 0 ? 'l' : 'e';
    static_cast<void>(!::write(to_parent[1], &byte, 1));
    static_cast<void>(!::read(to_child[0], &byte, 1));
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(to_parent[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'l');
  const auto try_lock = [&] {
    Result<void> result = fail(ErrorCode::invalid);
    world.run([&](env::Task& task) {
      const auto file = world.env().disk.open(task, "lock", Open::create);
      if (file) result = (*file)->lock(task);
    });
    return result;
  };
  const Result<void> while_held = try_lock();
  ASSERT_EQ(::write(to_child[1], &byte, 1), 1);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ASSERT_FALSE(while_held.has_value());
  EXPECT_EQ(while_held.error().code(), ErrorCode::locked);
  EXPECT_TRUE(try_lock().has_value());
  for (const int fd : {to_child[0], to_child[1], to_parent[0], to_parent[1]}) ::close(fd);
}

TEST(OsDisk, NoDescriptorLeftIsSaidAndPasses) {
  TestEnv world;
  world.run([&](env::Task& task) {
    env::Disk& disk = world.env().disk;
    std::vector<std::unique_ptr<env::File>> files;
    Error error(ErrorCode::invalid);
    {
      const FileLimit limit(64);
      for (int i = 0; i < 100; ++i) {
        auto file = disk.open(task, "f" + std::to_string(i), Open::create);
        if (!file) {
          error = file.error();
          break;
        }
        files.push_back(std::move(*file));
      }
    }
    EXPECT_EQ(error.code(), ErrorCode::too_many_files);
    files.clear();
    EXPECT_TRUE(disk.open(task, "f", Open::create).has_value());
  });
}

TEST(OsDisk, ALargeRemovedFileIsClosedElsewhere) {
  TestEnv world;
  world.run([&](env::Task& task) {
    env::Disk& disk = world.env().disk;
    auto file = disk.open(task, "large", Open::create);
    ASSERT_TRUE(file.has_value());
    ASSERT_TRUE((*file)->write_at(task, 0, Bytes(3 << 20, std::byte{1})));
    ASSERT_TRUE(disk.remove(task, "large"));
    file->reset();
    EXPECT_TRUE(disk.list(task, ".")->empty());
  });
}

TEST(OsFile, KnowsWhatIsInMemory) {
  TestEnv world;
  world.run([&](env::Task& task) {
    const auto file = world.env().disk.open(task, "f", Open::create);
    ASSERT_TRUE(file.has_value());
    ASSERT_TRUE((*file)->write_at(task, 0, Bytes(300'000, std::byte{1})));
    auto& os_file = dynamic_cast<OsFile&>(**file);
    EXPECT_TRUE(os_file.load(task, 0, 300'000).has_value());
    EXPECT_TRUE(os_file.in_page_cache(0, 300'000));
    EXPECT_FALSE(os_file.in_page_cache(0, 300'001));
    EXPECT_FALSE(os_file.load(task, 0, 300'001).has_value());
  });
}

TEST(OsFile, KnowsOfAPageThatIsGoneInTheMiddle) {
  TestEnv world;
  world.run([&](env::Task& task) {
    constexpr std::size_t kSize = 1U << 20;
    const auto file = world.env().disk.open(task, "f", Open::create);
    ASSERT_TRUE(file.has_value());
    ASSERT_TRUE((*file)->write_at(task, 0, Bytes(kSize, std::byte{1})));
    ASSERT_TRUE((*file)->sync(task));
    auto& os_file = dynamic_cast<OsFile&>(**file);
    const auto drop = [&](off_t from, off_t length) {
      ASSERT_EQ(::posix_fadvise(os_file.fd(), from, length, POSIX_FADV_DONTNEED), 0);
    };
    drop(0, 0);
    if (os_file.in_page_cache(0, kSize)) GTEST_SKIP() << "this file system is in memory";
    EXPECT_TRUE(os_file.load(task, 0, kSize).has_value());
    EXPECT_TRUE(os_file.in_page_cache(0, kSize));
    // Large enough for what the kernel keeps and gives back together.
    drop(kSize / 4, kSize / 2);
    EXPECT_FALSE(os_file.in_page_cache(0, kSize));
    EXPECT_TRUE(os_file.load(task, 0, kSize).has_value());
    EXPECT_TRUE(os_file.in_page_cache(0, kSize));
  });
}

}  // namespace
}  // namespace flux::os
