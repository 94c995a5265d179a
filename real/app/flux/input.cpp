#include "real/app/flux/input.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <unistd.h>

namespace flux::app {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kLineBytesMax = 64u << 20;
constexpr Duration kNapMin = milliseconds(1);
constexpr Duration kNapMax = milliseconds(20);

}  // namespace

Result<std::optional<std::string>> LineInput::next(env::Task& task) {
  std::size_t searched = at_;
  for (;;) {
    const std::size_t end = buffer_.find('\n', searched);
    if (end != std::string::npos) {
      std::string line = buffer_.substr(at_, end - at_);
      at_ = end + 1;
      return line;
    }
    if (ended_) {
      if (at_ == buffer_.size()) return std::optional<std::string>();
      std::string line = buffer_.substr(at_);
      at_ = buffer_.size();
      return line;
    }
    buffer_.erase(0, std::exchange(at_, 0));
    if (buffer_.size() > kLineBytesMax) return fail(ErrorCode::too_large, "a line above 64 MiB");
    searched = buffer_.size();
    TRY(fill(task));
  }
}

Result<void> LineInput::fill(env::Task& task) {
  Duration nap = kNapMin;
  for (;;) {
    pollfd ready{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    const int count = poll(&ready, 1, 0);
    if (count < 0 && errno != EINTR) return fail(ErrorCode::io_error, std::strerror(errno));
    if (count > 0) break;
    waits_ = true;
    TRY(env::sleep_until(task, env_.clock.now() + nap));
    nap = std::min(nap * 2, kNapMax);
  }
  waits_ = false;
  const std::size_t had = buffer_.size();
  buffer_.resize(had + kReadBytes);
  const ssize_t got = read(STDIN_FILENO, buffer_.data() + had, kReadBytes);
  buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0 && errno != EINTR && errno != EAGAIN) {
    return fail(ErrorCode::io_error, std::string("standard input: ") + std::strerror(errno));
  }
  if (got == 0) ended_ = true;
  env::yield_if_due(task);
  return {};
}

}  // namespace flux::app
