// Each fault of the registry is one that a node can see: the same two nodes with the same seed see
// something else with the fault than without, and it is what the fault's row says.
//
// A fault that no node can see would be a fault of the model, and a new row fails here until this
// table says how it is seen.
#include <functional>
#include <set>

#include "sim/fault/registry.h"
#include "tests/unit/sim_parity/stage.h"

namespace flux::parity {
namespace {

constexpr Duration kLength = seconds(8);
constexpr std::uint64_t kSeeds = 12;  // some faults are drawn to pass by

// What is struck, beside the fault that is looked for.
struct Struck {
  std::string_view fault;
  std::string_view target;
  std::map<std::string, std::int64_t, std::less<>> parameters = {};
  Duration at = seconds(1);
  Duration length = seconds(6);
};

struct Look {
  Struck fault;
  std::function<bool(const Sight& without, const Sight& with)> seen;
  std::vector<Struck> also = {};  // in both runs
};

void PrintTo(const Look& look, std::ostream* to) { *to << look.fault.fault; }

const Struck kCut{"power_cut_host", "a", {}, seconds(3), seconds(1)};
const Struck kLoses{"disk_lose_unsynced", "a"};

bool slower(const Sight& without, const Sight& with) {
  return with.trips[0].mean() * 4 > without.trips[0].mean() * 5;
}
// A stream that is held up for longer than anything else holds it up.
bool held_up(const Sight& without, const Sight& with) {
  return without.longest_trip() < milliseconds(20) && with.longest_trip() > milliseconds(100);
}
bool silent(const Sight& without, const Sight& with) {
  return without.timeouts() == 0 && with.timeouts() > 0;
}
bool restarted(const Sight& without, const Sight& with) {
  return without.starts == 1 && with.starts > 1;
}
bool rebooted(const Sight& without, const Sight& with) {
  return restarted(without, with) && with.boots.size() > 1;
}
bool wrong_bytes(const Sight& without, const Sight& with) {
  return without.wrong_bytes == 0 && with.wrong_bytes > 0;
}
bool clock_stepped(const Sight& without, const Sight& with) {
  return without.wall_offsets.size() == 1 && with.wall_offsets.size() > 1;
}

auto port_silent(std::size_t port) {
  return [port](const Sight& without, const Sight& with) {
    bool others = false;
    for (std::size_t i = 0; i < kPorts.size(); ++i) {
      others = others || (i != port && with.trips[i].timeouts > 0);
    }
    return silent(without, with) && with.trips[port].timeouts > 0 && !others;
  };
}
auto disk_fails(std::string call, ErrorCode code) {
  return [call = std::move(call), code](const Sight& without, const Sight& with) {
    return without.disk_failed(call, code) == 0 && with.disk_failed(call, code) > 0;
  };
}
auto tells(std::uint64_t Sight::* what) {
  return [what](const Sight& without, const Sight& with) {
    return without.*what == 0 && with.*what > 0;
  };
}
auto operation_longer_than(Duration bound) {
  return [bound](const Sight& without, const Sight& with) {
    return without.longest_operation < bound && with.longest_operation > bound;
  };
}

std::vector<Look> network_looks() {
  return {
      {{"net_tail", "a<->b", {{"permille", 50}, {"tail_ms", 2000}}}, held_up},
      {{"net_loss", "a<->b", {{"permille", 200}}}, held_up},
      // A doubled segment costs bandwidth, where that is scarce.
      {{"net_duplicate", "a<->b", {{"permille", 200}}},
       [](const Sight& without, const Sight& with) {
         return with.trips[0].mean() > without.trips[0].mean();
       },
       {{"net_bandwidth", "a<->b", {{"kib_per_second", 256}}}}},
      {{"net_reorder", "a<->b", {{"permille", 300}}}, slower},
      {{"net_slow", "a<->b", {{"latency_ms", 500}}}, held_up},
      {{"net_reset", "a<->b"},
       [](const Sight&, const Sight& with) {
         return count_of(with.client_errors, ErrorCode::reset) > 0 &&
                count_of(with.server_errors, ErrorCode::reset) > 0;
       }},
      {{"net_half_open", "a<->b"},
       [](const Sight& without, const Sight& with) {
         const auto resets = [](const Sight& s) {
           return count_of(s.client_errors, ErrorCode::reset) +
                  count_of(s.server_errors, ErrorCode::reset);
         };
         return resets(without) == 0 && resets(with) > 0;
       }},
      {{"net_refused", "all", {{"permille", 1000}}},
       [](const Sight& without, const Sight& with) {
         return count_of(without.connect_errors, ErrorCode::refused) == 0 &&
                count_of(with.connect_errors, ErrorCode::refused) > 0;
       }},
      {{"net_slow_accept", "all", {{"delay_ms", 2000}}}, held_up},
      {{"net_one_way", "b->a"}, silent},
      {{"net_partition", "all", {{"group_percent", 10}}}, silent},
      {{"net_isolate", "a"}, silent},
      {{"net_clog", "a<->b", {}, seconds(1), milliseconds(500)}, held_up},
      {{"net_bandwidth", "a<->b", {{"kib_per_second", 16}}}, held_up},
      {{"net_cut_class", "a", {{"class", 0}}}, port_silent(0)},
      {{"net_cut_class", "a", {{"class", 1}}}, port_silent(1)},
      {{"net_cut_class", "a", {{"class", 2}}}, port_silent(2)},
      {{"net_black_hole", "a<->b", {{"above_bytes", 512}}},
       [](const Sight& without, const Sight& with) {
         // Small messages still get through, so there are far more trips than silences.
         return silent(without, with) && with.trips[0].count > 3 * with.trips[0].timeouts;
       }},
      {{"net_short_io", "all", {{"permille", 900}}},
       [](const Sight& without, const Sight& with) {
         return with.partial_reads > without.partial_reads + 10 &&
                with.partial_writes > without.partial_writes + 10;
       }},
      {{"net_small_window", "all", {{"window_bytes", 64}}},
       [](const Sight& without, const Sight& with) {
         return with.partial_writes > without.partial_writes + 10;
       }},
  };
}

std::vector<Look> process_looks() {
  return {
      {{"kill", "server", {}, seconds(1), seconds(1)},
       [](const Sight& without, const Sight& with) {
         return restarted(without, with) && with.boots.size() == 1 && with.tail_whole == 1;
       }},
      {{"stop", "server", {}, seconds(1), seconds(1)},
       [](const Sight& without, const Sight& with) {
         return restarted(without, with) && with.orderly_ends == 1;
       }},
      {{"power_cut_broker", "server", {}, seconds(1), seconds(1)}, rebooted},
      {{"power_cut_host", "a", {}, seconds(1), seconds(1)}, rebooted},
      {{"power_cut_rack", "rack-a", {}, seconds(1), seconds(1)}, rebooted},
      {{"restart_elsewhere", "a", {}, seconds(1), seconds(1)},
       [](const Sight& without, const Sight& with) {
         return rebooted(without, with) && with.addresses.size() == 2 &&
                count_of(with.connect_errors, ErrorCode::timed_out) > 0;
       }},
      {{"twin", "server", {}, seconds(1), seconds(3)},
       [](const Sight& without, const Sight& with) {
         return !without.twin_found_files && with.twin_found_files && with.orderly_ends == 0;
       }},
      {{"pause", "server", {}, seconds(1), milliseconds(500)},
       [](const Sight& without, const Sight& with) {
         return with.longest_tick > without.longest_tick + milliseconds(400);
       }},
      {{"slow_cpu", "server", {{"factor", 50}}},
       [](const Sight& without, const Sight& with) {
         return with.longest_spin > without.longest_spin * 10;
       }},
      {{"fd_limit", "server", {{"sockets", 1}}},
       [](const Sight& without, const Sight& with) {
         return count_of(without.server_errors, ErrorCode::too_many_files) == 0 &&
                count_of(with.server_errors, ErrorCode::too_many_files) > 0;
       }},
      {{"memory_limit", "server", {{"kib", 256}}, milliseconds(100)}, restarted},
      {{"timers_early", "server", {{"every_ms", 5}}}, tells(&Sight::early_timers)},
      {{"metadata_lag", "a"}, port_silent(2)},
      {{"clock_skew", "server"}, clock_stepped},
      {{"clock_drift", "server", {{"ppm", 400'000}}},
       [](const Sight& without, const Sight& with) {
         return without.apart_most - without.apart_least < milliseconds(100) &&
                with.apart_most - with.apart_least > seconds(1);
       }},
      {{"clock_step", "server"},
       [](const Sight& without, const Sight& with) {
         return clock_stepped(without, with) && with.wall_offsets.size() > 3;
       }},
      {{"clock_jump", "server"}, clock_stepped},
  };
}

std::vector<Look> power_looks() {
  return {
      {kLoses, tells(&Sight::tail_cut), {kCut}},
      {{"disk_torn_prefix", "a"}, tells(&Sight::tail_cut), {kCut}},
      {{"disk_torn_subset", "a"}, tells(&Sight::tail_holes), {kCut}},
      {{"disk_torn_suffix", "a"}, tells(&Sight::tail_holes), {kCut}},
      {{"disk_stale_tail", "a", {{"permille", 1000}}}, tells(&Sight::tail_foreign), {kCut, kLoses}},
      {{"disk_lost_names", "a", {{"permille", 0}}}, tells(&Sight::name_missing), {kCut}},
      {{"lying_sync", "a", {{"permille", 1000}}}, tells(&Sight::synced_missing), {kCut, kLoses}},
      {{"disk_lost", "a", {}, seconds(3), seconds(1)}, tells(&Sight::found_nothing)},
      {{"disk_old_image", "a", {{"age_ms", 1000}}, seconds(3), seconds(1)},
       tells(&Sight::synced_missing)},
  };
}

std::vector<Look> disk_looks() {
  return {
      {{"rot", "a:/server/kept"}, wrong_bytes},
      {{"rot_on_write", "a", {{"permille", 50}}}, wrong_bytes},
      {{"latent_error", "a:/server/kept"}, disk_fails("read", ErrorCode::io_error)},
      {{"latent_on_write", "a", {{"permille", 50}}}, disk_fails("read", ErrorCode::io_error)},
      {{"misdirected_write", "a", {{"permille", 50}}}, wrong_bytes},
      {{"misdirected_read", "a", {{"permille", 100}}}, wrong_bytes},
      {{"phantom_write", "a", {{"permille", 50}}}, wrong_bytes},
      {{"sync_error", "a", {{"permille", 500}}}, disk_fails("sync", ErrorCode::io_error)},
      {{"read_error", "a", {{"permille", 1000}}}, disk_fails("read", ErrorCode::io_error)},
      {{"write_error", "a", {{"permille", 1000}}}, disk_fails("write", ErrorCode::io_error)},
      {{"name_error", "a", {{"permille", 1000}}}, disk_fails("open", ErrorCode::io_error)},
      {{"disk_full", "a"}, disk_fails("write", ErrorCode::no_space)},
      {{"space_drift", "a"},
       [](const Sight& without, const Sight& with) {
         return *without.free_bytes.begin() > *with.free_bytes.begin() + (1U << 20);
       }},
      {{"disk_files_limit", "a", {{"files", 1}}}, disk_fails("open", ErrorCode::too_many_files)},
      {{"disk_stall", "a", {{"factor", 2000}}}, operation_longer_than(milliseconds(50))},
      {{"disk_slow_tail", "a", {{"permille", 100}, {"tail_ms", 500}}},
       operation_longer_than(milliseconds(50))},
      {{"disk_hang", "a", {}, seconds(1), seconds(3)}, operation_longer_than(seconds(2))},
  };
}

std::vector<Look> all_looks() {
  std::vector<Look> all;
  for (auto part : {network_looks, process_looks, power_looks, disk_looks}) {
    for (Look& look : part()) all.push_back(std::move(look));
  }
  return all;
}

sim::FaultPlan plan_of(const Look& look, bool with_fault) {
  std::vector<Struck> strikes = look.also;
  if (with_fault) strikes.push_back(look.fault);
  sim::FaultPlan plan;
  for (const Struck& strike : strikes) {
    sim::FaultItem item;
    item.fault = strike.fault;
    item.ordinal = 1;
    item.target = strike.target;
    item.trigger.at = strike.at;
    item.duration = strike.length;
    item.parameters = strike.parameters;
    plan.push_back(std::move(item));
  }
  return plan;
}

std::vector<std::string> watch(const Look& look, bool with_fault, std::uint64_t seed,
                               Sight& sight) {
  Stage stage(seed, sight);
  auto struck = stage.play(plan_of(look, with_fault), kLength);
  EXPECT_TRUE(struck.has_value()) << struck.error().to_string();
  return struck ? *struck : std::vector<std::string>();
}

class VisibleFaults : public testing::TestWithParam<Look> {};

TEST_P(VisibleFaults, AreSeen) {
  const Look& look = GetParam();
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Sight without;
    Sight with;
    watch(look, false, seed, without);
    const std::vector<std::string> struck = watch(look, true, seed, with);
    const bool hit = std::ranges::find(struck, look.fault.fault) != struck.end();
    ASSERT_GT(without.trips[0].count, 0U);
    if (hit && look.seen(without, with)) return;
  }
  ADD_FAILURE() << look.fault.fault << " struck " << kSeeds << " times and no node saw it";
}

std::string name_of_look(const testing::TestParamInfo<Look>& info) {
  std::string name(info.param.fault.fault);
  for (const auto& [parameter, value] : info.param.fault.parameters) {
    if (parameter == "class") name += "_class_" + std::to_string(value);
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Registry, VisibleFaults, testing::ValuesIn(all_looks()), name_of_look);

TEST(VisibleFaultsTable, EveryRowOfTheRegistryIsLookedFor) {
  std::set<std::string_view> rows;
  for (const sim::FaultRow& row : sim::fault_registry()) rows.insert(row.name);
  std::set<std::string_view> looked_for;
  for (const Look& look : all_looks()) looked_for.insert(look.fault.fault);
  EXPECT_EQ(rows, looked_for);
}

}  // namespace
}  // namespace flux::parity
