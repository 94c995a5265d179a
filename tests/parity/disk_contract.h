// What every Disk keeps while no fault strikes: files and directories behave as their model in
// memory, whatever the order of operations. What survives a crash is not for this suite.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <rapidcheck.h>
#include <string>
#include <vector>

#include "tests/parity/disk_model.h"
#include "tests/parity/harness.h"

namespace flux::parity {

template <class Harness>
class DiskContract : public ContractTest<Harness> {};
TYPED_TEST_SUITE_P(DiskContract);

TYPED_TEST_P(DiskContract, AnySequenceOfOperationsMatchesTheModel) {
  const bool held = rc::check("operations", [] {
    const auto steps = *rc::gen::container<std::vector<DiskStep>>(any_disk_step());
    const Verdict verdict = run_in<TypeParam>([&](auto& harness, env::Task& task) -> Verdict {
      DiskModel model(harness.env().disk);
      for (const DiskStep& step : steps) {
        if (const Verdict of_step = model.take(task, step); !of_step.holds()) return of_step;
      }
      return model.compare_all(task);
    });
    if (!verdict.holds()) RC_FAIL(verdict.to_string());
  });
  EXPECT_TRUE(held);
}

TYPED_TEST_P(DiskContract, ReadsEndAtTheEndAndGapsAreZeros) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    env::Disk& disk = harness.env().disk;
    const auto file = MUST(disk.open(task, "gap", env::Open::create_new));
    MUST(file->write_at(task, 10'000, as_bytes("end")));
    HOLDS(MUST(file->size(task)) == 10'003);
    std::array<std::byte, 64> into{};
    into.fill(std::byte{7});
    HOLDS(MUST(file->read_at(task, 5'000, into)) == into.size());
    for (const std::byte b : into) HOLDS(b == std::byte{0});
    HOLDS(MUST(file->read_at(task, 10'000, into)) == 3);
    HOLDS(MUST(file->read_at(task, 10'003, into)) == 0);
    HOLDS(MUST(file->read_at(task, std::uint64_t{1} << 40, into)) == 0);
    MUST(file->allocate(task, 100'000));
    HOLDS(MUST(file->size(task)) == 10'003);
    MUST(file->truncate(task, 20'000));
    HOLDS(MUST(file->read_at(task, 19'990, into)) == 10);
    return {};
  }));
}

TYPED_TEST_P(DiskContract, OpenModesMeanWhatTheySay) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    env::Disk& disk = harness.env().disk;
    FAILS_WITH(not_found, disk.open(task, "f", env::Open::read));
    FAILS_WITH(not_found, disk.open(task, "f", env::Open::read_write));
    FAILS_WITH(not_found, disk.open(task, "no/f", env::Open::create));
    MUST(MUST(disk.open(task, "f", env::Open::create_new))->write_at(task, 0, as_bytes("abc")));
    FAILS_WITH(exists, disk.open(task, "f", env::Open::create_new));
    HOLDS(MUST(MUST(disk.open(task, "f", env::Open::create))->size(task)) == 3);
    {
      const auto reader = MUST(disk.open(task, "f", env::Open::read));
      std::array<std::byte, 8> into{};
      HOLDS(MUST(reader->read_at(task, 0, into)) == 3);
      FAILS_WITH(permission, reader->write_at(task, 0, as_bytes("x")));
      FAILS_WITH(permission, reader->truncate(task, 0));
      FAILS_WITH(permission, reader->allocate(task, 1));
    }
    HOLDS(MUST(MUST(disk.open(task, "f", env::Open::create_empty))->size(task)) == 0);
    return {};
  }));
}

TYPED_TEST_P(DiskContract, DirectoriesHaveTheirRules) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    env::Disk& disk = harness.env().disk;
    HOLDS(MUST(disk.list(task, ".")).empty());
    FAILS_WITH(not_found, disk.make_directory(task, "a/b"));
    MUST(disk.make_directory(task, "d"));
    FAILS_WITH(exists, disk.make_directory(task, "d"));
    for (const char* name : {"d/2", "d/10", "d/1"}) {
      MUST(disk.open(task, name, env::Open::create_new));
    }
    MUST(disk.make_directory(task, "d/15"));
    const std::vector<env::DirectoryEntry> entries = MUST(disk.list(task, "d"));
    const std::vector<env::DirectoryEntry> expected{
        {"1", false}, {"10", false}, {"15", true}, {"2", false}};
    HOLDS(entries == expected);
    MUST(disk.sync_directory(task, "d"));
    MUST(disk.sync_directory(task, "."));
    FAILS_WITH(not_found, disk.sync_directory(task, "e"));
    FAILS_WITH(not_found, disk.list(task, "e"));
    HOLDS(!disk.remove(task, "d"));  // not empty
    MUST(disk.make_directory(task, "e"));
    HOLDS(!disk.rename(task, "e", "d"));     // only onto nothing
    HOLDS(!disk.rename(task, "e", "d/15"));  // not even onto an empty one
    HOLDS(!disk.rename(task, "d/1", "e"));   // a file only onto a file
    MUST(disk.rename(task, "d", "moved"));
    HOLDS(MUST(disk.list(task, "moved")).size() == 4);
    MUST(disk.remove(task, "moved/15"));
    FAILS_WITH(not_found, disk.remove(task, "moved/15"));
    FAILS_WITH(not_found, disk.rename(task, "moved/15", "x"));
    return {};
  }));
}

TYPED_TEST_P(DiskContract, AnOpenFileOutlivesItsName) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    env::Disk& disk = harness.env().disk;
    const auto file = MUST(disk.open(task, "f", env::Open::create_new));
    MUST(file->write_at(task, 0, as_bytes("first")));
    MUST(disk.rename(task, "f", "g"));
    MUST(file->write_at(task, 5, as_bytes("+")));
    HOLDS(as_text(MUST(env::read_file(task, disk, "g", 100))) == "first+");
    MUST(disk.remove(task, "g"));
    MUST(file->write_at(task, 6, as_bytes("+")));
    std::array<std::byte, 16> into{};
    HOLDS(MUST(file->read_at(task, 0, into)) == 7);
    MUST(file->sync(task));
    HOLDS(MUST(disk.list(task, ".")).empty());
    return {};
  }));
}

TYPED_TEST_P(DiskContract, TasksUseOneFileAtTheSameTime) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    env::Disk& disk = harness.env().disk;
    const auto file = MUST(disk.open(task, "f", env::Open::create_new));
    constexpr std::size_t kTasks = 40;
    constexpr std::size_t kPiece = 5'000;
    std::size_t good = 0;
    {
      Children children(task);
      for (std::size_t i = 0; i < kTasks; ++i) {
        children.spawn("writer", [&, i](env::Task& self) {
          const Bytes piece(kPiece, static_cast<std::byte>(i + 1));
          Bytes back(kPiece);
          if (!file->write_at(self, i * kPiece, piece)) return;
          if (i % 4 == 0 && !file->sync(self)) return;
          const auto count = file->read_at(self, i * kPiece, back);
          good += count && *count == kPiece && equal(piece, back) ? 1 : 0;
        });
      }
    }
    HOLDS(good == kTasks);
    HOLDS(MUST(file->size(task)) == kTasks * kPiece);
    Bytes all(kTasks * kPiece);
    HOLDS(MUST(file->read_at(task, 0, all)) == all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      HOLDS(all[i] == static_cast<std::byte>(i / kPiece + 1));
    }
    return {};
  }));
}

TYPED_TEST_P(DiskContract, LargeTransfersAreWhole) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    const auto file = MUST(harness.env().disk.open(task, "large", env::Open::create_new));
    Bytes content(3'000'001);
    for (std::size_t i = 0; i < content.size(); ++i) {
      content[i] = static_cast<std::byte>(mix64(i / 7));
    }
    MUST(file->write_at(task, 3, content));
    Bytes back(content.size() + 10);
    HOLDS(MUST(file->read_at(task, 3, back)) == content.size());
    HOLDS(equal(content, ByteView(back).first(content.size())));
    return {};
  }));
}

// A buffer belongs to the device until the operation is over.
TYPED_TEST_P(DiskContract, NeitherDeadlineNorCancelInterruptsAnOperation) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    env::Env& env = harness.env();
    Verdict inside = failed(__LINE__, "the task came to its end");
    const auto body = [&](env::Task& self) -> Verdict {
      const env::DeadlineScope passed(self, env.clock.now() - nanoseconds(1));
      self.scheduler().cancel(self.handle());
      const auto file = MUST(env.disk.open(self, "f", env::Open::create_new));
      MUST(file->write_at(self, 0, Bytes(50'000, std::byte{3})));
      MUST(file->sync(self));
      MUST(file->truncate(self, 40'000));
      Bytes back(50'000);
      HOLDS(MUST(file->read_at(self, 0, back)) == 40'000);
      MUST(env.disk.rename(self, "f", "g"));
      MUST(env.disk.remove(self, "g"));
      HOLDS(self.cancelled());
      HOLDS(self.deadline() < env.clock.now());
      return {};
    };
    Children children(task);
    children.spawn("doomed", [&](env::Task& self) { inside = body(self); });
    children.wait();
    return inside;
  }));
}

TYPED_TEST_P(DiskContract, LockSpaceAndBootId) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    env::Disk& disk = harness.env().disk;
    for (int i = 0; i < 2; ++i) {  // the first lock ends with its file
      const auto file = MUST(disk.open(task, "lock", env::Open::create));
      MUST(file->lock(task));
    }
    const env::Space space = MUST(disk.space(task));
    HOLDS(space.total_bytes > 0);
    HOLDS(space.free_bytes <= space.total_bytes);
    HOLDS(disk.boot_id() == disk.boot_id());
    return {};
  }));
}

TYPED_TEST_P(DiskContract, SmallFilesAreReplacedWhole) {
  EXPECT_VERDICT(run_in<TypeParam>([](auto& harness, env::Task& task) -> Verdict {
    env::Disk& disk = harness.env().disk;
    MUST(env::make_directories(task, disk, "x/y/z"));
    MUST(env::make_directories(task, disk, "x/y/z"));
    for (const std::string_view content : {"one", "", "a longer one"}) {
      MUST(env::replace_file(task, disk, "x/y/z/f", as_bytes(content)));
      HOLDS(as_text(MUST(env::read_file(task, disk, "x/y/z/f", 100))) == content);
    }
    FAILS_WITH(too_large, env::read_file(task, disk, "x/y/z/f", 3));
    HOLDS(MUST(disk.list(task, "x/y/z")).size() == 1);
    return {};
  }));
}

REGISTER_TYPED_TEST_SUITE_P(DiskContract, AnySequenceOfOperationsMatchesTheModel,
                            ReadsEndAtTheEndAndGapsAreZeros, OpenModesMeanWhatTheySay,
                            DirectoriesHaveTheirRules, AnOpenFileOutlivesItsName,
                            TasksUseOneFileAtTheSameTime, LargeTransfersAreWhole,
                            NeitherDeadlineNorCancelInterruptsAnOperation, LockSpaceAndBootId,
                            SmallFilesAreReplacedWhole);

}  // namespace flux::parity
