#include "sim/env/sim_disk.h"

#include <utility>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/env/scheduler.h"

namespace flux::sim {
namespace {

using env::Task;

std::uint64_t number_of(const std::optional<ErrorCode>& error) {
  return error ? static_cast<std::uint64_t>(*error) + 1 : 0;
}

std::uint64_t digest_of(DiskCall call, ByteView bytes) {
  return hash_bytes(bytes, static_cast<std::uint64_t>(call));
}

std::unexpected<Error> failed(ErrorCode code, DiskCall call, std::string_view path) {
  std::string what(name_of(call));
  what += ' ';
  what += path;
  return fail(code, std::move(what));
}

}  // namespace

class SimFile final : public env::File {
 public:
  SimFile(MachineDisk& machine, Process& process, MachineDisk::Slot handle, Inode inode,
          std::string path, bool writable)
      : machine_(machine),
        process_(process),
        handle_(handle),
        inode_(inode),
        id_(machine.image().key_of(inode).value),
        path_(std::move(path)),
        writable_(writable) {}

  ~SimFile() override {
    process_.charge_call(0);
    process_.seam(SeamKind::disk_call, id_, 0, digest_of(DiskCall::close, {}));
    const WorldScope scope;
    machine_.close_handle(handle_);
  }

  Result<std::size_t> read_at(Task& task, std::uint64_t offset, MutBytes into) override {
    static constexpr std::uint64_t kMiss = hash_name("cache_miss");
    const DiskSpeed& speed = machine_.habits().speed;
    const Key call = machine_.image().next_call(inode_);
    const bool miss =
        machine_.world_.decisions().chance(call.with(kMiss), speed.cache_miss, "disk.cache_miss");
    const LatencyRange& latency = miss ? speed.read_device : speed.read_cached;
    TRY(run(task, DiskCall::read, call, offset, {}, latency, into.size(), miss));
    DiskResult<std::size_t> got = std::unexpected(ErrorCode::io_error);
    {
      const WorldScope scope;
      got = machine_.image().read(inode_, offset, into);
    }
    process_.charge_call(got ? *got : 0);
    const std::uint64_t digest = got ? hash_bytes(into.first(*got)) : 0;
    process_.seam(SeamKind::disk_result, id_, got ? 0 : number_of(got.error()), digest);
    if (!got) return failed(got.error(), DiskCall::read, path_);
    return *got;
  }

  Result<void> write_at(Task& task, std::uint64_t offset, ByteView from) override {
    if (!writable_) return refuse(DiskCall::write);
    const Key call = machine_.image().next_call(inode_);
    return run(task, DiskCall::write, call, offset, from, machine_.habits().speed.write, 0, false);
  }

  Result<void> sync(Task& task) override {
    const Key call = machine_.image().next_call(inode_);
    const std::uint64_t dirty = machine_.image().dirty_bytes(inode_);
    return run(task, DiskCall::sync, call, machine_.image().newest(inode_), {},
               machine_.habits().speed.sync, dirty, true);
  }

  Result<void> truncate(Task& task, std::uint64_t size) override {
    if (!writable_) return refuse(DiskCall::truncate);
    return run_name(task, DiskCall::truncate, size);
  }

  Result<void> allocate(Task& task, std::uint64_t size) override {
    if (!writable_) return refuse(DiskCall::allocate);
    return run_name(task, DiskCall::allocate, size);
  }

  Result<std::uint64_t> size(Task&) override {
    process_.charge_call(0);
    const std::uint64_t size = machine_.image().size(inode_);
    process_.seam(SeamKind::disk_result, id_, size, digest_of(DiskCall::size, {}));
    return size;
  }

  Result<void> lock(Task& task) override { return run_name(task, DiskCall::lock, handle_); }

 private:
  Result<void> refuse(DiskCall call) {
    process_.charge_call(0);
    return failed(ErrorCode::permission, call, path_);
  }

  Result<void> run_name(Task& task, DiskCall what, std::uint64_t argument) {
    const Key call = machine_.image().next_call(inode_);
    return run(task, what, call, argument, {}, machine_.habits().speed.name, 0, false);
  }

  Result<void> run(Task& task, DiskCall what, Key call, std::uint64_t offset, ByteView from,
                   const LatencyRange& latency, std::uint64_t device_bytes, bool device) {
    process_.charge_call(from.size());
    process_.seam(SeamKind::disk_call, id_, offset, digest_of(what, from));
    World& world = machine_.world_;
    world.set_cause(world.note(&process_, env::Severity::debug, "disk.call",
                               {{"call", name_of(what)},
                                {"file", path_},
                                {"at", offset},
                                {"bytes", from.empty() ? device_bytes : from.size()}}));
    MachineDisk::Slot slot = 0;
    {
      const WorldScope scope;
      slot = machine_.prepare(process_, task.handle(), what);
      MachineDisk::Operation& op = machine_.operation(slot);
      op.key = call;
      op.inode = inode_;
      op.offset = offset;
      op.data.assign(from.begin(), from.end());
      machine_.start(slot, latency, device_bytes, device);
    }
    {
      const env::Uninterrupted uninterrupted(task);
      while (!machine_.operation(slot).done) task.scheduler().park(task);
    }
    const std::optional<ErrorCode> error = machine_.operation(slot).error;
    {
      const WorldScope scope;
      machine_.release(slot);
    }
    if (what == DiskCall::read) return {};  // its result is still to be read
    process_.charge_call(0);
    process_.seam(SeamKind::disk_result, id_, number_of(error), 0);
    if (error) return failed(*error, what, path_);
    return {};
  }

  MachineDisk& machine_;
  Process& process_;
  MachineDisk::Slot handle_;
  Inode inode_;
  std::uint64_t id_;
  std::string path_;
  bool writable_;
};

SimDisk::SimDisk(MachineDisk& machine, Process& process, std::string root)
    : machine_(machine), process_(process), root_(std::move(root)) {
  CHECK(root_.starts_with('/'), "a data root is an absolute path");
  provide_root();
}

void SimDisk::provide_root() {
  const WorldScope scope;
  machine_.image().provide_directory(root_);
}

// One spelling for each file: what is drawn about it is keyed by its path.
std::string SimDisk::absolute(std::string_view path) const {
  std::string out;
  if (!path.starts_with('/')) out = root_;
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t slash = std::min(path.find('/', begin), path.size());
    const std::string_view name = path.substr(begin, slash - begin);
    begin = slash + 1;
    if (name.empty() || name == ".") continue;
    if (!out.ends_with('/')) out += '/';
    out += name;
  }
  return out.empty() ? "/" : out;
}

// Runs a name operation to its end; the caller reports the result to the seam.
std::optional<ErrorCode> SimDisk::call_name(Task& task, DiskCall call, std::string_view path,
                                            std::string_view to, env::Open mode,
                                            NameResult* result) {
  process_.charge_call(0);
  const std::uint64_t id = hash_bytes(as_bytes(path));
  process_.seam(SeamKind::disk_call, id, static_cast<std::uint64_t>(mode),
                digest_of(call, as_bytes(to)));
  World& world = machine_.world_;
  world.set_cause(world.note(&process_, env::Severity::debug, "disk.call",
                             {{"call", name_of(call)}, {"file", path}, {"to", to}}));
  MachineDisk::Slot slot = 0;
  {
    const WorldScope scope;
    slot = machine_.prepare(process_, task.handle(), call);
    MachineDisk::Operation& op = machine_.operation(slot);
    op.key = machine_.next_name_call(path);
    op.mode = mode;
    op.path = path;
    op.to = to;
    machine_.start(slot, machine_.habits().speed.name, 0, true);
  }
  {
    const env::Uninterrupted uninterrupted(task);
    while (!machine_.operation(slot).done) task.scheduler().park(task);
  }
  const MachineDisk::Operation& op = machine_.operation(slot);
  const std::optional<ErrorCode> error = op.error;
  if (result) *result = {static_cast<MachineDisk::Slot>(op.offset), op.inode};
  const WorldScope scope;
  machine_.release(slot);
  process_.charge_call(0);
  process_.seam(SeamKind::disk_result, id, number_of(error), 0);
  return error;
}

Result<std::unique_ptr<env::File>> SimDisk::open(Task& task, std::string_view path,
                                                 env::Open mode) {
  std::string full = absolute(path);
  NameResult opened;
  if (const auto error = call_name(task, DiskCall::open, full, {}, mode, &opened)) {
    return failed(*error, DiskCall::open, full);
  }
  return std::make_unique<SimFile>(machine_, process_, opened.handle, opened.inode, std::move(full),
                                   mode != env::Open::read);
}

Result<void> SimDisk::change(Task& task, DiskCall call, std::string_view path,
                             std::string_view to) {
  const std::string full = absolute(path);
  const std::string target = to.empty() ? std::string() : absolute(to);
  const auto error = call_name(task, call, full, target, env::Open::read, nullptr);
  if (error) return failed(*error, call, full);
  return {};
}

Result<void> SimDisk::make_directory(Task& task, std::string_view path) {
  return change(task, DiskCall::make_directory, path, {});
}

Result<void> SimDisk::rename(Task& task, std::string_view from, std::string_view to) {
  return change(task, DiskCall::rename, from, to);
}

Result<void> SimDisk::remove(Task& task, std::string_view path) {
  return change(task, DiskCall::remove, path, {});
}

Result<void> SimDisk::sync_directory(Task& task, std::string_view path) {
  return change(task, DiskCall::sync_directory, path, {});
}

Result<std::vector<env::DirectoryEntry>> SimDisk::list(Task& task, std::string_view path) {
  const std::string full = absolute(path);
  call_name(task, DiskCall::list, full, {}, env::Open::read, nullptr);
  DiskResult<const DiskNames::Entries*> listed = std::unexpected(ErrorCode::io_error);
  {
    const WorldScope scope;
    listed = machine_.image().list(full);
  }
  std::uint64_t digest = 0;
  std::vector<env::DirectoryEntry> out;
  if (listed) {
    out.reserve((*listed)->size());
    for (const auto& [name, inode] : **listed) {
      out.push_back({name, machine_.image().is_directory(inode)});
      digest = combine64(digest, hash_bytes(as_bytes(name), out.back().is_directory ? 1 : 0));
    }
  }
  process_.seam(SeamKind::disk_result, hash_bytes(as_bytes(full)),
                listed ? 0 : number_of(listed.error()), digest);
  if (!listed) return failed(listed.error(), DiskCall::list, full);
  return out;
}

Result<env::Space> SimDisk::space(Task& task) {
  call_name(task, DiskCall::space, root_, {}, env::Open::read, nullptr);
  const WorldScope scope;
  const env::Space space = machine_.image().space(process_.effect_time());
  process_.seam(SeamKind::disk_result, hash_bytes(as_bytes(root_)), 0,
                combine64(space.total_bytes, space.free_bytes));
  return space;
}

std::uint64_t SimDisk::boot_id() {
  const std::uint64_t id = machine_.boot_id();
  process_.seam(SeamKind::disk_result, 0, 0, id);
  return id;
}

}  // namespace flux::sim
