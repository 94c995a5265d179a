// SimNetwork: the hosts of a world and the byte streams between them. A NodeNetwork is what one
// process sees of it.
//
// Fault model: network_faults.h. Rules hold for one direction between two hosts and may change at
// any time; connections notice when their next bytes would pass. A host that lost power answers
// nothing: its peers find out by waiting or, once it is back, by a reset.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/env/network.h"
#include "sim/env/link.h"
#include "sim/env/network_faults.h"
#include "sim/world/world.h"

namespace flux::sim {

// How often each thing happened, for reports and floors.
enum class NetworkCounter : std::uint8_t {
  connect,
  refused,
  connect_timeout,
  reset,
  tail,
  loss,
  duplicate,
  reorder,
  held,
  give_up,
  short_read,
  short_write,
  slow_accept,
  half_open,
  too_many_files,
  count_
};
std::string_view name_of(NetworkCounter counter);

struct ListenState;
struct ConnectState;

class SimNetwork final : public ProcessWatcher, private EventTarget {
 public:
  SimNetwork(World& world, const NetworkHabits& habits, const LinkRule& rule);
  ~SimNetwork();

  World& world() { return world_; }
  NetworkHabits& habits() { return habits_; }
  void count(NetworkCounter counter) { ++counters_[static_cast<std::size_t>(counter)]; }
  std::uint64_t counted(NetworkCounter counter) const {
    return counters_[static_cast<std::size_t>(counter)];
  }

  // Changing a rule takes effect for what is under way too: call release() after unblocking.
  LinkRule& rule(const std::string& from, const std::string& to);
  // The rule in force; the shared default until rule() made one for this direction.
  const LinkRule& rule_in_force(const std::string& from, const std::string& to) const;
  // Every direction that has a rule of its own; all others share the default.
  void for_rules(
      const std::function<void(const std::string& from, const std::string& to, LinkRule&)>& body);
  LinkRule& default_rule() { return default_rule_; }
  void release();

  // Resets connections that have an end on `host` and use `port` (0: any), each with chance `p`,
  // drawn by (`what`, connection). Returns how many.
  std::size_t reset_connections(const std::string& host, std::uint16_t port, Ratio p, Key what);
  // One side of such connections forgets them without telling; the peer learns at its next write.
  std::size_t half_open(const std::string& host, std::uint16_t port, Ratio p, Key what);

  // For the ends.
  ListenState* listen(Process& process, const env::Endpoint& at, const std::string& host);
  void unlisten(ListenState& state);
  ConnectState* connect(Process& process, const std::string& host, const env::Endpoint& to);
  void close(Link& link, Link::Side side);
  void reset(Link& link, Link::Side told, Time at);
  void delivered(Link& link, Pipe& pipe, std::uint64_t from, std::uint64_t to, std::uint64_t cause);
  void room_again(Link& link, Pipe& pipe);
  void give_up(Link& link);
  void fail_end(Link& link, Link::Side side, ErrorCode error);
  ListenState* find_listener(const std::string& host, std::uint16_t port);
  bool host_up(const std::string& host) const;
  void set_host_up(const std::string& host, bool up) { hosts_down_[host] = !up; }
  Link& make_link(ConnectState& attempt, ListenState& listener);
  void wake_acceptor(ListenState& listener);
  void delay_accept(ListenState& listener, Duration wait);
  std::uint16_t free_port(const std::string& host);
  // Sockets of a process, against its limit; false when it may have no more.
  bool take_socket(Process& process);
  void give_socket(Process& process);
  void set_socket_limit(Process& process, std::uint32_t limit);

  void process_ended(Process& process, Exit exit) override;

 private:
  void fire(std::uint64_t listener) override;  // a slow accept is over
  friend struct ConnectState;
  struct Sockets {
    std::uint32_t open = 0;
    std::uint32_t limit = 0;  // 0: none
    std::uint64_t connects = 0;
  };
  template <class Body>
  std::size_t for_chosen(const std::string& host, std::uint16_t port, Ratio p, Key what,
                         Body&& body);

  World& world_;
  NetworkHabits habits_;
  LinkRule default_rule_;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<LinkRule>> rules_;
  std::map<std::string, bool> hosts_down_;
  std::vector<std::unique_ptr<ListenState>> listeners_;
  std::vector<std::unique_ptr<ConnectState>> attempts_;
  std::vector<std::unique_ptr<Link>> links_;
  std::map<std::uint32_t, Sockets> sockets_;  // by process index
  std::map<std::string, std::uint16_t> next_port_;
  std::array<std::uint64_t, static_cast<std::size_t>(NetworkCounter::count_)> counters_{};
};

}  // namespace flux::sim
