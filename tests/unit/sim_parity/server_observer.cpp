#include <array>
#include <memory>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/keyed.h"
#include "tests/unit/sim_parity/observers.h"

namespace flux::parity {
namespace {

using env::Open;
using env::Task;

constexpr std::size_t kPiece = 700;  // no multiple of a sector, so that writes can be torn
constexpr std::size_t kTailPieces = 24;
constexpr std::size_t kTailSynced = 4096;
constexpr std::size_t kWorkPieces = 32;
constexpr std::size_t kKeptBytes = 8 * 1024;
constexpr std::size_t kHogBytes = 16 * 1024;
constexpr std::size_t kHogPieces = 64;

// What belongs at an offset; `version` tells one writing from the next. Never zero.
std::byte right_byte(std::uint64_t offset, std::uint64_t version) {
  return static_cast<std::byte>(mix64(offset * 131 + version) % 200 + 1);
}
Bytes right_bytes(std::uint64_t offset, std::size_t size, std::uint64_t version) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = right_byte(offset + i, version);
  return out;
}

class Server {
 public:
  Server(env::Env env, const ServerRole& role) : env_(env), role_(role), sight_(*role.sight) {}

  void start(Task& task) {
    look_back(task);
    env_.scheduler.spawn("ticker", [this](Task& self) { tick(self); });
    for (const std::uint16_t port : kPorts) {
      env_.scheduler.spawn("listener", [this, port](Task& self) { listen(self, port); });
    }
    env_.scheduler.spawn("scribe", [this](Task& self) { scribble(self); });
  }

 private:
  // Does the operation and says how it went.
  template <class Operation>
  auto told(const char* name, Operation&& operation) {
    const Instant began = now();
    auto result = operation();
    sight_.longest_operation = std::max(sight_.longest_operation, now() - began);
    if (!result) {
      sight_.note([&](Sight& s) { ++s.disk_errors[{name, result.error().code()}]; });
    }
    return result;
  }
  Instant now() { return env_.clock.now(); }
  std::unique_ptr<env::File> open(Task& task, std::string_view path, Open mode) {
    auto file = told("open", [&] { return env_.disk.open(task, path, mode); });
    return file ? std::move(*file) : nullptr;
  }
  void write(Task& task, env::File& file, std::uint64_t offset, ByteView bytes) {
    static_cast<void>(told("write", [&] { return file.write_at(task, offset, bytes); }));
  }
  bool sync(Task& task, env::File& file) {
    return told("sync", [&] { return file.sync(task); }).has_value();
  }

  // Counts what of [offset, end of the file) is not what was written.
  void compare(Task& task, env::File& file, std::uint64_t offset, std::size_t size,
               std::uint64_t version) {
    Bytes into(size);
    const auto got = told("read", [&] { return file.read_at(task, offset, into); });
    if (!got) return;
    for (std::size_t i = 0; i < *got; ++i) {
      if (into[i] != right_byte(offset + i, version)) ++sight_.wrong_bytes;
    }
  }

  void look_back(Task& task);
  void look_at_tail(Task& task);
  void make_tail(Task& task);
  void make_synced(Task& task);
  void scribble(Task& task);
  void work(Task& task, std::uint64_t round);
  void name_work(Task& task);
  void tick(Task& task);
  void listen(Task& task, std::uint16_t port);
  void echo(Task& task, env::Connection& connection);

  env::Env env_;
  ServerRole role_;
  Sight& sight_;
  std::unique_ptr<env::File> tail_;
  std::unique_ptr<env::File> work_;
  std::unique_ptr<env::File> kept_;
  std::unique_ptr<env::File> synced_;
  std::uint64_t synced_end_ = 0;
  std::array<std::uint64_t, kWorkPieces> versions_{};
  std::vector<Bytes> hog_;
};

// What an earlier life left.
void Server::look_back(Task& task) {
  const auto names = env_.disk.list(task, ".");
  const bool empty = !names || names->empty();
  const auto at = [&](std::string_view name) {
    return !empty && std::ranges::any_of(*names, [&](const auto& e) { return e.name == name; });
  };
  if (role_.twin) sight_.twin_found_files = at("kept");
  sight_.note([&](Sight& s) {
    ++s.starts;
    s.boots.insert(env_.disk.boot_id());
    s.addresses.insert(role_.address);
    if (s.starts > 1 && empty) ++s.found_nothing;
    if (s.starts > 1 && !empty && !at("fresh")) ++s.name_missing;
  });
  if (empty) return;
  look_at_tail(task);
  // The node itself cannot know how far syncs had answered; whoever was told of it can.
  if (const auto file = open(task, "synced", Open::read)) {
    const auto size = file->size(task);
    if (size && *size < sight_.synced_end) ++sight_.synced_missing;
    if (size) compare(task, *file, 0, static_cast<std::size_t>(*size), 3);
  }
}

void Server::look_at_tail(Task& task) {
  const auto file = open(task, "tail", Open::read);
  if (!file) return;
  Bytes all(kTailSynced + kTailPieces * kPiece + 1);
  const auto got = file->read_at(task, 0, all);
  if (!got) return;
  std::size_t last_right = 0;
  bool foreign = false;
  for (std::size_t i = 0; i < *got; ++i) {
    if (all[i] == right_byte(i, 1)) last_right = i + 1;
    foreign = foreign || (all[i] != right_byte(i, 1) && all[i] != std::byte{0});
  }
  bool holes = false;
  for (std::size_t i = 0; i < last_right; ++i) holes = holes || all[i] == std::byte{0};
  const bool cut = last_right < kTailSynced + kTailPieces * kPiece;
  sight_.tail_foreign += foreign ? 1 : 0;
  sight_.tail_holes += holes ? 1 : 0;
  sight_.tail_cut += cut ? 1 : 0;
  sight_.tail_whole += !cut && !holes && !foreign ? 1 : 0;
}

// A file whose second part no sync covers, after another one was removed whose bytes are still
// somewhere on the medium.
void Server::make_tail(Task& task) {
  if (const auto old = open(task, "old", Open::create_empty)) {
    write(task, *old, 0, Bytes(32 * 1024, std::byte{0xEE}));
    sync(task, *old);
  }
  static_cast<void>(told("remove", [&] { return env_.disk.remove(task, "old"); }));
  tail_ = open(task, "tail", Open::create_empty);
  if (!tail_) return;
  write(task, *tail_, 0, right_bytes(0, kTailSynced, 1));
  sync(task, *tail_);
  static_cast<void>(told("sync_directory", [&] { return env_.disk.sync_directory(task, "."); }));
  for (std::size_t i = 0; i < kTailPieces; ++i) {
    const std::uint64_t at = kTailSynced + i * kPiece;
    write(task, *tail_, at, right_bytes(at, kPiece, 1));
  }
  open(task, "fresh", Open::create);
}

void Server::make_synced(Task& task) {
  kept_ = open(task, "kept", Open::create_empty);
  if (kept_) {
    write(task, *kept_, 0, right_bytes(0, kKeptBytes, 2));
    sync(task, *kept_);
  }
  synced_ = open(task, "synced", Open::create_empty);
  synced_end_ = 0;
  work_ = open(task, "work", Open::create_empty);
}

void Server::scribble(Task& task) {
  make_synced(task);
  make_tail(task);
  for (std::uint64_t round = 0;; ++round) {
    work(task, round);
    name_work(task);
    if (hog_.size() < kHogPieces) hog_.emplace_back(kHogBytes);
    static_cast<void>(env::sleep_until(task, now() + milliseconds(20)));
  }
}

void Server::work(Task& task, std::uint64_t round) {
  if (work_) {
    const std::size_t piece = round % kWorkPieces;
    const std::uint64_t at = piece * kPiece;
    write(task, *work_, at, right_bytes(at, kPiece, ++versions_[piece] + 100));
    compare(task, *work_, at, kPiece, versions_[piece] + 100);
    if (round % 5 == 0) sync(task, *work_);
  }
  if (kept_) compare(task, *kept_, 0, kKeptBytes, 2);
  if (synced_) {
    write(task, *synced_, synced_end_, right_bytes(synced_end_, kPiece, 3));
    if (sync(task, *synced_)) synced_end_ += kPiece;
    sight_.synced_end = synced_end_;
  }
  const auto space = told("space", [&] { return env_.disk.space(task); });
  if (space) sight_.note([&](Sight& s) { s.free_bytes.insert(space->free_bytes); });
}

void Server::name_work(Task& task) {
  std::vector<std::unique_ptr<env::File>> files;
  for (const char* name : {"n1", "n2", "n3"}) {
    if (auto file = open(task, name, Open::create)) {
      write(task, *file, 0, as_bytes("name"));
      files.push_back(std::move(file));
    }
  }
  files.clear();
  for (const char* name : {"n1", "n2", "n3"}) {
    static_cast<void>(told("remove", [&] { return env_.disk.remove(task, name); }));
  }
  static_cast<void>(told("list", [&] { return env_.disk.list(task, "."); }));
}

void Server::tick(Task& task) {
  for (;;) {
    const Instant began = now();
    const Instant until = began + milliseconds(10);
    const env::Wake woken = env_.scheduler.park(task, until);
    if (woken == env::Wake::timed_out && now() < until) ++sight_.early_timers;
    sight_.longest_tick = std::max(sight_.longest_tick, now() - began);
    const Instant spin = now();
    for (int i = 0; i < 100; ++i) env_.scheduler.yield(task);
    sight_.longest_spin = std::max(sight_.longest_spin, now() - spin);
    const std::int64_t offset = env_.clock.wall_now().ns() - now().ns();
    sight_.note([&](Sight& s) { s.wall_offsets.insert(offset); });
  }
}

void Server::listen(Task& task, std::uint16_t port) {
  for (;;) {
    const auto listener = env_.network.listen(task, {role_.address, port});
    for (;;) {
      Result<std::unique_ptr<env::Connection>> made = fail(ErrorCode::too_many_files);
      if (listener) made = (*listener)->accept(task);
      if (made) {
        env_.scheduler.spawn("echo", [this, c = std::move(*made)](Task& self) { echo(self, *c); });
        continue;
      }
      const ErrorCode code = listener ? made.error().code() : listener.error().code();
      sight_.note([&](Sight& s) { ++s.server_errors[code]; });
      static_cast<void>(env::sleep_until(task, now() + milliseconds(20)));
      if (!listener) break;
    }
  }
}

void Server::echo(Task& task, env::Connection& connection) {
  Bytes message;
  Bytes buffer(8192);
  for (;;) {
    const auto got = connection.read_some(task, buffer);
    if (!got) sight_.note([&](Sight& s) { ++s.server_errors[got.error().code()]; });
    if (!got || *got == 0) return;
    append(message, ByteView(buffer).first(*got));
    const bool headed = message.size() >= 12;
    if (!headed || message.size() < load_be<std::uint32_t>(message.data() + 8)) {
      ++sight_.partial_reads;
      continue;
    }
    const Instant sent(static_cast<std::int64_t>(load_be<std::uint64_t>(message.data())));
    sight_.apart_least = std::min(sight_.apart_least, now() - sent);
    sight_.apart_most = std::max(sight_.apart_most, now() - sent);
    if (!env::write_all(task, connection, message)) return;
    message.clear();
  }
}

}  // namespace

void serve(Task& task, env::Env env, sim::Process& process, const ServerRole& role) {
  bool stopping = false;
  process.on_stop([&] {
    stopping = true;
    env.scheduler.unpark(task.handle());
  });
  // On the heap: a killed node's stack is dropped, and the heap with it.
  const auto server = std::make_unique<Server>(env, role);
  server->start(task);
  while (!stopping) task.scheduler().park(task);
  ++role.sight->orderly_ends;
}

}  // namespace flux::parity
