// Recovery of one segment after an unknown end: what is good, what is rotten, what is torn.
//
// The rules are those of docs/formats/log.md and decision 0002. Afterwards the segment's files hold
// what the verdict says, durably: a torn tail is cut, bytes that no sync had vouched for have been
// written again and synced (a sync that failed earlier may have dropped them from under the page
// cache), and the integrity file is replaced by one that covers all. A segment that was left in
// order is only read.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/env/env.h"
#include "core/log/config.h"
#include "core/log/entry_reader.h"
#include "core/log/epochs.h"
#include "core/log/integrity.h"
#include "core/log/log.h"
#include "core/log/producer_state.h"
#include "core/log/segment.h"

namespace flux::log {

// What recovery gathers from the batches on its way.
struct RecoveryFold {
  ProducerState& producers;
  Epochs& epochs;
  RecoveryReport& report;
};

// What later segments say about this one.
struct LaterSegments {
  bool synced = false;  // a later one has synced bytes, so this one is synced whole
  // The base offset of the next one that holds anything: this one ended there. An empty one is no
  // witness: the roll that made it may have failed, and the log have gone on in this one.
  std::optional<Offset> next_base;
};

struct SegmentVerdict {
  Segment::Found found;
  bool torn = false;    // cut: nothing may follow it
  bool rotten = false;  // takes no more appends
};

class SegmentRecovery {
 public:
  SegmentRecovery(env::Env& env, const LogIdentity& identity, const LogConfig& config,
                  std::string_view directory, Offset base, LaterSegments later);

  Result<SegmentVerdict> run(env::Task& task, RecoveryFold& fold);

  // The segment as a clean mark has it, if its files are still those: their lengths, and an
  // integrity file that names all of it. The segment's own bytes are not read. Nothing otherwise.
  static Result<std::optional<Segment::Found>> unchanged(env::Task& task, env::Env& env,
                                                         const LogIdentity& identity,
                                                         const LogConfig& config,
                                                         std::string_view directory,
                                                         const CleanSegment& clean);
  // Whether any entry of the segment's integrity file says that bytes of it were synced.
  static Result<bool> has_synced(env::Task& task, env::Env& env, const LogIdentity& identity,
                                 std::string_view directory, Offset base);
  // Whether it holds nothing and never did: what a roll that failed has left.
  static Result<bool> is_empty(env::Task& task, env::Env& env, const LogIdentity& identity,
                               std::string_view directory, Offset base);

 private:
  // The integrity file as found, at a first look at all of it.
  struct Survey {
    bool in_order = false;        // its header is good, and so is every entry
    std::uint32_t entries = 0;    // good ones
    std::uint64_t last_boot = 0;  // that of the last one
  };
  // What the integrity file will hold: entries that stand in it now, [first, last), but for their
  // marks; or one that was made.
  struct Kept {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::optional<IntegrityEntry> made;
  };
  using SeeEntry = std::function<Result<void>(const IntegrityEntry&)>;
  // doubt: the block at hand was not all written, and nobody vouches for it. From here on its
  // batches answer for themselves: some may be whole, and synced, though the mark that says so is
  // not.
  enum class Step : std::uint8_t { on, stop, doubt };
  struct OpenAdoption {
    std::uint32_t position = 0;
    Offset base;
    std::uint64_t digest = 0;
  };

  std::string entries_path() const;
  Result<void> survey(env::Task& task);
  Result<std::optional<PlacedEntry>> next_block(env::Task& task, EntryReader& reader);
  void keep(const PlacedEntry& block);
  Result<void> see_kept(env::Task& task, const SeeEntry& see);
  void settle_bound();
  bool lies_beyond(const IntegrityEntry& entry) const;
  bool at_bound() const { return later_.next_base && offset_ >= *later_.next_base; }
  bool vouched(const IntegrityEntry& block) const;
  bool vouched_at(std::uint32_t position) const;

  static std::unexpected<Error> left_for_later(const Error& error);
  Result<void> scan(env::Task& task, RecoveryFold& fold);
  Result<Step> scan_block(env::Task& task, const PlacedEntry& block, RecoveryFold& fold);
  Result<Step> scan_uncovered(env::Task& task, const IntegrityEntry* next_block,
                              RecoveryFold& fold);
  Result<bool> adopt_batch(env::Task& task, std::uint32_t until, RecoveryFold& fold);
  Step past_the_end(const IntegrityEntry* next_block);
  // unreadable_now: and its entry is there, so that a later read can judge it.
  enum class Loss : std::uint8_t { rotten, unreadable, unreadable_now };
  Step skip_as_rot(std::uint32_t to, Offset to_offset, Loss loss = Loss::rotten);
  Result<ByteView> block_bytes(env::Task& task, const IntegrityEntry& block);
  Step cut();
  void note(const record::BatchView& batch, std::uint32_t position, RecoveryFold& fold);
  void close_adoption();
  // Bytes [at, at + length) of the file, from a window that moves forward.
  Result<ByteView> view(env::Task& task, std::uint32_t at, std::uint32_t length);
  Result<void> fill_window(env::Task& task, std::uint32_t at, std::uint32_t length);

  bool in_order() const;
  Result<void> repair(env::Task& task);
  Result<void> replace_entries(env::Task& task);
  bool doubtful_marks() const;
  Result<void> settle_marks(env::Task& task);
  Result<void> write_again(env::Task& task, std::uint32_t from);

  env::Env& env_;
  const LogIdentity& identity_;
  const LogConfig& config_;
  const std::string directory_;
  const Offset base_;
  const LaterSegments later_;
  const IntegrityCodec codec_;

  std::shared_ptr<env::File> file_;
  bool made_ = false;
  std::uint32_t file_size_ = 0;
  Survey survey_;
  std::uint32_t mark_position_ = 0;
  Offset mark_offset_;
  std::uint64_t trusted_boot_ = 0;  // blocks of this boot are vouched for; 0 for none

  std::uint32_t position_ = 0;
  Offset offset_;
  LeaderEpoch epoch_ = kNoLeaderEpoch;
  std::vector<Kept> kept_;
  std::optional<OpenAdoption> adoption_;
  bool adopted_ = false;
  bool surplus_ = false;  // bytes behind the segment's end, of a write that failed
  SegmentVerdict verdict_;
  Bytes window_;
  std::uint32_t window_at_ = 0;
  std::uint32_t spoiled_until_ = 0;  // before it lies a sector that cannot be read
};

}  // namespace flux::log
