// HttpServer: pages over HTTP/1.1, for tools that watch a node.
//
// A page is asked for by its path and made anew for each request. What clients may take up is
// bounded: connections, bytes of a head, the time for it, the time to take an answer; beyond a
// bound a connection is refused or closed, and nobody else notices. Who comes when there are enough
// takes the place of whoever has been silent for longest. It answers GET and HEAD.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/env/env.h"
#include "core/metrics/exposition.h"
#include "core/sync/task_group.h"
#include "net/http/request.h"

namespace flux::http {

struct HttpConfig {
  env::Endpoint at;
  std::size_t connections_max = 32;
  Duration idle_max = seconds(75);         // between requests; scrapers come once a minute
  Duration head_patience = seconds(10);    // from the first byte of a head to its last
  Duration answer_patience = seconds(10);  // for all of an answer
};

struct Answer {
  Status status = Status::ok;
  std::string_view type = "text/plain; charset=utf-8";  // fixed text
  std::string body;
};

// Nothing when there is no such page.
using Pages = std::function<std::optional<Answer>(env::Task& task, std::string_view path)>;

class HttpServer {
 public:
  HttpServer(env::Env& env, const HttpConfig& config, Pages pages);

  // Takes the port and answers from now on. An error names the address.
  Result<void> start(env::Task& task);
  // With the real port, once started.
  const env::Endpoint& local() const { return listener_->local(); }
  // Answers under way are cut short.
  Result<void> stop(env::Task& task);

  void write_metrics(metrics::Exposition& to) const;

 private:
  void accept_loop(env::Task& task);
  void serve(env::Task& task, env::Connection& stream);
  Result<bool> serve_one(env::Task& task, env::Connection& stream, std::string& buffer);
  Result<std::size_t> read_some(env::Task& task, env::Connection& stream, std::string& buffer);
  bool make_room();
  Result<Parsed> read_request(env::Task& task, env::Connection& stream, std::string& buffer);
  Answer answer_to(env::Task& task, const Request& request);
  Result<void> send(env::Task& task, env::Connection& stream, const Answer& answer, bool with_body,
                    bool keep_alive);

  env::Env& env_;
  const HttpConfig config_;
  const Pages pages_;
  std::unique_ptr<env::Listener> listener_;
  sync::TaskGroup tasks_;
  std::list<env::Connection*> silent_;  // between requests, for longest first
  std::map<Status, metrics::Counter> answers_;
  metrics::Counter refused_;
};

}  // namespace flux::http
