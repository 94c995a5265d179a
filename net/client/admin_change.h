// Admin::change: one request that changes something, tried again while that is safe. For the files
// of Admin alone.
#pragma once

#include "net/client/admin.h"
#include "net/client/errors.h"

namespace flux::client {

inline constexpr Key kAdmin = key("client.admin");

// `judge` reads the outcome for the one topic out of an answer: a pair of error and message.
template <class Request, class Judge>
Admin::Done Admin::change(env::Task& task, const Request& request, std::string_view about,
                          Judge&& judge) {
  Done done;
  const Instant until = client_.now() + client_.config().api_timeout;
  const env::DeadlineScope scope(task, until);
  const Key key = kAdmin.with(++calls_);
  for (std::uint32_t failures = 1;; ++failures) {
    Error why(ErrorCode::not_available);
    bool again = true;
    done.wire = kafka::WireError::none;
    auto connection = client_.controller(task);
    if (!connection) {
      why = connection.error();
    } else {
      ++done.tries;
      auto answer = (*connection)->call(task, request, client_.config().request_timeout);
      if (answer) {
        done.wire = judge(answer->body, done);
        if (done.wire == kafka::WireError::none) return done;
        why = to_error(done.wire, about);
        if (done.error) why = done.error->in(kafka::name_of(done.wire)).in(about);
        if (done.error) why = Error(to_error(done.wire, about).code(), why.detail());
        // The controller knows every topic: one that it does not know will not come by waiting.
        again = kafka::is_retriable(done.wire) &&
                done.wire != kafka::WireError::request_timed_out &&
                done.wire != kafka::WireError::unknown_topic_or_partition;
      } else {
        why = answer.error().error;
        again = why != ErrorCode::unsupported && why != ErrorCode::cancelled;
        if (!answer.error().sent) --done.tries;
      }
    }
    done.error = why;
    if (!again || why == ErrorCode::cancelled) return done;
    if (Result<void> paused = client_.pause(task, key, failures, until, why); !paused) {
      done.error = paused.error();
      return done;
    }
    // The controller may be another one now.
    const Result<void> refreshed = client_.refresh(task, {});
    done.error.reset();
    if (!refreshed) continue;
  }
}

}  // namespace flux::client
