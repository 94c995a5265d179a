#include "real/os/disk/engine.h"

#include <cerrno>
#include <unistd.h>
#include <utility>

#include "core/base/check.h"

namespace flux::os {
namespace {

class CloseJob final : public Job {
 public:
  explicit CloseJob(int fd) : fd_(fd) {}
  void work() override { ::close(fd_); }
  void done() override { delete this; }

 private:
  int fd_;
};

std::int64_t negative_errno(std::int64_t result) { return result < 0 ? -errno : result; }

}  // namespace

DiskOperation DiskOperation::read(int fd, std::uint64_t offset, MutBytes into) {
  DiskOperation operation;
  operation.kind_ = Kind::read;
  operation.fd_ = fd;
  operation.offset_ = offset;
  operation.data_ = into.data();
  operation.length_ = into.size();
  return operation;
}

DiskOperation DiskOperation::write(int fd, std::uint64_t offset, ByteView from) {
  DiskOperation operation;
  operation.kind_ = Kind::write;
  operation.fd_ = fd;
  operation.offset_ = offset;
  operation.data_ = const_cast<std::byte*>(from.data());
  operation.length_ = from.size();
  return operation;
}

DiskOperation DiskOperation::sync_data(int fd) {
  DiskOperation operation;
  operation.kind_ = Kind::sync_data;
  operation.fd_ = fd;
  return operation;
}

DiskOperation DiskOperation::other(std::int64_t (*call)(void*), void* argument) {
  DiskOperation operation;
  operation.call_ = call;
  operation.argument_ = argument;
  return operation;
}

void DiskOperation::work() {
  const auto offset = static_cast<off_t>(offset_);
  switch (kind_) {
    case Kind::read:
      result_ = negative_errno(::pread(fd_, data_, length_, offset));
      return;
    case Kind::write:
      result_ = negative_errno(::pwrite(fd_, data_, length_, offset));
      return;
    case Kind::sync_data:
      result_ = negative_errno(::fdatasync(fd_));
      return;
    case Kind::other:
      result_ = call_(argument_);
      return;
  }
}

void DiskOperation::done() {
  done_ = true;
  waiter_->scheduler().unpark(waiter_->handle());
}

std::int64_t DiskEngine::run(env::Task& task, DiskOperation operation) {
  const env::Uninterrupted uninterrupted(task);
  operation.waiter_ = &task;
  submit(operation);
  while (!operation.done_) task.scheduler().park(task);
  ++completed_;
  return operation.result_;
}

void DiskEngine::close_later(int fd) { pool().submit(*new CloseJob(fd)); }

namespace {

class PoolEngine final : public DiskEngine {
 public:
  PoolEngine(Poller& poller, unsigned threads) : pool_("flux-disk", threads, AtEnd::join, poller) {}

  std::string_view name() const override { return "threads"; }
  std::size_t in_flight() const override { return pool_.in_flight(); }
  bool drain(Duration quiet_max) override { return pool_.drain(quiet_max); }
  bool before_wait() override { return pool_.reap(); }

 protected:
  void submit(DiskOperation& operation) override { pool_.submit(operation); }
  WorkerPool& pool() override { return pool_; }

 private:
  WorkerPool pool_;
};

}  // namespace

std::unique_ptr<DiskEngine> make_pool_engine(Poller& poller, unsigned threads) {
  return std::make_unique<PoolEngine>(poller, threads);
}

}  // namespace flux::os
