#include "sim/replay/replaying_env.h"

#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "sim/replay/arguments.h"

namespace flux::sim {
namespace {

std::unexpected<Error> recorded_error(const Token& answer) {
  return fail(static_cast<ErrorCode>(answer.a), answer.text);
}

Result<void> nothing(const Token& answer) {
  if (answer.kind != 0) return recorded_error(answer);
  return {};
}

Result<std::size_t> number(const Token& answer) {
  if (answer.kind != 0) return recorded_error(answer);
  return static_cast<std::size_t>(answer.a);
}

Result<std::size_t> bytes(const Token& answer, MutBytes into) {
  if (answer.kind != 0) return recorded_error(answer);
  CHECK_LE(answer.text.size(), into.size());
  if (!answer.text.empty()) std::memcpy(into.data(), answer.text.data(), answer.text.size());
  return answer.text.size();
}

class ReplayingFile final : public env::File {
 public:
  ReplayingFile(NodePlayer& player, std::uint64_t number) : player_(player), number_(number) {}
  ~ReplayingFile() override { player_.call(nullptr, NodeCall::close_file, number_, 0); }

  std::uint64_t file_number() const { return number_; }

  Result<std::size_t> read_at(env::Task& task, std::uint64_t offset, MutBytes into) override {
    return bytes(player_.call(&task, NodeCall::read_at, number_, combine64(offset, into.size())),
                 into);
  }
  Result<void> write_at(env::Task& task, std::uint64_t offset, ByteView from) override {
    return nothing(
        player_.call(&task, NodeCall::write_at, number_, combine64(offset, hash_bytes(from))));
  }
  Result<void> sync(env::Task& task) override {
    return nothing(player_.call(&task, NodeCall::sync, number_, 0));
  }
  Result<void> truncate(env::Task& task, std::uint64_t size) override {
    return nothing(player_.call(&task, NodeCall::truncate, number_, size));
  }
  Result<void> allocate(env::Task& task, std::uint64_t size) override {
    return nothing(player_.call(&task, NodeCall::allocate, number_, size));
  }
  Result<std::uint64_t> size(env::Task& task) override {
    return number(player_.call(&task, NodeCall::size, number_, 0));
  }
  Result<void> lock(env::Task& task) override {
    return nothing(player_.call(&task, NodeCall::lock, number_, 0));
  }

 private:
  NodePlayer& player_;
  std::uint64_t number_;
};

class ReplayingConnection final : public env::Connection {
 public:
  ReplayingConnection(NodePlayer& player, const Token& made) : player_(player), id_(made.a) {
    CHECK(parse_endpoints(made.text, local_, peer_), "a record of another build");
  }
  ~ReplayingConnection() override { player_.call(nullptr, NodeCall::drop_connection, id_, 0); }

  Result<std::size_t> read_some(env::Task& task, MutBytes into) override {
    return bytes(player_.call(&task, NodeCall::read, id_, into.size()), into);
  }
  Result<std::size_t> write_some(env::Task& task, ByteView from) override {
    return number(player_.call(&task, NodeCall::write, id_, hash_bytes(from)));
  }
  Result<std::size_t> send_range(env::Task& task, env::File& file, std::uint64_t offset,
                                 std::size_t length) override {
    const std::uint64_t which = static_cast<ReplayingFile&>(file).file_number();
    return number(player_.call(&task, NodeCall::send_range, id_,
                               combine64(combine64(which, offset), length)));
  }
  void shutdown_write() override { player_.call(nullptr, NodeCall::shutdown_write, id_, 0); }
  void close() override { player_.call(nullptr, NodeCall::close_connection, id_, 0); }
  const env::Endpoint& local() const override { return local_; }
  const env::Endpoint& peer() const override { return peer_; }
  std::uint64_t id() const override { return id_; }

 private:
  NodePlayer& player_;
  std::uint64_t id_;
  env::Endpoint local_;
  env::Endpoint peer_;
};

Result<std::unique_ptr<env::Connection>> connection(NodePlayer& player, const Token& answer) {
  if (answer.kind != 0) return recorded_error(answer);
  return std::make_unique<ReplayingConnection>(player, answer);
}

class ReplayingListener final : public env::Listener {
 public:
  ReplayingListener(NodePlayer& player, const Token& made) : player_(player) {
    env::Endpoint same;
    CHECK(parse_endpoints(made.text, local_, same), "a record of another build");
  }
  ~ReplayingListener() override { player_.call(nullptr, NodeCall::close_listener, local_.port, 0); }
  Result<std::unique_ptr<env::Connection>> accept(env::Task& task) override {
    return connection(player_, player_.call(&task, NodeCall::accept, local_.port, 0));
  }
  const env::Endpoint& local() const override { return local_; }

 private:
  NodePlayer& player_;
  env::Endpoint local_;
};

}  // namespace

env::Env ReplayingEnv::env() {
  return {clock_, player_.process().loop(), network_, disk_, random_, trace_};
}

WallTime ReplayingEnv::ReplayingClock::wall_now() {
  const Token& answer = player_.call(nullptr, NodeCall::wall_clock, 0, 0);
  return WallTime(static_cast<std::int64_t>(answer.a));
}

std::uint64_t ReplayingEnv::ReplayingRandom::draw(Key key, std::uint64_t bound) {
  return player_.call(nullptr, NodeCall::draw, key.value, bound).a;
}

Result<std::unique_ptr<env::Listener>> ReplayingEnv::ReplayingNetwork::listen(
    env::Task& task, const env::Endpoint& at) {
  const Token& answer = player_.call(&task, NodeCall::listen, at.port, digest_of_endpoint(at));
  if (answer.kind != 0) return recorded_error(answer);
  return std::make_unique<ReplayingListener>(player_, answer);
}

Result<std::unique_ptr<env::Connection>> ReplayingEnv::ReplayingNetwork::connect(
    env::Task& task, const env::Endpoint& to) {
  return connection(player_,
                    player_.call(&task, NodeCall::connect, to.port, digest_of_endpoint(to)));
}

Result<std::unique_ptr<env::File>> ReplayingEnv::ReplayingDisk::open(env::Task& task,
                                                                     std::string_view path,
                                                                     env::Open mode) {
  const Token& answer =
      player_.call(&task, NodeCall::open, static_cast<std::uint64_t>(mode), digest_of_text(path));
  if (answer.kind != 0) return recorded_error(answer);
  return std::make_unique<ReplayingFile>(player_, answer.a);
}

Result<void> ReplayingEnv::ReplayingDisk::make_directory(env::Task& task, std::string_view path) {
  return nothing(player_.call(&task, NodeCall::make_directory, 0, digest_of_text(path)));
}

Result<void> ReplayingEnv::ReplayingDisk::rename(env::Task& task, std::string_view from,
                                                 std::string_view to) {
  return nothing(player_.call(&task, NodeCall::rename, 0,
                              combine64(digest_of_text(from), digest_of_text(to))));
}

Result<void> ReplayingEnv::ReplayingDisk::remove(env::Task& task, std::string_view path) {
  return nothing(player_.call(&task, NodeCall::remove, 0, digest_of_text(path)));
}

Result<void> ReplayingEnv::ReplayingDisk::sync_directory(env::Task& task, std::string_view path) {
  return nothing(player_.call(&task, NodeCall::sync_directory, 0, digest_of_text(path)));
}

Result<std::vector<env::DirectoryEntry>> ReplayingEnv::ReplayingDisk::list(env::Task& task,
                                                                           std::string_view path) {
  const Token& answer = player_.call(&task, NodeCall::list, 0, digest_of_text(path));
  if (answer.kind != 0) return recorded_error(answer);
  return parse_entries(answer.text);
}

Result<env::Space> ReplayingEnv::ReplayingDisk::space(env::Task& task) {
  const Token& answer = player_.call(&task, NodeCall::space, 0, 0);
  if (answer.kind != 0) return recorded_error(answer);
  return env::Space{answer.a, answer.b};
}

std::uint64_t ReplayingEnv::ReplayingDisk::boot_id() {
  return player_.call(nullptr, NodeCall::boot_id, 0, 0).a;
}

}  // namespace flux::sim
