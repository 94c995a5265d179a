// The types of a call: which answer belongs to which request, and how a call can fail.
#pragma once

#include <cstdint>
#include <expected>
#include <utility>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "net/kafka/gen/api_versions.h"
#include "net/kafka/gen/create_partitions.h"
#include "net/kafka/gen/create_topics.h"
#include "net/kafka/gen/delete_records.h"
#include "net/kafka/gen/delete_topics.h"
#include "net/kafka/gen/describe_cluster.h"
#include "net/kafka/gen/describe_configs.h"
#include "net/kafka/gen/describe_log_dirs.h"
#include "net/kafka/gen/fetch.h"
#include "net/kafka/gen/incremental_alter_configs.h"
#include "net/kafka/gen/init_producer_id.h"
#include "net/kafka/gen/list_config_resources.h"
#include "net/kafka/gen/list_offsets.h"
#include "net/kafka/gen/metadata.h"
#include "net/kafka/gen/produce.h"

namespace flux::client {

// Why a call has no answer, and whether the broker may have acted on it all the same.
struct CallFailure {
  Error error;
  bool sent = false;  // false: not one byte of the request left this client
};
template <class T>
using CallResult = std::expected<T, CallFailure>;

// An answer and the frame that its record batches point into. Moves keep those pointers right.
template <class Response>
struct Answer {
  Bytes frame;
  Response body;
  std::int16_t version = 0;
};

template <class Request>
struct AnswerTo;
#define FLUX_CLIENT_CALL(name)            \
  template <>                             \
  struct AnswerTo<kafka::name##Request> { \
    using type = kafka::name##Response;   \
  };
FLUX_CLIENT_CALL(ApiVersions)
FLUX_CLIENT_CALL(CreatePartitions)
FLUX_CLIENT_CALL(CreateTopics)
FLUX_CLIENT_CALL(DeleteRecords)
FLUX_CLIENT_CALL(DeleteTopics)
FLUX_CLIENT_CALL(DescribeCluster)
FLUX_CLIENT_CALL(DescribeConfigs)
FLUX_CLIENT_CALL(DescribeLogDirs)
FLUX_CLIENT_CALL(Fetch)
FLUX_CLIENT_CALL(IncrementalAlterConfigs)
FLUX_CLIENT_CALL(InitProducerId)
FLUX_CLIENT_CALL(ListConfigResources)
FLUX_CLIENT_CALL(ListOffsets)
FLUX_CLIENT_CALL(Metadata)
FLUX_CLIENT_CALL(Produce)
#undef FLUX_CLIENT_CALL

template <class Request>
using AnswerOf = Answer<typename AnswerTo<Request>::type>;

}  // namespace flux::client
