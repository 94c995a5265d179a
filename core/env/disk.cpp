#include "core/env/disk.h"

#include <utility>

#include "core/base/mutant.h"

namespace flux::env {
namespace {

std::string_view parent_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<Bytes> read_file(Task& task, Disk& disk, std::string_view path, std::uint64_t limit) {
  const std::unique_ptr<File> file = TRY(disk.open(task, path, Open::read));
  const std::uint64_t size = TRY(file->size(task));
  if (size > limit) {
    return fail(ErrorCode::too_large, std::string(path) + ": " + std::to_string(size) +
                                          " bytes where at most " + std::to_string(limit) +
                                          " are expected");
  }
  Bytes out(static_cast<std::size_t>(size));
  if (!out.empty()) out.resize(TRY(file->read_at(task, 0, out)));
  return out;
}

Result<void> replace_file(Task& task, Disk& disk, std::string_view path, const WriteFile& write) {
  const std::string temporary = std::string(path) + ".tmp";
  {
    const std::unique_ptr<File> file = TRY(disk.open(task, temporary, Open::create_empty));
    Result<void> written = write(*file);
    if (!written && written.error() == ErrorCode::no_space) {
      static_cast<void>(disk.remove(task, temporary));  // a part may have been found
    }
    TRY(std::move(written));
    if (!MUTANT("env.renamed_before_sync")) TRY(file->sync(task));
  }
  TRY(disk.rename(task, temporary, path));
  return disk.sync_directory(task, parent_of(path));
}

Result<void> replace_file(Task& task, Disk& disk, std::string_view path, ByteView content) {
  return replace_file(task, disk, path, [&](File& file) {
    return content.empty() ? Result<void>() : file.write_at(task, 0, content);
  });
}

Result<void> settle_directory(Task& task, Disk& disk, std::string_view path) {
  const Result<void> made = disk.make_directory(task, path);
  if (!made && made.error().code() != ErrorCode::exists) return made;
  return disk.sync_directory(task, parent_of(path));
}

Result<void> make_directories(Task& task, Disk& disk, std::string_view path) {
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string_view prefix = path.substr(0, at);
    if (!prefix.empty() && prefix != ".") TRY(settle_directory(task, disk, prefix));
    if (at == std::string_view::npos) return {};
  }
}

}  // namespace flux::env
