#include "sim/fault/target.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/format.h>

namespace flux::sim {
namespace {

class Resolver {
 public:
  Resolver(const FaultItem& item, const FaultRow& row, std::uint64_t strike, Ground& ground)
      : row_(row), draw_(item.key().with("target").with(strike)), ground_(ground) {}

  Result<Struck> resolve(std::string_view word) {
    switch (row_.target) {
      case TargetClass::process:
        return processes(word);
      case TargetClass::host:
      case TargetClass::disk:
        return hosts(word);
      case TargetClass::file:
        return files(word);
      case TargetClass::rack:
        return rack(word);
      case TargetClass::link:
        return links(word);
      case TargetClass::network:
        struck_.name = "all";
        return struck_;
    }
    return fail(ErrorCode::invalid);
  }

 private:
  std::uint64_t draw(std::uint64_t bound) {
    return ground_.world().decisions().draw(draw_.with(draws_++), bound, "fault.target");
  }

  // Disks matter where brokers keep them, so a fault of a disk draws among those.
  bool fits(const GroundProcess& process, std::string_view word) const {
    const bool broker_only = word == "any_broker" || row_.target == TargetClass::disk ||
                             row_.target == TargetClass::file;
    if (broker_only) return process.broker;
    return word != "any_client" || !process.broker;
  }

  std::optional<std::uint32_t> choose(std::string_view word) {
    std::vector<std::uint32_t> fitting;
    const auto& all = ground_.processes();
    for (std::uint32_t i = 0; i < all.size(); ++i) {
      if (fits(all[i], word)) fitting.push_back(i);
    }
    if (fitting.empty()) return std::nullopt;
    return fitting[draw(fitting.size())];
  }

  static bool drawn(std::string_view word) {
    return word == "any" || word == "any_broker" || word == "any_client";
  }

  std::optional<std::uint32_t> find_process(std::string_view name) const {
    const auto& all = ground_.processes();
    for (std::uint32_t i = 0; i < all.size(); ++i) {
      if (all[i].process->name() == name) return i;
    }
    return std::nullopt;
  }

  std::optional<std::uint32_t> find_host(std::string_view word) {
    if (drawn(word)) {
      const auto process = choose(word);
      if (!process) return std::nullopt;
      return ground_.processes()[*process].host;
    }
    for (std::uint32_t i = 0; i < ground_.hosts().size(); ++i) {
      if (ground_.hosts()[i].name == word) return i;
    }
    if (const auto process = find_process(word)) return ground_.processes()[*process].host;
    return std::nullopt;
  }

  std::unexpected<Error> unknown(std::string_view word, std::string_view what) const {
    std::string names;
    for (const auto& process : ground_.processes()) names += " " + process.process->name();
    for (const auto& host : ground_.hosts()) names += " " + host.name;
    return fail(ErrorCode::invalid, fmt::format("no {} \"{}\": there are any any_broker any_client"
                                                " all{}",
                                                what, word, names));
  }

  Result<Struck> processes(std::string_view word) {
    if (word == "all") {
      for (std::uint32_t i = 0; i < ground_.processes().size(); ++i) struck_.processes.push_back(i);
      struck_.name = "all";
      return struck_;
    }
    const auto chosen = drawn(word) ? choose(word) : find_process(word);
    if (!chosen) return unknown(word, "process");
    struck_.processes = {*chosen};
    struck_.hosts = {ground_.processes()[*chosen].host};
    struck_.name = ground_.processes()[*chosen].process->name();
    return struck_;
  }

  void take_host(std::uint32_t host) {
    struck_.hosts.push_back(host);
    for (std::uint32_t i = 0; i < ground_.processes().size(); ++i) {
      if (ground_.processes()[i].host == host) struck_.processes.push_back(i);
    }
  }

  Result<Struck> hosts(std::string_view word) {
    if (word == "all") {
      for (std::uint32_t i = 0; i < ground_.hosts().size(); ++i) take_host(i);
      struck_.name = "all";
      return struck_;
    }
    const auto host = find_host(word);
    if (!host) return unknown(word, "host");
    take_host(*host);
    struck_.name = ground_.hosts()[*host].name;
    return struck_;
  }

  Result<Struck> files(std::string_view word) {
    const std::size_t colon = word.find(':');
    if (colon != std::string_view::npos) {
      struck_.pattern = word.substr(colon + 1);
      word = word.substr(0, colon);
    }
    return hosts(word);
  }

  Result<Struck> rack(std::string_view word) {
    std::string name(word);
    if (drawn(word)) {
      const auto host = find_host(word);
      if (!host) return unknown(word, "rack");
      name = ground_.hosts()[*host].rack;
    }
    for (std::uint32_t i = 0; i < ground_.hosts().size(); ++i) {
      if (ground_.hosts()[i].rack == name) take_host(i);
    }
    if (struck_.hosts.empty()) return unknown(word, "rack");
    struck_.name = name;
    return struck_;
  }

  Result<Struck> links(std::string_view word) {
    const auto count = static_cast<std::uint32_t>(ground_.hosts().size());
    if (word == "all") {
      for (std::uint32_t i = 0; i < count; ++i) both_ways_with_all(i, i);
      struck_.name = "all";
      return struck_;
    }
    if (drawn(word)) return drawn_link(word);
    for (const std::string_view arrow : {"<->", "->"}) {
      const std::size_t at = word.find(arrow);
      if (at == std::string_view::npos) continue;
      const auto from = find_host(word.substr(0, at));
      const auto to = find_host(word.substr(at + arrow.size()));
      if (!from || !to) return unknown(word, "link between hosts");
      struck_.directions.push_back({*from, *to});
      if (arrow == "<->") struck_.directions.push_back({*to, *from});
      struck_.name = word;
      return struck_;
    }
    const auto host = find_host(word);
    if (!host) return unknown(word, "host or link");
    both_ways_with_all(*host, 0);
    struck_.name = ground_.hosts()[*host].name;
    return struck_;
  }

  // Between the host and every other one from `first` on.
  void both_ways_with_all(std::uint32_t host, std::uint32_t first) {
    for (std::uint32_t other = first; other < ground_.hosts().size(); ++other) {
      if (other == host) continue;
      struck_.directions.push_back({host, other});
      struck_.directions.push_back({other, host});
    }
  }

  // One direction, or both, between a drawn host and another one.
  Result<Struck> drawn_link(std::string_view word) {
    const auto count = static_cast<std::uint32_t>(ground_.hosts().size());
    const auto from = find_host(word == "any" ? "any_broker" : word);
    if (!from || count < 2) return unknown(word, "link");
    auto to = static_cast<std::uint32_t>(draw(count - 1));
    if (to >= *from) ++to;
    const bool inwards = draw(2) == 0;
    const std::pair<std::uint32_t, std::uint32_t> there{*from, to};
    const std::pair<std::uint32_t, std::uint32_t> back{to, *from};
    struck_.directions.push_back(inwards ? back : there);
    const auto& way = struck_.directions.front();
    const bool both = draw(2) == 0 && row_.name != "net_one_way";
    struck_.name = fmt::format("{}{}{}", ground_.hosts()[way.first].name, both ? "<->" : "->",
                               ground_.hosts()[way.second].name);
    if (both) struck_.directions.push_back({way.second, way.first});
    return struck_;
  }

  const FaultRow& row_;
  Key draw_;
  Ground& ground_;
  std::uint64_t draws_ = 0;
  Struck struck_;
};

}  // namespace

Result<Struck> resolve(const FaultItem& item, const FaultRow& row, std::uint64_t strike,
                       Ground& ground) {
  return Resolver(item, row, strike, ground).resolve(item.target);
}

}  // namespace flux::sim
