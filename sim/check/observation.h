// Observations: everything that a checker may know about a run, in the order in which it happened.
//
// Three sources: the clients' own histories (what was asked and what was answered), the world
// (which fault struck, what a disk truly lost, which process started and ended) and the nodes'
// traces. Checkers stand outside of the system: nothing here is read out of a node's memory. A run
// is a row of observations; the tamper test alters such a row and gives it to the checkers again.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/strong.h"
#include "core/env/trace.h"
#include "sim/env/disk_omen.h"
#include "sim/fault/fault_event.h"
#include "sim/world/process.h"
#include "sim/world/time.h"

namespace flux::sim {

using OperationId = Strong<struct OperationIdTag, std::uint64_t>;  // place in the history, from 0

// Names one record for the whole run: every value that a workload sends is unique.
struct ValueId {
  std::uint32_t client = 0;  // process index of the sender
  std::uint64_t number = 0;  // its count, from 1; 0 is "not a value of ours"

  bool none() const { return number == 0; }
  friend constexpr auto operator<=>(const ValueId&, const ValueId&) = default;
};

enum class OperationKind : std::uint8_t {
  produce,
  fetch,
  list_offsets,
  find_offset,  // the first one as late as a time, or the newest
  create_topic,
  delete_topic,
  delete_records,
  describe,       // metadata of a topic
  init_producer,  // a producer id and epoch
  commit_offset,
  fetch_offset,
  final_read,    // by the auditor at the end, with its own decoder
  alter_config,  // one setting, of a topic or, without one, of all brokers
};
std::string_view name_of(OperationKind kind);

enum class Outcome : std::uint8_t {
  pending,
  ok,
  refused,  // surely not done: answered with an error from before any effect
  unknown,  // may have been done, or may be done later: time-out, lost connection
};
std::string_view name_of(Outcome outcome);

enum class Acks : std::int8_t { all = -1, none = 0, leader = 1 };
std::string_view name_of(Acks acks);

// One record, as sent or as read. `digest` covers key, value and headers; equality of records is
// equality of digests (the timestamp follows its own rule).
struct RecordView {
  ValueId value;
  std::uint64_t digest = 0;
  Offset offset{-1};  // as read; of a sent record unknown
  LeaderEpoch epoch = kNoLeaderEpoch;
  std::int64_t timestamp_ms = -1;
  ProducerId producer = kNoProducerId;
  ProducerEpoch producer_epoch = kNoProducerEpoch;
  Sequence sequence = kNoSequence;

  friend bool operator==(const RecordView&, const RecordView&) = default;
};

// find_offset: the record with the largest timestamp is looked for.
inline constexpr std::int64_t kNewestTime = -3;

// What one client asked and was told. The first block is set by invoke, the second by completion.
struct Operation {
  OperationId id;
  OperationKind kind = OperationKind::produce;
  std::uint32_t client = 0;  // process index
  std::uint64_t incarnation = 0;
  // Orders what one client did without waiting: same connection, rising operation ids.
  std::uint64_t connection = 0;
  Time invoked;
  std::string topic;
  Uuid topic_id;  // zero when the client does not know it
  PartitionIndex partition{-1};
  Acks acks = Acks::all;
  ProducerId producer = kNoProducerId;
  ProducerEpoch producer_epoch = kNoProducerEpoch;
  Sequence sequence = kNoSequence;  // of the first record
  Offset offset{-1};                // asked for: fetch from, delete before, commit
  std::uint32_t attempt = 1;        // how often the client library sent it, as far as it tells
  bool read_committed = false;
  std::int64_t time_ms = -1;  // find_offset: looked for, or kNewestTime
  std::string setting;        // alter_config: its name
  std::string value;          // what it is to be; empty: it is to be taken away

  Outcome outcome = Outcome::pending;
  Time completed;
  int kafka_error = 0;                   // as answered; 0 also when there was no answer
  ErrorCode error = ErrorCode::invalid;  // meaningful when the outcome is not ok
  std::string detail;
  // Produce: what was sent. Fetch and final_read: what was read, in order.
  std::vector<RecordView> records;
  Offset base_offset{-1};      // produce: acknowledged at; list_offsets, find_offset: the answer
  std::int64_t found_ms = -1;  // find_offset: the time of the record there
  Offset log_start{-1};        // as answered, -1 when it was not
  Offset high_watermark{-1};
  Offset last_stable{-1};
  std::int32_t answered_by = -1;  // node id, when the client knows
};

struct Invoked {
  Operation operation;
};
struct Completed {
  Operation operation;
};
// A consumer starts over by its own will (a seek, a new assignment): nothing to hold against it.
struct ClientReset {
  Time at;
  std::uint32_t client = 0;
  std::string topic;
  PartitionIndex partition{-1};
};

enum class NodeChange : std::uint8_t {
  started,
  serving,  // it says that it takes requests
  ended,
  paused,
  resumed,
};
std::string_view name_of(NodeChange change);

struct NodeEvent {
  Time at;
  std::uint32_t process = 0;
  std::uint64_t incarnation = 0;
  NodeChange change = NodeChange::started;
  Exit exit = Exit::clean;  // of ended
};

// An omen (sim/env/disk_omen.h) with the disk and the time it belongs to.
struct DiskEvent {
  Time at;
  std::uint32_t disk = 0;  // index in the cluster's list of hosts
  OmenKind kind = OmenKind::written;
  Inode inode;
  std::string path;
  ByteRange range;
};

// A record batch that a node wrote into a segment file, as read off the true disk (log_watch.h).
struct BatchStored {
  Time at;
  std::uint32_t disk = 0;
  Inode inode;
  ByteRange range;
  std::string topic;
  PartitionIndex partition{-1};
  std::string directory;
  Offset base{-1};
  Offset end{-1};  // one after the last record
  ProducerId producer = kNoProducerId;
  ProducerEpoch producer_epoch = kNoProducerEpoch;
  Sequence sequence = kNoSequence;
  std::uint64_t digest = 0;  // of all its bytes
  std::string segment;       // the file's path without its suffix
  std::int64_t max_timestamp_ms = -1;
};

// A block that a node named in an integrity file, as read off the true disk (log_watch.h).
struct BlockStored {
  Time at;
  std::uint32_t disk = 0;
  std::string segment;  // the file's path without its suffix
  ByteRange range;      // of the segment
};

// What a node itself traced, at severity info and above.
struct TraceEvent {
  struct Value {
    std::string name;
    bool is_text = false;
    std::int64_t number = 0;
    std::string text;
  };
  Time at;
  std::uint64_t id = 0;
  std::uint64_t cause = 0;
  std::uint32_t process = 0;
  env::Severity severity = env::Severity::info;
  std::string event;
  std::vector<Value> fields;

  // Zero or empty when there is no such field.
  std::int64_t number(std::string_view name) const;
  std::string_view text(std::string_view name) const;
};

enum class RunPhase : std::uint8_t {
  safety,    // anything may fail
  liveness,  // the core is healed: everything must converge
  audit,     // final reads
};
std::string_view name_of(RunPhase phase);

struct PhaseBegan {
  Time at;
  RunPhase phase = RunPhase::safety;
};

using Observation = std::variant<Invoked, Completed, ClientReset, NodeEvent, DiskEvent, BatchStored,
                                 BlockStored, FaultEvent, ClockChange, TraceEvent, PhaseBegan>;
Time time_of(const Observation& observation);

}  // namespace flux::sim
