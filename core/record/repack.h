// Repack: a batch again, its records in another codec (Kafka's compression.type).
//
// The records' bytes stay as they are, and all of the header but the length, the codec and the CRC:
// offsets, timestamps, producer, epoch and sequence, so that a retry is still known for one.
#pragma once

#include <cstddef>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/record/batch.h"
#include "core/record/compression.h"
#include "core/record/pace.h"

namespace flux::record {

// `records`: those of the batch, not compressed. too_large when the new batch takes more than
// `bytes_max`.
Result<Bytes> repack(const BatchView& batch, ByteView records, const Compression& to,
                     std::size_t bytes_max, const Pace& pace = {});

}  // namespace flux::record
