// wiregen: definitions of messages in, code out.
//
//   wiregen --schema FOLDER... [--cpp FOLDER] [--reflection FILE] [--docs FILE]
//           [--check-listing FILE] [--write-listing FILE]
//
// Files that would not change are left alone, so that nothing is compiled for nothing. Exit code 1
// is a bad definition or a bad evolution, 2 is bad usage.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/base/result.h"
#include "net/wiregen/emit.h"
#include "net/wiregen/evolve.h"
#include "net/wiregen/schema.h"

namespace flux::wiregen {
namespace {

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

Result<std::string> read_file(const std::string& path) {
  const File file(std::fopen(path.c_str(), "rb"));
  if (!file) return fail(ErrorCode::not_found, path);
  std::string out;
  char buffer[16 * 1024];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, file.get())) {
    out.append(buffer, n);
  }
  return out;
}

Result<> write_file(const std::string& path, const std::string& text) {
  if (const auto old = read_file(path); old && *old == text) return {};
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  File file(std::fopen(path.c_str(), "wb"));
  if (!file) return fail(ErrorCode::io_error, path);
  const bool written = std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
  if (std::fclose(file.release()) != 0 || !written) return fail(ErrorCode::io_error, path);
  return {};
}

Result<std::vector<SourceFile>> read_folder(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".json") paths.push_back(entry.path().string());
  }
  if (error) return fail(ErrorCode::not_found, folder);
  std::ranges::sort(paths);
  std::vector<SourceFile> out;
  for (const std::string& path : paths) {
    out.push_back({.path = path, .text = TRY(read_file(path))});
  }
  return out;
}

using Options = std::multimap<std::string, std::string>;

Result<> run(const Options& options) {
  std::vector<SourceFile> files;
  const auto [begin, end] = options.equal_range("--schema");
  for (auto at = begin; at != end; ++at) {
    for (SourceFile& file : TRY(read_folder(at->second))) files.push_back(std::move(file));
  }
  const Schema schema = TRY(parse(files));
  const std::string listing = make_listing(schema);
  const auto option = [&](const char* name) {
    const auto at = options.find(name);
    return at == options.end() ? std::string() : at->second;
  };
  if (const std::string path = option("--check-listing"); !path.empty()) {
    const std::string published = TRY(read_file(path));
    TRY(check_evolution(published, listing));
  }
  if (const std::string path = option("--write-listing"); !path.empty()) {
    TRY(write_file(path, listing));
  }
  if (const std::string folder = option("--cpp"); !folder.empty()) {
    for (const OutputFile& file : emit_cpp(schema)) {
      TRY(write_file(folder + "/" + file.path, file.text));
    }
  }
  if (const std::string path = option("--reflection"); !path.empty()) {
    TRY(write_file(path, emit_reflection(schema)));
  }
  if (const std::string path = option("--docs"); !path.empty()) {
    TRY(write_file(path, emit_docs(schema)));
  }
  return {};
}

Result<Options> parse_arguments(int count, char** arguments) {
  const std::vector<std::string> known = {"--schema", "--cpp",           "--reflection",
                                          "--docs",   "--check-listing", "--write-listing"};
  Options out;
  for (int i = 1; i < count; i += 2) {
    const std::string name = arguments[i];
    if (std::ranges::find(known, name) == known.end() || i + 1 == count) {
      return fail(ErrorCode::invalid, fmt::format("'{}': known are {}, each with a value", name,
                                                  fmt::join(known, " ")));
    }
    out.emplace(name, arguments[i + 1]);
  }
  if (!out.contains("--schema")) return fail(ErrorCode::invalid, "--schema is missing");
  return out;
}

}  // namespace
}  // namespace flux::wiregen

int main(int count, char** arguments) {
  const auto options = flux::wiregen::parse_arguments(count, arguments);
  if (!options) {
    fmt::print(stderr, "wiregen: {}\n", options.error().to_string());
    return 2;
  }
  if (const auto done = flux::wiregen::run(*options); !done) {
    fmt::print(stderr, "wiregen: {}\n", done.error().to_string());
    return 1;
  }
  return 0;
}
