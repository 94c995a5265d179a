#include "core/broker/reserve.h"

#include <utility>

#include "core/base/mark.h"

namespace flux::broker {

using env::Task;

class ReservedFile final : public env::PassingFile {
 public:
  ReservedFile(Reserve& disk, std::unique_ptr<env::File> file)
      : PassingFile(std::move(file)), disk_(disk) {}

  Result<void> write_at(Task& task, std::uint64_t offset, ByteView from) override {
    return disk_.with_room(task, [&] { return PassingFile::write_at(task, offset, from); });
  }
  Result<void> allocate(Task& task, std::uint64_t size) override {
    return disk_.with_room(task, [&] { return PassingFile::allocate(task, size); });
  }

 private:
  Reserve& disk_;
};

Reserve::Reserve(const env::Env& env, std::string data_directory)
    : PassingDisk(env.disk),
      env_(env),
      data_directory_(std::move(data_directory)),
      work_(env.scheduler) {}

std::string Reserve::path() const { return data_directory_ + "/" + std::string(kReserveFile); }

// ---- the file

void Reserve::start(Task& task) {
  started_ = true;
  if (!keep(task)) remake_in_background();
}

Result<void> Reserve::stop(Task& task) {
  started_ = false;
  stopped_.notify_all();
  return work_.wait(task);
}

Result<void> Reserve::make(Task& task) {
  const std::unique_ptr<env::File> file = TRY(env_.disk.open(task, path(), env::Open::create));
  const Result<void> allocated = file->allocate(task, kReserveBytes);
  if (!allocated && allocated.error() == ErrorCode::no_space) {
    static_cast<void>(env_.disk.remove(task, path()));  // a part may have been found
  }
  return allocated;
}

bool Reserve::keep(Task& task) {
  // One that is there has its blocks, unless a power cut took them and left the name.
  const auto found = env_.disk.open(task, path(), env::Open::read);
  if (!found && found.error() != ErrorCode::not_found) return false;
  const Result<env::Space> space = env_.disk.space(task);
  if (!space) return false;
  const bool room = found || space->free_bytes >= kReserveBytes + kReserveSlackBytes;
  const Result<void> made = room ? make(task) : Result<void>(fail(ErrorCode::no_space));
  if (made) {
    if (full_) {
      REACHED("broker.reserve_back");
      TRACE(env_.trace, info, "disk.room_again", {"free", space->free_bytes});
    }
    kept_ = true;
    full_ = false;
  } else if (made.error() == ErrorCode::no_space && !full_) {
    REACHED("broker.reserve_missing");
    TRACE(env_.trace, warning, "disk.full", {"free", space->free_bytes});
    full_ = true;
  }
  return kept_;
}

void Reserve::give_up(Task& task) {
  const env::Uninterrupted scope(task);
  const auto guard = changing_.lock(task);
  if (!started_ || !kept_) return;
  REACHED("broker.reserve_given_up");
  TRACE(env_.trace, warning, "disk.full", {"reserve", kReserveBytes});
  given_up_.add();
  kept_ = false;
  full_ = true;
  static_cast<void>(env_.disk.remove(task, path()));
  // File systems give blocks out again once it is durable that they are free.
  static_cast<void>(env_.disk.sync_directory(task, data_directory_));
  remake_in_background();
}

void Reserve::remake_in_background() {
  if (remaking_) return;
  remaking_ = true;
  work_.spawn("disk.reserve", [this](Task& task) {
    const env::Shield shield(task);
    while (started_ && !kept_) {
      static_cast<void>(stopped_.wait(task, env_.clock.now() + kRetry));
      const auto guard = changing_.lock(task);
      if (started_ && keep(task)) break;
    }
    remaking_ = false;
  });
}

void Reserve::write_metrics(metrics::Exposition& to) const {
  to.single("flux_disk_full", metrics::Kind::gauge,
            "1 while records are refused for want of space on the disk.",
            std::uint64_t{full_ ? 1U : 0U});
  to.single("flux_disk_reserve_given_up_total", metrics::Kind::counter,
            "How often the disk was found full and the space that is kept back was given up.",
            given_up_);
}

// ---- operations

template <class Operation>
auto Reserve::with_room(Task& task, Operation&& operation) -> decltype(operation()) {
  auto done = operation();
  if (done || done.error() != ErrorCode::no_space || !started_) return done;
  give_up(task);
  return operation();
}

Result<std::unique_ptr<env::File>> Reserve::open(Task& task, std::string_view path,
                                                 env::Open mode) {
  auto opened = with_room(task, [&] { return PassingDisk::open(task, path, mode); });
  if (!opened) return opened;
  return std::make_unique<ReservedFile>(*this, std::move(*opened));
}

Result<void> Reserve::make_directory(Task& task, std::string_view path) {
  return with_room(task, [&] { return PassingDisk::make_directory(task, path); });
}

Result<void> Reserve::rename(Task& task, std::string_view from, std::string_view to) {
  return with_room(task, [&] { return PassingDisk::rename(task, from, to); });
}

}  // namespace flux::broker
