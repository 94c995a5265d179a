#include "net/client/fetched.h"

#include <algorithm>
#include <set>
#include <string>

#include "core/base/mark.h"
#include "core/record/compression.h"
#include "core/record/record.h"

namespace flux::client {
namespace {

using record::BatchView;

using Aborted = kafka::FetchResponse::AbortedTransaction;

// A control record's key is its version and its type.
constexpr std::int16_t kAbortMarker = 0;

// Which producers are inside an aborted transaction, as the reading moves on.
class AbortedProducers {
 public:
  explicit AbortedProducers(const std::vector<Aborted>* aborted) {
    if (aborted != nullptr) coming_ = *aborted;
    std::ranges::sort(coming_, {}, &Aborted::first_offset);
  }

  void move_to(const BatchView& batch) {
    while (at_ < coming_.size() && coming_[at_].first_offset <= batch.last_offset()) {
      inside_.insert(coming_[at_].producer_id);
      ++at_;
    }
  }
  void see_control(const BatchView& batch) {
    record::RecordReader reader(batch.records(), batch.record_count());
    if (reader.done()) return;
    const Result<record::Record> marker = reader.next();
    if (!marker || !marker->key || marker->key->size() < 4) return;
    if (load_be<std::int16_t>(marker->key->data() + 2) == kAbortMarker) {
      inside_.erase(batch.producer_id());
    }
  }
  bool hides(const BatchView& batch) const {
    return batch.transactional() && inside_.contains(batch.producer_id());
  }

 private:
  std::vector<Aborted> coming_;
  std::size_t at_ = 0;
  std::set<ProducerId> inside_;
};

std::optional<Bytes> owned(const std::optional<ByteView>& bytes) {
  if (!bytes) return std::nullopt;
  return to_bytes(*bytes);
}

Result<ConsumedRecord> read_record(const record::Record& from, const BatchView& batch) {
  ConsumedRecord out{.offset = from.offset(batch),
                     .epoch = batch.leader_epoch(),
                     .timestamp = from.timestamp(batch),
                     .append_time = batch.log_append_time(),
                     .key = owned(from.key),
                     .value = owned(from.value),
                     .headers = {},
                     .producer_id = batch.producer_id(),
                     .producer_epoch = batch.producer_epoch(),
                     .sequence = kNoSequence};
  if (batch.base_sequence() != kNoSequence) {
    out.sequence = record::sequence_after(batch.base_sequence(), from.offset_delta);
  }
  record::HeaderReader headers(from);
  while (!headers.done()) {
    const record::Header header = TRY(headers.next());
    out.headers.push_back({.key = std::string(as_text(header.key)), .value = owned(header.value)});
  }
  return out;
}

Result<void> read_batch(const BatchView& batch, Offset position, const ConsumerConfig& config,
                        std::vector<ConsumedRecord>& out) {
  Bytes storage;
  const ByteView bytes = TRY(record::records_of(batch, storage, config.batch_bytes_max));
  record::RecordReader reader(bytes, batch.record_count());
  while (!reader.done()) {
    const record::Record next = TRY(reader.next());
    if (next.offset(batch) < position) continue;
    out.push_back(TRY(read_record(next, batch)));
  }
  return {};
}

}  // namespace

FetchedRecords read_batches(ByteView bytes, Offset position, const ConsumerConfig& config,
                            const std::vector<Aborted>* aborted) {
  FetchedRecords out{.records = {}, .next = position, .error = {}};
  AbortedProducers producers(aborted);
  bool any = false;
  while (!bytes.empty()) {
    const Result<BatchView> batch = BatchView::take(bytes);
    if (!batch && batch.error() == ErrorCode::out_of_range) {
      // Brokers cut the last batch; a first one that does not fit would never come.
      if (!any) out.error = Error(ErrorCode::too_large, "a batch larger than what may be fetched");
      break;
    }
    if (!batch) {
      out.error = batch.error();
      break;
    }
    any = true;
    if (config.check_crcs && !batch->crc_fits()) {
      REACHED("client.fetched_bad_crc");
      out.error = Error(ErrorCode::corrupt, "the CRC of the batch at offset " +
                                                std::to_string(batch->base_offset().value()) +
                                                " does not fit");
      break;
    }
    if (batch->next_offset() <= out.next) continue;
    producers.move_to(*batch);
    if (batch->control()) {
      producers.see_control(*batch);
    } else if (!producers.hides(*batch)) {
      const std::size_t before = out.records.size();
      if (const Result<void> read = read_batch(*batch, out.next, config, out.records); !read) {
        out.records.resize(before);
        out.error =
            read.error().in("batch at offset " + std::to_string(batch->base_offset().value()));
        break;
      }
    }
    out.next = batch->next_offset();
  }
  return out;
}

}  // namespace flux::client
