#include "real/app/flux/scratch_disk.h"

#include <algorithm>
#include <set>

#include "core/env/scheduler.h"

namespace flux::app {

namespace {

constexpr std::size_t kPiece = std::size_t{256} << 10;

Result<std::size_t> read_below(env::Task& task, env::File& file, std::uint64_t at, MutBytes into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const std::size_t got = TRY(file.read_at(task, at + done, into.subspan(done)));
    if (got == 0) break;
    done += got;
  }
  return done;
}

}  // namespace

class ScratchFile final : public env::File {
 public:
  using Content = ScratchDisk::Content;
  ScratchFile(ScratchDisk& disk, std::string path, std::shared_ptr<Content> content, bool writable)
      : disk_(disk), path_(std::move(path)), content_(std::move(content)), writable_(writable) {}

  Result<std::size_t> read_at(env::Task& task, std::uint64_t offset, MutBytes into) override {
    return read(task, *content_, offset, into);
  }

  static Result<std::size_t> read(env::Task& task, Content& content, std::uint64_t offset,
                                  MutBytes into) {
    if (offset >= content.size) return 0;
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), content.size - offset));
    into = into.first(size);
    std::ranges::fill(into, std::byte{0});
    if (offset < content.below_bytes) {
      const std::uint64_t there = content.below_bytes - offset;
      const MutBytes part =
          into.first(static_cast<std::size_t>(std::min<std::uint64_t>(there, size)));
      TRY(read_below(task, *content.below, offset, part));
    }
    for (const auto& [at, bytes] : content.written) {
      const std::uint64_t begin = std::max(at, offset);
      const std::uint64_t end = std::min<std::uint64_t>(at + bytes.size(), offset + size);
      if (begin >= end) continue;
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(begin - at), end - begin,
                  into.begin() + static_cast<std::ptrdiff_t>(begin - offset));
    }
    return size;
  }

  Result<void> write_at(env::Task& task, std::uint64_t offset, ByteView from) override {
    TRY(allowed());
    if (offset + from.size() <= content_->size) {
      Bytes there(from.size());
      const auto got = read(task, *content_, offset, there);
      if (got && equal(there, from)) return {};
    }
    change();
    content_->size = std::max(content_->size, offset + from.size());
    auto& written = content_->written;
    const bool goes_on =
        !written.empty() && written.back().first + written.back().second.size() == offset;
    if (!goes_on) written.emplace_back(offset, Bytes());
    append(written.back().second, from);
    return {};
  }

  Result<void> sync(env::Task&) override { return {}; }

  Result<void> truncate(env::Task&, std::uint64_t size) override {
    TRY(allowed());
    if (size == content_->size) return {};
    change();
    content_->size = size;
    content_->below_bytes = std::min(content_->below_bytes, size);
    auto& written = content_->written;
    std::erase_if(written, [size](const auto& one) { return one.first >= size; });
    for (auto& [at, bytes] : written) {
      if (bytes.size() > size - at) bytes.resize(static_cast<std::size_t>(size - at));
    }
    return {};
  }

  Result<void> allocate(env::Task&, std::uint64_t) override { return {}; }
  Result<std::uint64_t> size(env::Task&) override { return content_->size; }
  Result<void> lock(env::Task&) override { return {}; }

 private:
  Result<void> allowed() const {
    if (writable_) return {};
    return fail(ErrorCode::permission, path_ + ": it was opened for reading");
  }
  void change() {
    if (std::exchange(content_->changed, true)) return;
    disk_.other_[path_] = content_;
  }

  ScratchDisk& disk_;
  std::string path_;
  std::shared_ptr<Content> content_;
  bool writable_;
};

Result<ScratchDisk::ContentPointer> ScratchDisk::find(env::Task& task, const std::string& path) {
  if (const auto other = other_.find(path); other != other_.end()) {
    if (other->second == nullptr) return fail(ErrorCode::not_found, path);
    return other->second;
  }
  if (const auto opened = open_.find(path); opened != open_.end()) {
    if (auto content = opened->second.lock()) return content;
  }
  auto content = std::make_shared<Content>();
  content->below = TRY(below_.open(task, path, env::Open::read));
  content->size = content->below_bytes = TRY(content->below->size(task));
  open_[path] = content;
  return content;
}

Result<std::unique_ptr<env::File>> ScratchDisk::open(env::Task& task, std::string_view path,
                                                     env::Open mode) {
  const std::string name(path);
  auto found = find(task, name);
  if (!found && found.error() != ErrorCode::not_found) return std::unexpected(found.error());
  const bool must_exist = mode == env::Open::read || mode == env::Open::read_write;
  if (!found && must_exist) return std::unexpected(found.error());
  if (found && mode == env::Open::create_new) return fail(ErrorCode::exists, name);
  if (!found || mode == env::Open::create_empty) {
    auto content = std::make_shared<Content>();
    content->changed = true;
    other_[name] = content;
    found = content;
  }
  return std::make_unique<ScratchFile>(*this, name, *found, mode != env::Open::read);
}

// Opening a log makes the partition's directory only when it has lost its name.
Result<void> ScratchDisk::make_directory(env::Task&, std::string_view path) {
  return fail(ErrorCode::exists, std::string(path));
}

Result<void> ScratchDisk::rename(env::Task& task, std::string_view from, std::string_view to) {
  const std::string source(from);
  const std::string target(to);
  auto content = TRY(find(task, source));
  content->changed = true;
  other_[target] = content;
  other_[source] = nullptr;
  open_.erase(source);
  return {};
}

Result<void> ScratchDisk::remove(env::Task& task, std::string_view path) {
  const std::string name(path);
  TRY(find(task, name));
  other_[name] = nullptr;
  return {};
}

Result<void> ScratchDisk::sync_directory(env::Task&, std::string_view) { return {}; }

Result<std::vector<env::DirectoryEntry>> ScratchDisk::list(env::Task& task, std::string_view path) {
  const std::vector<env::DirectoryEntry> below = TRY(below_.list(task, path));
  std::set<env::DirectoryEntry> out(below.begin(), below.end());
  const std::string prefix = std::string(path) + "/";
  for (const auto& [name, content] : other_) {
    if (!name.starts_with(prefix) || name.find('/', prefix.size()) != std::string::npos) continue;
    const env::DirectoryEntry entry{.name = name.substr(prefix.size())};
    if (content == nullptr) {
      out.erase(entry);
    } else {
      out.insert(entry);
    }
  }
  return std::vector<env::DirectoryEntry>(out.begin(), out.end());
}

Result<bool> ScratchDisk::same_as_below(env::Task& task, const std::string& path,
                                        Content& content) const {
  auto file = TRY(below_.open(task, path, env::Open::read));
  if (TRY(file->size(task)) != content.size) return false;
  Bytes one(kPiece);
  Bytes other(kPiece);
  for (std::uint64_t at = 0; at < content.size; at += kPiece) {
    const std::size_t got = TRY(read_below(task, *file, at, one));
    const std::size_t ours = TRY(ScratchFile::read(task, content, at, other));
    if (got != ours || !equal(ByteView(one).first(got), ByteView(other).first(ours))) return false;
    env::yield_if_due(task);
  }
  return true;
}

Result<std::vector<DiskChange>> ScratchDisk::changes(env::Task& task) const {
  using Kind = DiskChange::Kind;
  std::vector<DiskChange> out;
  for (const auto& [path, content] : other_) {
    std::optional<std::uint64_t> before;
    if (auto file = below_.open(task, path, env::Open::read)) before = TRY((*file)->size(task));
    if (content == nullptr) {
      if (before) out.push_back({.path = path, .kind = Kind::removed});
    } else if (!before) {
      out.push_back({.path = path, .kind = Kind::made, .bytes = content->size});
    } else if (content->written.empty() && content->below != nullptr && content->size < *before) {
      out.push_back({.path = path, .kind = Kind::cut, .bytes = *before - content->size});
    } else if (!TRY(same_as_below(task, path, *content))) {
      out.push_back({.path = path, .kind = Kind::rewritten, .bytes = content->size});
    }
  }
  return out;
}

}  // namespace flux::app
