#include "tests/parity/disk_model.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace flux::parity {
namespace {

// Files and directories keep to their own names, so that no step walks through a file as if it were
// a directory: what that fails with is left to the backend.
constexpr std::array<std::string_view, 6> kFiles{"a", "b", "d/a", "d/b", "e/a", "e/long-name.log"};
constexpr std::array<std::string_view, 2> kDirectories{"d", "e"};
constexpr std::uint64_t kOffsetMax = 9'000;

std::string file_name(std::size_t i) { return std::string(kFiles[i % kFiles.size()]); }
std::string directory_name(std::size_t i) {
  return std::string(kDirectories[i % kDirectories.size()]);
}
std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

void grow(Bytes& content, std::size_t size) {
  if (content.size() < size) content.resize(size, std::byte{0});
}

}  // namespace

std::ostream& operator<<(std::ostream& to, const DiskStep& step) {
  return to << "{kind " << static_cast<int>(step.kind) << ", mode " << static_cast<int>(step.mode)
            << ", slot " << step.slot << ", name " << step.name << ", other " << step.other
            << ", offset " << step.offset << ", length " << step.length << ", fill "
            << static_cast<int>(step.fill) << "}";
}

rc::Gen<DiskStep> any_disk_step() {
  using Kind = DiskStep::Kind;
  // Files are opened and written more often than taken away, so that most steps meet something.
  const auto kind = rc::gen::weightedElement<Kind>({{8, Kind::open},
                                                    {2, Kind::close},
                                                    {8, Kind::write},
                                                    {6, Kind::read},
                                                    {3, Kind::truncate},
                                                    {1, Kind::allocate},
                                                    {2, Kind::sync},
                                                    {4, Kind::rename},
                                                    {3, Kind::remove},
                                                    {4, Kind::make_directory},
                                                    {1, Kind::sync_directory},
                                                    {2, Kind::list}});
  const auto mode =
      rc::gen::element(env::Open::read, env::Open::read_write, env::Open::create, env::Open::create,
                       env::Open::create_new, env::Open::create_empty);
  return rc::gen::build<DiskStep>(
      rc::gen::set(&DiskStep::kind, kind), rc::gen::set(&DiskStep::mode, mode),
      rc::gen::set(&DiskStep::slot, rc::gen::inRange<std::size_t>(0, 3)),
      rc::gen::set(&DiskStep::name, rc::gen::inRange<std::size_t>(0, 12)),
      rc::gen::set(&DiskStep::other, rc::gen::inRange<std::size_t>(0, 12)),
      rc::gen::set(&DiskStep::offset, rc::gen::inRange<std::uint64_t>(0, kOffsetMax)),
      rc::gen::set(&DiskStep::length, rc::gen::inRange<std::size_t>(1, 5'000)),
      rc::gen::set(&DiskStep::fill, rc::gen::inRange<std::uint8_t>(1, 255)));
}

bool DiskModel::has_directory(const std::string& path) const {
  if (path == ".") return true;
  const auto at = nodes_.find(path);
  return at != nodes_.end() && at->second->is_directory;
}

std::vector<env::DirectoryEntry> DiskModel::children(const std::string& directory) const {
  std::vector<env::DirectoryEntry> out;
  for (const auto& [path, node] : nodes_) {
    if (parent_of(path) != directory) continue;
    const std::size_t slash = path.rfind('/');
    const std::size_t start = slash == std::string::npos ? 0 : slash + 1;
    out.push_back({path.substr(start), node->is_directory});
  }
  std::ranges::sort(out);
  return out;
}

Verdict DiskModel::take(env::Task& task, const DiskStep& step) {
  using Kind = DiskStep::Kind;
  std::optional<OpenFile>& slot = open_[step.slot];
  switch (step.kind) {
    case Kind::open:
      return open(task, step);
    case Kind::close:
      slot.reset();
      return {};
    case Kind::write:
      return slot ? write(task, step, *slot) : Verdict{};
    case Kind::read:
      return slot ? read(task, step, *slot) : Verdict{};
    case Kind::truncate:
      return slot ? truncate(task, step, *slot) : Verdict{};
    case Kind::allocate:
      return slot ? allocate(task, step, *slot) : Verdict{};
    case Kind::sync:
      if (slot) MUST(slot->file->sync(task));
      return {};
    case Kind::rename:
      if (step.name % 4 == 3) {
        return rename(task, directory_name(step.name), directory_name(step.other));
      }
      return rename(task, file_name(step.name), file_name(step.other));
    case Kind::remove:
      return remove(task, step.name % 4 == 3 ? directory_name(step.other) : file_name(step.other));
    case Kind::make_directory:
      return make_directory(task, directory_name(step.name));
    case Kind::sync_directory:
      return sync_directory(task, directory_name(step.name));
    case Kind::list:
      return list(task, step.other % 3 == 0 ? "." : directory_name(step.name));
  }
  return {};
}

Verdict DiskModel::open(env::Task& task, const DiskStep& step) {
  const std::string path = file_name(step.name);
  auto file = disk_.open(task, path, step.mode);
  const bool makes = step.mode != env::Open::read && step.mode != env::Open::read_write;
  if (!has_directory(parent_of(path)) || (!has(path) && !makes)) {
    FAILS_WITH(not_found, file);
    return {};
  }
  if (has(path) && step.mode == env::Open::create_new) {
    FAILS_WITH(exists, file);
    return {};
  }
  std::unique_ptr<env::File> opened = MUST(std::move(file));
  std::shared_ptr<Node>& node = nodes_[path];
  if (!node) node = std::make_shared<Node>();
  if (step.mode == env::Open::create_empty) node->content.clear();
  open_[step.slot] = OpenFile{std::move(opened), node, step.mode != env::Open::read};
  return {};
}

Verdict DiskModel::write(env::Task& task, const DiskStep& step, OpenFile& open) {
  const Bytes piece(step.length, static_cast<std::byte>(step.fill));
  const Result<void> written = open.file->write_at(task, step.offset, piece);
  if (!open.writable) {
    FAILS_WITH(permission, written);
    return {};
  }
  MUST(written);
  Bytes& content = open.node->content;
  grow(content, static_cast<std::size_t>(step.offset) + piece.size());
  std::ranges::copy(piece, content.begin() + static_cast<std::ptrdiff_t>(step.offset));
  return {};
}

Verdict DiskModel::read(env::Task& task, const DiskStep& step, const OpenFile& open) {
  Bytes into(step.length);
  const std::size_t count = MUST(open.file->read_at(task, step.offset, into));
  const Bytes& content = open.node->content;
  const std::size_t start = std::min(static_cast<std::size_t>(step.offset), content.size());
  const ByteView expected =
      ByteView(content).subspan(start, std::min(step.length, content.size() - start));
  HOLDS(count == expected.size());
  HOLDS(equal(ByteView(into).first(count), expected));
  return {};
}

Verdict DiskModel::truncate(env::Task& task, const DiskStep& step, OpenFile& open) {
  const Result<void> cut = open.file->truncate(task, step.offset);
  if (!open.writable) {
    FAILS_WITH(permission, cut);
    return {};
  }
  MUST(cut);
  open.node->content.resize(static_cast<std::size_t>(step.offset), std::byte{0});
  return {};
}

Verdict DiskModel::allocate(env::Task& task, const DiskStep& step, const OpenFile& open) {
  const Result<void> reserved = open.file->allocate(task, step.offset);
  if (!open.writable) {
    FAILS_WITH(permission, reserved);
    return {};
  }
  MUST(reserved);
  HOLDS(MUST(open.file->size(task)) == open.node->content.size());
  return {};
}

Verdict DiskModel::rename(env::Task& task, const std::string& from, const std::string& to) {
  if (from == to) return {};
  const Result<void> renamed = disk_.rename(task, from, to);
  if (!has(from) || !has_directory(parent_of(to))) {
    FAILS_WITH(not_found, renamed);
    return {};
  }
  if (has_directory(from) && has(to)) {
    HOLDS(!renamed);
    return {};
  }
  MUST(renamed);
  nodes_[to] = nodes_[from];
  nodes_.erase(from);
  // A directory takes what is below it along.
  std::map<std::string, std::shared_ptr<Node>> moved;
  for (const auto& [path, node] : nodes_) {
    if (path.starts_with(from + "/")) moved[to + path.substr(from.size())] = node;
  }
  std::erase_if(nodes_, [&](const auto& item) { return item.first.starts_with(from + "/"); });
  nodes_.merge(moved);
  return {};
}

Verdict DiskModel::remove(env::Task& task, const std::string& path) {
  const Result<void> removed = disk_.remove(task, path);
  if (!has(path)) {
    FAILS_WITH(not_found, removed);
    return {};
  }
  if (has_directory(path) && !children(path).empty()) {
    HOLDS(!removed);
    return {};
  }
  MUST(removed);
  nodes_.erase(path);
  return {};
}

Verdict DiskModel::make_directory(env::Task& task, const std::string& path) {
  const Result<void> made = disk_.make_directory(task, path);
  if (has(path)) {
    FAILS_WITH(exists, made);
    return {};
  }
  MUST(made);
  nodes_[path] = std::make_shared<Node>(Node{true, {}});
  return {};
}

Verdict DiskModel::sync_directory(env::Task& task, const std::string& path) {
  const Result<void> synced = disk_.sync_directory(task, path);
  if (!has_directory(path)) {
    FAILS_WITH(not_found, synced);
    return {};
  }
  MUST(synced);
  return {};
}

Verdict DiskModel::list(env::Task& task, const std::string& path) {
  const auto entries = disk_.list(task, path);
  if (!has_directory(path)) {
    FAILS_WITH(not_found, entries);
    return {};
  }
  HOLDS(MUST(entries) == children(path));
  return {};
}

Verdict DiskModel::compare(env::Task& task, env::File& file, const Node& node) {
  HOLDS(MUST(file.size(task)) == node.content.size());
  Bytes back(node.content.size() + 1);
  HOLDS(MUST(file.read_at(task, 0, back)) == node.content.size());
  HOLDS(equal(ByteView(back).first(node.content.size()), node.content));
  return {};
}

Verdict DiskModel::compare_all(env::Task& task) {
  for (const std::optional<OpenFile>& slot : open_) {
    if (!slot) continue;
    if (const Verdict same = compare(task, *slot->file, *slot->node); !same.holds()) return same;
  }
  HOLDS(MUST(disk_.list(task, ".")) == children("."));
  for (const auto& [path, node] : nodes_) {
    if (node->is_directory) {
      HOLDS(MUST(disk_.list(task, path)) == children(path));
      continue;
    }
    const auto file = MUST(disk_.open(task, path, env::Open::read));
    if (const Verdict same = compare(task, *file, *node); !same.holds()) return same;
  }
  return {};
}

}  // namespace flux::parity
