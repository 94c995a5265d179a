// FetchSession: the client's half of a fetch session with one broker (KIP-227): what it has told
// the broker already need not be said again.
//
// One request at a time: shape() before it is sent, then answered() if an answer comes. Without one
// the next request opens a new session and closes the old one; the broker may refuse to keep one,
// and then each request says everything.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "core/base/ids.h"
#include "net/kafka/gen/fetch.h"

namespace flux::client {

class FetchSession {
 public:
  // `request` says everything that is wanted; afterwards only what is news.
  void shape(kafka::FetchRequest& request, bool names_by_id);
  // True when the broker knows the session no more: the request should be made again in full.
  bool answered(const kafka::FetchResponse& answer);

 private:
  struct Said {
    Uuid topic_id;
    kafka::FetchRequest::Partition partition;
  };
  using Wanted = std::map<std::pair<std::string, PartitionIndex>, Said>;

  static Wanted wanted_by(const kafka::FetchRequest& request);
  bool can_continue(const Wanted& wanted, bool names_by_id) const;

  std::int32_t id_ = 0;
  std::int32_t epoch_ = 0;
  bool names_by_id_ = false;
  bool full_ = true;       // the next request
  bool sent_full_ = true;  // the one under way
  Wanted said_;
};

}  // namespace flux::client
