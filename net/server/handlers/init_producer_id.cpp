#include "net/kafka/gen/init_producer_id.h"

#include "net/server/convert.h"

namespace flux::server {

// A producer without transactions gets an id that nobody had, also when it has one already.
Result<Reply> handle_init_producer_id(env::Task& task, Context& context) {
  const auto request = TRY(decode<kafka::InitProducerIdRequest>(task, context));
  kafka::InitProducerIdResponse response;
  response.producer_id = kNoProducerId;
  response.producer_epoch = kNoProducerEpoch;
  if (request.transactional_id) {
    response.error = request.transactional_id->empty()
                         ? kafka::WireError::invalid_request
                         : kafka::WireError::coordinator_not_available;
    return reply(task, context, response);
  }
  const bool has_id = request.producer_id != kNoProducerId;
  if (has_id != (request.producer_epoch != kNoProducerEpoch)) {
    response.error = kafka::WireError::invalid_request;
    return reply(task, context, response);
  }
  const auto id = context.broker.new_producer_id(task);
  if (!id) {
    // Clients try again after this one, whatever went wrong.
    response.error = kafka::WireError::coordinator_load_in_progress;
    return reply(task, context, response);
  }
  response.producer_id = *id;
  response.producer_epoch = ProducerEpoch(0);
  return reply(task, context, response);
}

}  // namespace flux::server
