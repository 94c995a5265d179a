#include "real/os/net/resolver.h"

#include <cerrno>
#include <memory>
#include <netdb.h>
#include <string>

#include <fmt/format.h>

#include "core/env/scheduler.h"
#include "real/os/os_error.h"

namespace flux::os {
namespace {

class Question final : public Job {
 public:
  Question(env::Task& task, const env::Endpoint& name) : task_(&task), name_(name) {}

  void work() override {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* first = nullptr;
    result_ = ::getaddrinfo(name_.host.c_str(), nullptr, &hints, &first);
    errno_ = errno;
    if (result_ != 0) return;
    for (const addrinfo* at = first; at; at = at->ai_next) {
      if (at->ai_family != AF_INET && at->ai_family != AF_INET6) continue;
      addresses_.emplace_back(at->ai_addr, at->ai_addrlen);
      addresses_.back().set_port(name_.port);
    }
    ::freeaddrinfo(first);
  }

  void done() override {
    done_ = true;
    if (!task_) {
      delete this;
      return;
    }
    task_->scheduler().unpark(task_->handle());
  }
  void discard() override { delete this; }

  bool is_done() const { return done_; }
  // Nobody waits any more: the answer deletes the question.
  void leave() { task_ = nullptr; }

  Result<std::vector<SocketAddress>> take() {
    if (result_ == 0 && !addresses_.empty()) return std::move(addresses_);
    const std::string doing = "resolving " + name_.host;
    if (result_ == EAI_SYSTEM) return std::unexpected(os_error(errno_, doing));
    if (result_ == EAI_MEMORY) return fail(ErrorCode::out_of_memory, doing);
    const char* why = result_ == 0 ? "no address" : ::gai_strerror(result_);
    return fail(ErrorCode::unreachable, fmt::format("{}: {}", doing, why));
  }

 private:
  env::Task* task_;
  env::Endpoint name_;
  bool done_ = false;
  int result_ = 0;
  int errno_ = 0;
  std::vector<SocketAddress> addresses_;
};

}  // namespace

Result<std::vector<SocketAddress>> Resolver::resolve(env::Task& task, const env::Endpoint& name) {
  if (const auto numeric = SocketAddress::numeric(name.host, name.port)) return {{*numeric}};
  if (name.host.empty()) return fail(ErrorCode::invalid, "an empty host names no peer");

  auto question = std::make_unique<Question>(task, name);
  pool_.submit(*question);
  while (!question->is_done()) {
    const env::Wake wake = task.scheduler().park(task);
    if (wake == env::Wake::ready || question->is_done()) continue;
    question.release()->leave();
    return fail(wake == env::Wake::cancelled ? ErrorCode::cancelled : ErrorCode::timed_out,
                "resolving " + name.host);
  }
  return question->take();
}

}  // namespace flux::os
