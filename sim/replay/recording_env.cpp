#include "sim/replay/recording_env.h"

#include <utility>

#include "sim/replay/arguments.h"

namespace flux::sim {
namespace {

void tell_error(NodeRecorder& recorder, const Error& error) {
  recorder.answer(false, static_cast<std::uint64_t>(error.code()), 0, error.detail());
}

Result<void> told(NodeRecorder& recorder, Result<void> result) {
  if (result) {
    recorder.answer(true, 0, 0, {});
  } else {
    tell_error(recorder, result.error());
  }
  return result;
}

template <class T>
Result<T> told_number(NodeRecorder& recorder, Result<T> result) {
  if (result) {
    recorder.answer(true, *result, 0, {});
  } else {
    tell_error(recorder, result.error());
  }
  return result;
}

// `into` holds what was read.
Result<std::size_t> told_bytes(NodeRecorder& recorder, Result<std::size_t> result, MutBytes into) {
  if (result) {
    recorder.answer(true, *result, 0, as_text(ByteView(into).first(*result)));
  } else {
    tell_error(recorder, result.error());
  }
  return result;
}

class RecordingFile final : public env::File {
 public:
  RecordingFile(NodeRecorder& recorder, std::unique_ptr<env::File> within, std::uint64_t number)
      : recorder_(recorder), within_(std::move(within)), number_(number) {}
  ~RecordingFile() override {
    recorder_.call(NodeCall::close_file, number_, 0);
    within_.reset();
    recorder_.answer(true, 0, 0, {});
  }

  env::File& within() { return *within_; }
  std::uint64_t number() const { return number_; }

  Result<std::size_t> read_at(env::Task& task, std::uint64_t offset, MutBytes into) override {
    recorder_.call(NodeCall::read_at, number_, combine64(offset, into.size()));
    return told_bytes(recorder_, within_->read_at(task, offset, into), into);
  }
  Result<void> write_at(env::Task& task, std::uint64_t offset, ByteView from) override {
    recorder_.call(NodeCall::write_at, number_, combine64(offset, hash_bytes(from)));
    return told(recorder_, within_->write_at(task, offset, from));
  }
  Result<void> sync(env::Task& task) override {
    recorder_.call(NodeCall::sync, number_, 0);
    return told(recorder_, within_->sync(task));
  }
  Result<void> truncate(env::Task& task, std::uint64_t size) override {
    recorder_.call(NodeCall::truncate, number_, size);
    return told(recorder_, within_->truncate(task, size));
  }
  Result<void> allocate(env::Task& task, std::uint64_t size) override {
    recorder_.call(NodeCall::allocate, number_, size);
    return told(recorder_, within_->allocate(task, size));
  }
  Result<std::uint64_t> size(env::Task& task) override {
    recorder_.call(NodeCall::size, number_, 0);
    return told_number(recorder_, within_->size(task));
  }
  Result<void> lock(env::Task& task) override {
    recorder_.call(NodeCall::lock, number_, 0);
    return told(recorder_, within_->lock(task));
  }

 private:
  NodeRecorder& recorder_;
  std::unique_ptr<env::File> within_;
  std::uint64_t number_;
};

class RecordingConnection final : public env::Connection {
 public:
  RecordingConnection(NodeRecorder& recorder, std::unique_ptr<env::Connection> within)
      : recorder_(recorder), within_(std::move(within)) {}
  ~RecordingConnection() override {
    recorder_.call(NodeCall::drop_connection, within_->id(), 0);
    within_.reset();
    recorder_.answer(true, 0, 0, {});
  }

  Result<std::size_t> read_some(env::Task& task, MutBytes into) override {
    recorder_.call(NodeCall::read, id(), into.size());
    return told_bytes(recorder_, within_->read_some(task, into), into);
  }
  Result<std::size_t> write_some(env::Task& task, ByteView from) override {
    recorder_.call(NodeCall::write, id(), hash_bytes(from));
    return told_number(recorder_, within_->write_some(task, from));
  }
  Result<std::size_t> send_range(env::Task& task, env::File& file, std::uint64_t offset,
                                 std::size_t length) override {
    // Every file that this node has is one of ours.
    auto& ours = static_cast<RecordingFile&>(file);
    recorder_.call(NodeCall::send_range, id(), combine64(combine64(ours.number(), offset), length));
    return told_number(recorder_, within_->send_range(task, ours.within(), offset, length));
  }
  void shutdown_write() override {
    recorder_.call(NodeCall::shutdown_write, id(), 0);
    within_->shutdown_write();
    recorder_.answer(true, 0, 0, {});
  }
  void close() override {
    recorder_.call(NodeCall::close_connection, id(), 0);
    within_->close();
    recorder_.answer(true, 0, 0, {});
  }
  const env::Endpoint& local() const override { return within_->local(); }
  const env::Endpoint& peer() const override { return within_->peer(); }
  std::uint64_t id() const override { return within_->id(); }

 private:
  NodeRecorder& recorder_;
  std::unique_ptr<env::Connection> within_;
};

Result<std::unique_ptr<env::Connection>> told_connection(
    NodeRecorder& recorder, Result<std::unique_ptr<env::Connection>> result) {
  if (!result) {
    tell_error(recorder, result.error());
    return result;
  }
  const env::Connection& made = **result;
  recorder.answer(true, made.id(), 0, endpoints_text(made.local(), made.peer()));
  return std::make_unique<RecordingConnection>(recorder, std::move(*result));
}

class RecordingListener final : public env::Listener {
 public:
  RecordingListener(NodeRecorder& recorder, std::unique_ptr<env::Listener> within)
      : recorder_(recorder), within_(std::move(within)) {}
  ~RecordingListener() override {
    recorder_.call(NodeCall::close_listener, local().port, 0);
    within_.reset();
    recorder_.answer(true, 0, 0, {});
  }
  Result<std::unique_ptr<env::Connection>> accept(env::Task& task) override {
    recorder_.call(NodeCall::accept, local().port, 0);
    return told_connection(recorder_, within_->accept(task));
  }
  const env::Endpoint& local() const override { return within_->local(); }

 private:
  NodeRecorder& recorder_;
  std::unique_ptr<env::Listener> within_;
};

}  // namespace

env::Env RecordingEnv::wrap(const env::Env& within) {
  clock_.within = &within.clock;
  random_.within = &within.random;
  network_.within = &within.network;
  disk_.within = &within.disk;
  return {clock_, within.scheduler, network_, disk_, random_, within.trace};
}

WallTime RecordingEnv::RecordingClock::wall_now() {
  recorder_.call(NodeCall::wall_clock, 0, 0);
  const WallTime now = within->wall_now();
  recorder_.answer(true, static_cast<std::uint64_t>(now.ns()), 0, {});
  return now;
}

std::uint64_t RecordingEnv::RecordingRandom::draw(Key key, std::uint64_t bound) {
  recorder_.call(NodeCall::draw, key.value, bound);
  const std::uint64_t value = within->draw(key, bound);
  recorder_.answer(true, value, 0, {});
  return value;
}

std::uint64_t RecordingEnv::RecordingRandom::draw_u64(Key key) {
  recorder_.call(NodeCall::draw, key.value, UINT64_MAX);
  const std::uint64_t value = within->draw_u64(key);
  recorder_.answer(true, value, 0, {});
  return value;
}

Result<std::unique_ptr<env::Listener>> RecordingEnv::RecordingNetwork::listen(
    env::Task& task, const env::Endpoint& at) {
  recorder_.call(NodeCall::listen, at.port, digest_of_endpoint(at));
  Result<std::unique_ptr<env::Listener>> result = within->listen(task, at);
  if (!result) {
    tell_error(recorder_, result.error());
    return result;
  }
  recorder_.answer(true, 0, 0, endpoints_text((*result)->local(), (*result)->local()));
  return std::make_unique<RecordingListener>(recorder_, std::move(*result));
}

Result<std::unique_ptr<env::Connection>> RecordingEnv::RecordingNetwork::connect(
    env::Task& task, const env::Endpoint& to) {
  recorder_.call(NodeCall::connect, to.port, digest_of_endpoint(to));
  return told_connection(recorder_, within->connect(task, to));
}

Result<std::unique_ptr<env::File>> RecordingEnv::RecordingDisk::open(env::Task& task,
                                                                     std::string_view path,
                                                                     env::Open mode) {
  recorder_.call(NodeCall::open, static_cast<std::uint64_t>(mode), digest_of_text(path));
  Result<std::unique_ptr<env::File>> result = within->open(task, path, mode);
  if (!result) {
    tell_error(recorder_, result.error());
    return result;
  }
  const std::uint64_t number = ++files_;
  recorder_.answer(true, number, 0, {});
  return std::make_unique<RecordingFile>(recorder_, std::move(*result), number);
}

Result<void> RecordingEnv::RecordingDisk::make_directory(env::Task& task, std::string_view path) {
  recorder_.call(NodeCall::make_directory, 0, digest_of_text(path));
  return told(recorder_, within->make_directory(task, path));
}

Result<void> RecordingEnv::RecordingDisk::rename(env::Task& task, std::string_view from,
                                                 std::string_view to) {
  recorder_.call(NodeCall::rename, 0, combine64(digest_of_text(from), digest_of_text(to)));
  return told(recorder_, within->rename(task, from, to));
}

Result<void> RecordingEnv::RecordingDisk::remove(env::Task& task, std::string_view path) {
  recorder_.call(NodeCall::remove, 0, digest_of_text(path));
  return told(recorder_, within->remove(task, path));
}

Result<void> RecordingEnv::RecordingDisk::sync_directory(env::Task& task, std::string_view path) {
  recorder_.call(NodeCall::sync_directory, 0, digest_of_text(path));
  return told(recorder_, within->sync_directory(task, path));
}

Result<std::vector<env::DirectoryEntry>> RecordingEnv::RecordingDisk::list(env::Task& task,
                                                                           std::string_view path) {
  recorder_.call(NodeCall::list, 0, digest_of_text(path));
  Result<std::vector<env::DirectoryEntry>> result = within->list(task, path);
  if (result) {
    recorder_.answer(true, 0, 0, entries_text(*result));
  } else {
    tell_error(recorder_, result.error());
  }
  return result;
}

Result<env::Space> RecordingEnv::RecordingDisk::space(env::Task& task) {
  recorder_.call(NodeCall::space, 0, 0);
  Result<env::Space> result = within->space(task);
  if (result) {
    recorder_.answer(true, result->total_bytes, result->free_bytes, {});
  } else {
    tell_error(recorder_, result.error());
  }
  return result;
}

std::uint64_t RecordingEnv::RecordingDisk::boot_id() {
  recorder_.call(NodeCall::boot_id, 0, 0);
  const std::uint64_t id = within->boot_id();
  recorder_.answer(true, id, 0, {});
  return id;
}

}  // namespace flux::sim
