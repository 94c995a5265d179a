// What the settings of topics mean, a sentence each: DescribeConfigs tells it, and so does
// `flux config describe`. A setting of the table that is missing here fails a test.

#include <algorithm>
#include <array>
#include <string_view>

#include "core/controller/setting_layers.h"

namespace flux::controller {

namespace {

struct Doc {
  std::string_view name;
  std::string_view text;
};

constexpr std::array kDocs = {
    Doc{"cleanup.policy",
        "What becomes of old records: delete removes whole segments by age and size, compact keeps "
        "the last record of each key; empty keeps all."},
    Doc{"compression.gzip.level", "How hard gzip tries when the broker compresses."},
    Doc{"compression.lz4.level", "How hard lz4 tries when the broker compresses."},
    Doc{"compression.type",
        "How records are stored: in the producer's form, or compressed anew with this codec."},
    Doc{"compression.zstd.level", "How hard zstd tries when the broker compresses."},
    Doc{"delete.retention.ms",
        "How long the mark of a deleted key is kept on a compacted topic, for readers that began "
        "before."},
    Doc{"file.delete.delay.ms", "How long a deleted segment's files stay on disk."},
    Doc{"flush.messages", "After so many records the log is synced, whether or not anybody waits."},
    Doc{"flush.ms", "After so long the log is synced, whether or not anybody waits."},
    Doc{"flux.durability",
        "What an acknowledgement of all waits for: fsync, a sync of the disk, or page-cache, the "
        "kernel."},
    Doc{"follower.replication.throttled.replicas",
        "Followers whose replication is slowed down, as PARTITION:BROKER, or * for all."},
    Doc{"index.interval.bytes", "How many bytes of records lie between two entries of an index."},
    Doc{"internal.segment.bytes", "The size of a segment, for tests: smaller than others may ask."},
    Doc{"leader.replication.throttled.replicas",
        "Leaders whose replication is slowed down, as PARTITION:BROKER, or * for all."},
    Doc{"local.retention.bytes",
        "How much of a partition stays on local disks where older records are kept elsewhere; -2 "
        "is retention.bytes."},
    Doc{"local.retention.ms",
        "How long records stay on local disks where older records are kept elsewhere; -2 is "
        "retention.ms."},
    Doc{"max.compaction.lag.ms", "The longest that a record may stay uncompacted."},
    Doc{"max.message.bytes", "The largest record batch that is taken, as it is sent."},
    Doc{"message.timestamp.after.max.ms",
        "How far a record's timestamp may be ahead of the broker's clock."},
    Doc{"message.timestamp.before.max.ms",
        "How far a record's timestamp may be behind the broker's clock."},
    Doc{"message.timestamp.type",
        "Whose timestamp a record carries: CreateTime, its producer's, or LogAppendTime, the "
        "broker's."},
    Doc{"min.cleanable.dirty.ratio",
        "How large a part of the log must be uncompacted before it is compacted."},
    Doc{"min.compaction.lag.ms", "The shortest that a record stays uncompacted."},
    Doc{"min.insync.replicas",
        "How many replicas must have a record before it is acknowledged to a producer that asks "
        "for all."},
    Doc{"preallocate", "Whether a segment's file gets its full size when it is made."},
    Doc{"remote.log.copy.disable", "Whether segments are no longer copied to a remote store."},
    Doc{"remote.log.delete.on.disable",
        "Whether what a remote store holds is deleted when it is switched off."},
    Doc{"remote.storage.enable", "Whether old segments are kept in a remote store."},
    Doc{"retention.bytes",
        "How large a partition may grow before its oldest segments are deleted; -1 is no limit."},
    Doc{"retention.ms",
        "How old a record may become before its segment is deleted; -1 is no limit."},
    Doc{"segment.bytes", "The size at which a segment ends and the next begins."},
    Doc{"segment.index.bytes", "The largest size of a segment's index."},
    Doc{"segment.jitter.ms",
        "By how much the end of a segment by age is shifted, so that not all end at once."},
    Doc{"segment.ms", "The age at which a segment ends even if it is not full."},
    Doc{"unclean.leader.election.enable",
        "Whether a replica that is not in sync may lead when no other can, at the price of "
        "records."},
};

static_assert(std::ranges::is_sorted(kDocs, {}, &Doc::name));

}  // namespace

std::string_view topic_setting_doc(std::string_view name) {
  const auto* at = std::ranges::lower_bound(kDocs, name, {}, &Doc::name);
  return at != kDocs.end() && at->name == name ? at->text : std::string_view();
}

}  // namespace flux::controller
