// The io_uring engine: reads, writes and syncs of data go through the ring, all others to helper
// threads (this kernel interface knows them only in part, and they are rare).
//
// Submissions are gathered during a turn of the loop and handed over in one system call before the
// loop waits. Completions are read from shared memory; the ring's descriptor stands in the poller.

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <liburing.h>
#include <string>

#include "core/base/check.h"
#include "real/os/disk/engine.h"
#include "real/os/os_error.h"

namespace flux::os {

class UringEngine final : public DiskEngine, public PollTarget {
 public:
  UringEngine(Poller& poller, unsigned threads)
      : pool_("flux-disk", threads, AtEnd::join, poller) {}
  ~UringEngine() override {
    if (open_) ::io_uring_queue_exit(&ring_);
  }

  // False with the reason when the ring cannot be used.
  bool start(Poller& poller, std::string& why_not);

  std::string_view name() const override { return "io_uring"; }
  std::size_t in_flight() const override { return in_ring_ + pool_.in_flight(); }
  bool drain(Duration quiet_max) override;
  bool before_wait() override;
  void on_events(std::uint32_t) override { reap_ring(); }

 protected:
  void submit(DiskOperation& operation) override;
  WorkerPool& pool() override { return pool_; }

 private:
  static constexpr unsigned kEntries = 256;

  bool has_operations();
  void flush();
  bool reap_ring();

  WorkerPool pool_;
  io_uring ring_{};
  bool open_ = false;
  unsigned unsubmitted_ = 0;
  std::size_t in_ring_ = 0;
};

bool UringEngine::start(Poller& poller, std::string& why_not) {
  const int result = ::io_uring_queue_init(kEntries, &ring_, 0);
  if (result < 0) {
    why_not = os_error(-result, "io_uring_queue_init").to_string();
    return false;
  }
  open_ = true;
  // Without NODROP completions could be lost when more operations are in flight than the completion
  // queue holds; without STABLE submissions would need their vectors kept.
  constexpr unsigned kNeeded = IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE;
  if ((ring_.features & kNeeded) != kNeeded || !has_operations()) {
    why_not = "io_uring of this kernel is too old (5.6 is needed)";
    return false;
  }
  const Result<void> added = poller.add_level(ring_.ring_fd, *this);
  if (!added) {
    why_not = added.error().to_string();
    return false;
  }
  return true;
}

bool UringEngine::has_operations() {
  io_uring_probe* probe = ::io_uring_get_probe_ring(&ring_);
  if (!probe) return false;
  const bool all = ::io_uring_opcode_supported(probe, IORING_OP_READ) &&
                   ::io_uring_opcode_supported(probe, IORING_OP_WRITE) &&
                   ::io_uring_opcode_supported(probe, IORING_OP_FSYNC);
  ::io_uring_free_probe(probe);
  return all;
}

void UringEngine::submit(DiskOperation& operation) {
  if (operation.kind_ == DiskOperation::Kind::other) {
    pool_.submit(operation);
    return;
  }
  io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
  if (!entry) {
    flush();
    entry = ::io_uring_get_sqe(&ring_);
  }
  if (!entry) {  // the kernel has no room now; the threads do
    pool_.submit(operation);
    return;
  }
  // A length is 32 bits here; a transfer may be short anyway, and the caller asks again.
  constexpr std::size_t kLengthMax = std::size_t{1} << 30;
  const auto length = static_cast<unsigned>(std::min(operation.length_, kLengthMax));
  switch (operation.kind_) {
    case DiskOperation::Kind::read:
      ::io_uring_prep_read(entry, operation.fd_, operation.data_, length, operation.offset_);
      break;
    case DiskOperation::Kind::write:
      ::io_uring_prep_write(entry, operation.fd_, operation.data_, length, operation.offset_);
      break;
    case DiskOperation::Kind::sync_data:
      ::io_uring_prep_fsync(entry, operation.fd_, IORING_FSYNC_DATASYNC);
      break;
    case DiskOperation::Kind::other:
      UNREACHABLE("handled above");
  }
  ::io_uring_sqe_set_data(entry, &operation);
  ++unsubmitted_;
  ++in_ring_;
}

void UringEngine::flush() {
  while (unsubmitted_ > 0) {
    const int result = ::io_uring_submit(&ring_);
    if (result > 0) {
      unsubmitted_ -= static_cast<unsigned>(result);
      continue;
    }
    // EBUSY and EAGAIN: the kernel wants completions taken, or memory, first.
    CHECK(result == -EINTR || result == -EBUSY || result == -EAGAIN || result == 0,
          "io_uring_submit failed");
    if (!reap_ring() && result != -EINTR) return;  // the rest goes with the next turn
  }
}

bool UringEngine::reap_ring() {
  bool any = false;
  io_uring_cqe* entry = nullptr;
  while (::io_uring_peek_cqe(&ring_, &entry) == 0) {
    auto* operation = static_cast<DiskOperation*>(::io_uring_cqe_get_data(entry));
    operation->result_ = entry->res;
    ::io_uring_cqe_seen(&ring_, entry);
    --in_ring_;
    operation->done();
    any = true;
  }
  return any;
}

bool UringEngine::before_wait() {
  if (unsubmitted_ > 0) flush();
  const bool from_pool = pool_.reap();
  // What the kernel had no room for is handed over again at once rather than after a wait.
  return reap_ring() || from_pool || unsubmitted_ > 0;
}

bool UringEngine::drain(Duration quiet_max) {
  if (!pool_.drain(quiet_max)) return false;
  while (in_ring_ > 0) {
    if (before_wait()) continue;
    if (!readable_within(ring_.ring_fd, quiet_max)) return false;
  }
  return true;
}

std::unique_ptr<DiskEngine> make_uring_engine(Poller& poller, unsigned threads,
                                              std::string& why_not) {
  auto engine = std::make_unique<UringEngine>(poller, threads);
  if (!engine->start(poller, why_not)) return nullptr;
  return engine;
}

}  // namespace flux::os
