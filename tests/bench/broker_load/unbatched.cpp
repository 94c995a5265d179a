#include "tests/bench/broker_load/unbatched.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <unistd.h>
#include <vector>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "tests/bench/broker_load/histogram.h"
#include "tests/bench/broker_load/meter.h"
#include "tests/bench/broker_load/report.h"

namespace flux::load {

namespace {

constexpr int kWaitMs = 200;
constexpr std::uint64_t kDrainNs = 30'000'000'000;

std::unexpected<Error> failed(const std::string& what) {
  return fail(ErrorCode::io_error, what + ": " + std::strerror(errno));
}

class Stream {
 public:
  Stream(int socket, const UnbatchedOptions& options, int partition)
      : socket_(socket),
        topic_(options.topic.name),
        partition_(partition),
        request_(produce_frame(topic_, partition, options.value_bytes)),
        sent_at_(static_cast<std::size_t>(options.in_flight)),
        buffer_(64 * 1024) {}
  ~Stream() { ::close(socket_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  int socket() const { return socket_; }
  bool idle() const { return sent_ == answered_; }

  Result<void> send(int count, std::uint64_t now) {
    out_.clear();
    for (int i = 0; i < count; ++i) {
      const std::size_t at = out_.size();
      append(out_, request_);
      store_be(out_.data() + at + kCorrelationAt, static_cast<std::int32_t>(sent_));
      sent_at_[sent_++ % sent_at_.size()] = now;
    }
    for (ByteView rest = out_; !rest.empty();) {
      const ssize_t done = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (done < 0) return failed("send");
      rest = rest.subspan(static_cast<std::size_t>(done));
    }
    return {};
  }

  // How many answers came; their times go into `times` when there is one.
  Result<int> receive(std::uint64_t now, Histogram* times) {
    const ssize_t got =
        ::recv(socket_, buffer_.data() + filled_, buffer_.size() - filled_, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (got < 0) return failed("recv");
    if (got == 0) return fail(ErrorCode::closed, "the broker ended a connection");
    filled_ += static_cast<std::size_t>(got);
    int count = 0;
    ByteView rest = ByteView(buffer_).first(filled_);
    while (rest.size() >= 4) {
      const auto size = std::size_t{load_be<std::uint32_t>(rest.data())};
      if (rest.size() - 4 < size) break;
      TRY(take(rest.subspan(4, size)));
      const std::uint64_t sent_at = sent_at_[answered_++ % sent_at_.size()];
      if (times != nullptr) times->add(now - sent_at);
      rest = rest.subspan(4 + size);
      ++count;
    }
    std::memmove(buffer_.data(), rest.data(), rest.size());
    filled_ = rest.size();
    return count;
  }

 private:
  Result<void> take(ByteView answer) {
    if (answer.size() < 4 ||
        load_be<std::int32_t>(answer.data()) != static_cast<std::int32_t>(answered_)) {
      return fail(ErrorCode::corrupt, "an answer out of turn");
    }
    const std::int64_t offset = TRY(read_produced(answer, topic_, partition_));
    if (offset <= last_offset_) return fail(ErrorCode::corrupt, "an offset was given twice");
    last_offset_ = offset;
    return {};
  }

  int socket_;
  const std::string& topic_;
  int partition_;
  Bytes request_;
  Bytes out_;
  std::vector<std::uint64_t> sent_at_;  // by number, in a ring
  std::uint64_t sent_ = 0;
  std::uint64_t answered_ = 0;
  std::int64_t last_offset_ = -1;
  Bytes buffer_;
  std::size_t filled_ = 0;
};

class Load {
 public:
  explicit Load(const UnbatchedOptions& options)
      : options_(options), meter_(options.broker_pid), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
  ~Load() { ::close(epoll_); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  Result<nlohmann::ordered_json> run() {
    for (int i = 0; i < options_.connections; ++i) TRY(open(i % options_.topic.partitions));
    for (const auto& stream : streams_) TRY(stream->send(options_.in_flight, boot_ns()));
    TRY(turn_until(boot_ns() + nanoseconds(options_.warmup_seconds), nullptr));
    const std::uint64_t acknowledged = acknowledged_;
    const Reading begin = meter_.read();
    TRY(turn_until(boot_ns() + nanoseconds(options_.seconds), &times_));
    const Reading end = meter_.read();
    const std::uint64_t requests = acknowledged_ - acknowledged;
    TRY(drain());
    nlohmann::ordered_json out = meter_.report(begin, end);
    out["requests"] = requests;
    out["per_second"] = static_cast<double>(requests) / (end.clock - begin.clock);
    add_times(out, times_);
    return out;
  }

 private:
  static std::uint64_t nanoseconds(double seconds) {
    return static_cast<std::uint64_t>(seconds * 1e9);
  }

  Result<void> open(int partition) {
    const int socket = TRY(connect_to(options_.at));
    streams_.push_back(std::make_unique<Stream>(socket, options_, partition));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = streams_.back().get();
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) != 0) return failed("epoll_ctl");
    return {};
  }

  Result<void> turn(Histogram* times) {
    std::array<epoll_event, 256> events{};
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), kWaitMs);
    if (count < 0 && errno != EINTR) return failed("epoll_wait");
    for (int i = 0; i < count; ++i) {
      auto* const stream = static_cast<Stream*>(events[static_cast<std::size_t>(i)].data.ptr);
      const std::uint64_t now = boot_ns();
      const int answers = TRY(stream->receive(now, times));
      acknowledged_ += static_cast<std::uint64_t>(answers);
      if (!ending_ && answers > 0) TRY(stream->send(answers, now));
    }
    return {};
  }

  Result<void> turn_until(std::uint64_t end, Histogram* times) {
    while (boot_ns() < end) TRY(turn(times));
    return {};
  }

  Result<void> drain() {
    ending_ = true;
    const std::uint64_t give_up = boot_ns() + kDrainNs;
    for (const auto& stream : streams_) {
      while (!stream->idle()) {
        if (boot_ns() > give_up) return fail(ErrorCode::timed_out, "requests without an answer");
        TRY(turn(nullptr));
      }
    }
    Caller caller = TRY(Caller::connect(options_.at));
    const std::int64_t stored = TRY(caller.end_offsets(options_.topic));
    if (static_cast<std::uint64_t>(stored) == acknowledged_) return {};
    return fail(ErrorCode::corrupt, std::to_string(acknowledged_) + " records acknowledged, " +
                                        std::to_string(stored) + " stored");
  }

  const UnbatchedOptions& options_;
  Meter meter_;
  int epoll_;
  std::vector<std::unique_ptr<Stream>> streams_;
  Histogram times_;
  std::uint64_t acknowledged_ = 0;
  bool ending_ = false;
};

}  // namespace

Result<nlohmann::ordered_json> run_unbatched(const UnbatchedOptions& options) {
  return Load(options).run();
}

}  // namespace flux::load
