// Every release's data directory is opened and read by this one.
#include "tests/golden/golden.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/log/names.h"

namespace flux::golden {
namespace {

namespace fs = std::filesystem;

// A copy that may be written to, for as long as it lives.
class Copy {
 public:
  explicit Copy(const fs::path& release)
      : path_(fs::temp_directory_path() /
              fmt::format("flux-golden-{}-{}", release.filename().string(), ::getpid())) {
    fs::remove_all(path_);
    fs::copy(release, path_, fs::copy_options::recursive);
  }
  ~Copy() { fs::remove_all(path_); }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::vector<fs::path> releases() {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(fs::path(FLUX_SOURCE_DIR) / "tests/golden")) {
    if (entry.is_directory()) out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

void expect_listing(const fs::path& folder, bool clean) {
  const auto opened = with_node(folder, [&](env::Task& task, node::Node& node) -> Result<void> {
    const auto listing = listing_of(task, node.broker());
    EXPECT_TRUE(listing) << listing.error().to_string();
    if (listing) {
      EXPECT_EQ(*listing, text_of(folder / kListing));
    }
    return for_partitions(task, node.broker(),
                          [&](const log::LogIdentity& identity, log::Log& log) -> Result<void> {
                            EXPECT_EQ(log.recovery().clean, clean) << identity.name();
                            EXPECT_EQ(log.recovery().rotten_ranges, 0U) << identity.name();
                            EXPECT_EQ(log.recovery().torn_bytes_cut, 0U) << identity.name();
                            return {};
                          });
  });
  EXPECT_TRUE(opened) << opened.error().to_string();
}

// The newest batch of each producer, sent once more, is known.
void expect_producers_known(const fs::path& folder) {
  int known = 0;
  const auto opened = with_node(folder, [&](env::Task& task, node::Node& node) {
    return for_partitions(
        task, node.broker(), [&](const log::LogIdentity&, log::Log& log) -> Result<void> {
          std::map<ProducerId, Bytes> newest;
          TRY(for_batches(task, log, [&](const record::BatchView& batch) -> Result<void> {
            if (batch.producer_id() != kNoProducerId) {
              newest[batch.producer_id()] = to_bytes(batch.bytes());
            }
            return {};
          }));
          for (auto& [producer, bytes] : newest) {
            const Offset base = record::BatchView::first_of(bytes)->base_offset();
            const auto again = log.append(task, bytes, {.epoch = log.epochs().latest()});
            EXPECT_TRUE(again && again->duplicate);
            if (again) {
              EXPECT_EQ(again->base, base);
            }
            ++known;
          }
          return {};
        });
  });
  EXPECT_TRUE(opened) << opened.error().to_string();
  EXPECT_GT(known, 0);
}

TEST(Golden, EveryReleaseIsRead) {
  ASSERT_FALSE(releases().empty());
  for (const fs::path& release : releases()) {
    SCOPED_TRACE(release.filename().string());
    const Copy copy(release);
    expect_listing(copy.path(), true);
    expect_producers_known(copy.path());
  }
}

TEST(Golden, EveryReleaseIsReadWithoutItsMarks) {
  for (const fs::path& release : releases()) {
    SCOPED_TRACE(release.filename().string());
    const Copy copy(release);
    for (const auto& entry : fs::directory_iterator(copy.path() / kData)) {
      if (entry.is_directory()) fs::remove(entry.path() / log::kCleanFile);
    }
    expect_listing(copy.path(), false);
    expect_producers_known(copy.path());
  }
}

}  // namespace
}  // namespace flux::golden
