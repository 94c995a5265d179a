#include "core/log/epochs.h"

#include <algorithm>
#include <charconv>

namespace flux::log {
namespace {

constexpr std::string_view kMetadataVersion = "version: 0\n";
constexpr std::string_view kMetadataTopicId = "topic_id: ";

std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

template <class T>
std::optional<T> number(std::string_view text) {
  T out{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::unexpected<Error> bad(std::string_view file) {
  return fail(ErrorCode::corrupt, std::string(file) + " does not parse");
}

}  // namespace

bool Epochs::assign(LeaderEpoch epoch, Offset start) {
  if (!entries_.empty() && entries_.back().epoch >= epoch) return false;
  while (!entries_.empty() && entries_.back().start >= start) entries_.pop_back();
  entries_.push_back({epoch, start});
  return true;
}

void Epochs::cut_from(Offset end) {
  while (!entries_.empty() && entries_.back().start >= end) entries_.pop_back();
}

void Epochs::cut_before(Offset start) {
  // The last entry at or before `start` still covers it.
  while (entries_.size() > 1 && entries_[1].start <= start) entries_.erase(entries_.begin());
  if (!entries_.empty()) entries_.front().start = std::max(entries_.front().start, start);
}

LeaderEpoch Epochs::latest() const {
  return entries_.empty() ? kNoLeaderEpoch : entries_.back().epoch;
}

std::optional<EpochStart> Epochs::end_of(LeaderEpoch epoch, Offset log_end) const {
  std::optional<EpochStart> found;
  for (std::size_t i = 0; i < entries_.size() && entries_[i].epoch <= epoch; ++i) {
    found = {entries_[i].epoch, i + 1 < entries_.size() ? entries_[i + 1].start : log_end};
  }
  return found;
}

std::string Epochs::to_text() const {
  std::string out = "0\n" + std::to_string(entries_.size()) + "\n";
  for (const EpochStart& entry : entries_) {
    out += std::to_string(entry.epoch.value()) + " " + std::to_string(entry.start.value()) + "\n";
  }
  return out;
}

Result<Epochs> Epochs::parse(std::string_view text) {
  constexpr std::string_view kFile = "leader-epoch-checkpoint";
  const auto version = take_line(text);
  const auto count_line = take_line(text);
  if (!version || *version != "0" || !count_line) return bad(kFile);
  const auto count = number<std::uint32_t>(*count_line);
  if (!count) return bad(kFile);
  Epochs out;
  for (std::uint32_t i = 0; i < *count; ++i) {
    const auto line = take_line(text);
    const std::size_t space = line ? line->find(' ') : std::string_view::npos;
    if (space == std::string_view::npos) return bad(kFile);
    const auto epoch = number<std::int32_t>(line->substr(0, space));
    const auto start = number<std::int64_t>(line->substr(space + 1));
    if (!epoch || !start || *epoch < 0 || *start < 0) return bad(kFile);
    const EpochStart entry{LeaderEpoch(*epoch), Offset(*start)};
    if (!out.entries_.empty() &&
        (out.entries_.back().epoch >= entry.epoch || out.entries_.back().start >= entry.start)) {
      return bad(kFile);
    }
    out.entries_.push_back(entry);
  }
  if (!text.empty()) return bad(kFile);
  return out;
}

std::string partition_metadata_text(const Uuid& topic_id) {
  return std::string(kMetadataVersion) + std::string(kMetadataTopicId) + topic_id.to_string();
}

Result<Uuid> parse_partition_metadata(std::string_view text) {
  if (!text.starts_with(kMetadataVersion)) return bad("partition.metadata");
  text.remove_prefix(kMetadataVersion.size());
  if (!text.starts_with(kMetadataTopicId)) return bad("partition.metadata");
  text.remove_prefix(kMetadataTopicId.size());
  if (text.ends_with('\n')) text.remove_suffix(1);
  return Uuid::parse(text);
}

}  // namespace flux::log
