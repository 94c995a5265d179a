#include "sim/env/connect.h"

namespace flux::sim {
namespace {
constexpr Key kRequestDelay = key("net.connect.request_delay");
constexpr Key kAnswerDelay = key("net.connect.answer_delay");
constexpr Key kRefuse = key("net.connect.refuse");
constexpr Key kSlowAccept = key("net.connect.slow_accept");
}  // namespace

ConnectState::ConnectState(SimNetwork& fabric, Process& who, std::string from_host,
                           env::Endpoint where, Key name)
    : network(fabric),
      process(&who),
      incarnation(who.incarnation()),
      host(std::move(from_host)),
      to(std::move(where)),
      key(name) {}

Duration ConnectState::one_way(const std::string& from, const std::string& destination, Key what) {
  const LinkRule& rule = network.rule_in_force(from, destination);
  const auto span = static_cast<std::uint64_t>((rule.latency_max - rule.latency_min).ns());
  const std::uint64_t extra = network.world().decisions().draw(key.with(what.value).with(tries),
                                                               span + 1, "net.connect_delay");
  return rule.latency_min + Duration(static_cast<std::int64_t>(extra));
}

void ConnectState::begin() {
  began = process->effect_time();
  send_request();
}

void ConnectState::send_request() {
  ++tries;
  const Time now = tries == 1 ? began : network.world().now();
  if (now - began >= network.habits().connect_give_up) {
    network.count(NetworkCounter::connect_timeout);
    return settle(ErrorCode::timed_out);
  }
  if (network.rule_in_force(host, to.host).blocks(to.port) || !network.host_up(to.host)) {
    // As a kernel: again after 1, 2, 4, ... seconds.
    const std::int64_t wait_s = std::int64_t{1} << std::min<std::uint64_t>(tries - 1, 5);
    network.world().at(now + seconds(wait_s), *this, kRetry);
    return;
  }
  network.world().at(now + one_way(host, to.host, kRequestDelay), *this, kRequest);
}

void ConnectState::request_arrived() {
  ListenState* listener = network.find_listener(to.host, to.port);
  if (!listener || !listener->open) return answer(ErrorCode::refused);
  Decisions& decisions = network.world().decisions();
  if (decisions.chance(key.with(kRefuse.value), network.habits().connect_refused,
                       "net.connect_refused")) {
    return answer(ErrorCode::refused);
  }
  if (listener->backlog.size() >= network.habits().backlog_max) {
    network.world().at(network.world().now() + seconds(1), *this, kRetry);
    return;
  }
  link = &network.make_link(*this, *listener);
  listener->backlog.push_back(link);
  const Duration slowest = network.habits().accept_delay_max;
  if (slowest > Duration()) {
    network.count(NetworkCounter::slow_accept);
    const std::uint64_t wait =
        decisions.draw(key.with(kSlowAccept.value), static_cast<std::uint64_t>(slowest.ns()) + 1,
                       "net.slow_accept");
    network.delay_accept(*listener, Duration(static_cast<std::int64_t>(wait)));
  } else {
    network.wake_acceptor(*listener);
  }
  answer(std::nullopt);
}

void ConnectState::answer(std::optional<ErrorCode> refused) {
  answer_error = refused;
  network.world().at(network.world().now() + one_way(to.host, host, kAnswerDelay), *this, kAnswer);
}

void ConnectState::settle(std::optional<ErrorCode> failed) {
  error = failed;
  if (failed == ErrorCode::refused) network.count(NetworkCounter::refused);
  if (abandoned) {
    // Nobody waits for it: the kernel closes what was opened.
    if (link) network.close(*link, Link::kClient);
    return;
  }
  done = true;
  process->wake(waiter);
}

void ConnectState::fire(std::uint64_t argument) {
  if (process->incarnation() != incarnation || !process->alive()) abandoned = true;
  switch (argument) {
    case kRequest:
      if (!abandoned) request_arrived();
      break;
    case kAnswer:
      settle(answer_error);
      break;
    case kRetry:
      if (!abandoned) send_request();
      break;
    default:
      UNREACHABLE("a connect's event");
  }
}

}  // namespace flux::sim
