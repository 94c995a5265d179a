// RecordCodec: the bytes of metadata records, given to the metadata log from outside.
//
// Core knows no protocol, so net/node implements this over the generated messages. The bytes are
// Kafka's, so that its tools can read the log: the value of a data record is frame version, type,
// version, fields; a control record's value is its message alone.
#pragma once

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/controller/records.h"

namespace flux::controller {

class RecordCodec {
 public:
  virtual ~RecordCodec() = default;

  virtual Result<Bytes> encode(const Record& record) const = 0;
  // A type or version that is not known is `unsupported`: it was written by a newer release.
  virtual Result<Record> decode(ByteView value) const = 0;

  // Values of control records.
  virtual Result<Bytes> leader_change(NodeId leader, Uuid directory) const = 0;
  virtual Result<Bytes> snapshot_header(std::int64_t last_timestamp_ms) const = 0;
  virtual Result<Bytes> snapshot_footer() const = 0;
};

}  // namespace flux::controller
