#include "net/client/fetch_session.h"

#include "core/base/mark.h"

namespace flux::client {

using kafka::WireError;

FetchSession::Wanted FetchSession::wanted_by(const kafka::FetchRequest& request) {
  Wanted out;
  for (const auto& topic : request.topics) {
    for (const auto& partition : topic.partitions) {
      out[{topic.name, partition.index}] = {topic.topic_id, partition};
    }
  }
  return out;
}

// A topic that was made anew under its name is another one to the session.
bool FetchSession::can_continue(const Wanted& wanted, bool names_by_id) const {
  if (full_ || id_ == 0 || names_by_id != names_by_id_) return false;
  for (const auto& [at, said] : said_) {
    const auto still = wanted.find(at);
    if (still != wanted.end() && still->second.topic_id != said.topic_id) return false;
  }
  return true;
}

void FetchSession::shape(kafka::FetchRequest& request, bool names_by_id) {
  Wanted wanted = wanted_by(request);
  sent_full_ = !can_continue(wanted, names_by_id);
  full_ = true;  // unless it is answered
  names_by_id_ = names_by_id;
  request.session_id = id_;
  request.session_epoch = sent_full_ ? 0 : epoch_;
  if (!sent_full_) {
    request.topics.clear();
    for (const auto& [at, said] : wanted) {
      const auto before = said_.find(at);
      if (before != said_.end() && before->second.partition == said.partition) continue;
      if (request.topics.empty() || request.topics.back().name != at.first) {
        request.topics.push_back({.name = at.first, .topic_id = said.topic_id, .partitions = {}});
      }
      request.topics.back().partitions.push_back(said.partition);
    }
    for (const auto& [at, said] : said_) {
      if (wanted.contains(at)) continue;
      auto& forgotten = request.forgotten_topics;
      if (forgotten.empty() || forgotten.back().name != at.first) {
        forgotten.push_back({.name = at.first, .topic_id = said.topic_id, .partitions = {}});
      }
      forgotten.back().partitions.push_back(at.second);
    }
  }
  said_ = std::move(wanted);
}

bool FetchSession::answered(const kafka::FetchResponse& answer) {
  switch (answer.error) {
    case WireError::none:
      break;
    case WireError::fetch_session_id_not_found:
    case WireError::invalid_fetch_session_epoch:
    case WireError::fetch_session_topic_id_error:
      REACHED("client.fetch_session_lost");
      return true;
    default:
      return false;
  }
  if (!sent_full_) REACHED("client.fetch_session_continued");
  epoch_ = sent_full_ ? 1 : (epoch_ == INT32_MAX ? 1 : epoch_ + 1);
  id_ = answer.session_id;
  full_ = id_ == 0;
  return false;
}

}  // namespace flux::client
